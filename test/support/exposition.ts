/** One metric of Prometheus's text format. */
export interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Of its samples, each once. */
  readonly labels: readonly string[];
  readonly samples: number;
}

/** What a page of /metrics holds, in its order. */
export function metricsIn(text: string): Metric[] {
  return Array.from(text.matchAll(/^# HELP (\w+) (.*)\n# TYPE \w+ (\w+)\n((?:(?!#).*\n)*)/gm), (found) => {
    const [, name = '', help = '', type = '', lines = ''] = found;
    const samples = lines.split('\n').filter((line) => line !== '');
    const labels = samples.flatMap((line) => Array.from(line.matchAll(/[{,](\w+)="/g), ([, label]) => label!));
    return { name, type, help, labels: [...new Set(labels)], samples: samples.length };
  });
}
