import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { Metrics } from '../src/app/state/metrics.ts';
import { State } from '../src/app/state/state.ts';
import { metricsIn } from './support/exposition.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

const rules: readonly Rule[] = parse(readFileSync('deploy/prometheus.rules.yaml', 'utf8')).groups.flatMap(
  (group: { readonly rules: readonly Rule[] }) => group.rules,
);
const dashboard: { readonly panels: readonly Panel[]; readonly templating: { readonly list: readonly unknown[] } } =
  JSON.parse(readFileSync('deploy/grafana.json', 'utf8'));

/** A metric, with what is asked of its labels. `up` is Prometheus's own: 1 for each target that answers. */
const METRIC = /\b(pgveil_\w+|up)\b(?:\{([^}]*)\})?/;

/** By name, the labels that each has at /metrics. */
async function labelsThere(): Promise<ReadonlyMap<string, readonly string[]>> {
  const state = new State({ name: 'shop', slot: 's', tables: [], sinks: [] });
  const page = readFileSync('docs/08-operations.md', 'utf8');
  const listed = Array.from(page.matchAll(/^\| `(pgveil_\w+)` \| \w+ \| (.*?) \|/gm), ([, name, labels]) => {
    return [name!, Array.from(labels!.matchAll(/`(\w+)`/g), ([, label]) => label!)] as const;
  });
  const there = metricsIn(await new Metrics(state).text()).map(({ name }) => [name, [] as string[]] as const);
  return new Map([['up', ['job']], ...there, ...listed]);
}

async function assertThere(expressions: readonly string[]): Promise<void> {
  const there = await labelsThere();
  for (const expression of expressions) {
    const used = [...expression.matchAll(new RegExp(METRIC, 'g'))];
    assert.ok(used.length > 0, `${expression} asks for nothing of pgveil`);
    for (const [, name, selector = ''] of used) {
      const labels = there.get(name!);
      assert.ok(labels, `${name} is not at /metrics`);
      for (const [, label] of selector.matchAll(/(\w+)\s*[=!]/g))
        assert.ok(label === 'instance' || labels.includes(label!), `${name} has no label ${label}`);
    }
  }
}

test('every metric of the alerts and of the dashboard is there, with the labels that are asked for', async () => {
  await assertThere(rules.map(({ expr }) => expr));
  await assertThere(dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)));
});

test('each alert says what it is, how grave, and where it is written what to do', () => {
  const page = readFileSync('docs/08-operations.md', 'utf8');
  const headings = Array.from(page.matchAll(/^### (\w+)$/gm), ([, heading]) => heading!);
  for (const { alert, labels, annotations } of rules) {
    assert.match(alert, /^Pgveil[A-Za-z]+$/);
    assert.ok(['warning', 'critical'].includes(labels.severity), alert);
    assert.ok(annotations.summary.length > 10 && annotations.description.length > 10, alert);
    const [file, anchor] = annotations.runbook.split('#');
    assert.equal(file, 'docs/08-operations.md');
    assert.ok(
      headings.some((heading) => heading.toLowerCase() === anchor),
      `${alert}: ${annotations.runbook}`,
    );
  }
  const led = new Set(rules.map(({ annotations }) => annotations.runbook.split('#')[1]));
  for (const heading of headings) assert.ok(led.has(heading.toLowerCase()), `no alert leads to ${heading}`);
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});

test('labels in the texts of an alert are those that its expression gives', async () => {
  const there = await labelsThere();
  for (const { alert, expr, annotations } of rules) {
    const given = [...(there.get(METRIC.exec(expr)![1]!) ?? []), 'instance'];
    for (const [, label] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g))
      assert.ok(given.includes(label!), `${alert}: ${label}`);
  }
});

test('the dashboard asks the data source that is chosen, and no panel lies on another', () => {
  const taken = new Map<string, string>();
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual((dashboard.templating.list as { type: string }[])[0]!.type, 'datasource');
  for (const { type, title, datasource, targets = [], gridPos } of dashboard.panels) {
    for (const asked of type === 'row' ? [] : [{ datasource }, ...targets])
      assert.equal(asked.datasource?.uid, `\${datasource}`, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      assert.ok(x < 24, title);
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.equal(taken.get(`${x} ${y}`), undefined, `${title} lies on ${taken.get(`${x} ${y}`)}`);
        taken.set(`${x} ${y}`, title);
      }
    }
  }
});
