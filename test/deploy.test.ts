import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { Metrics } from '../src/app/state/metrics.ts';
import { State } from '../src/app/state/state.ts';
import type { Observation } from '../src/core/observer.ts';
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

/** What /metrics says after these observations, the last of them an hour later. */
async function textAfter(...seen: readonly Observation[]): Promise<string> {
  let now = 0;
  const state = new State({ name: 'shop', slot: 's', tables: ['public.a'], sinks: ['twin'] }, () => now);
  const metrics = new Metrics(state);
  for (const [at, observation] of seen.entries()) {
    if (at === seen.length - 1) now += 3_600_000;
    state.observe(observation);
    metrics.observe(observation);
  }
  return await metrics.text();
}

/** The value of the one series of this metric that the alert asks for. */
function askedBy(alert: string, text: string): number {
  const { expr } = rules.find((rule) => rule.alert === alert)!;
  const [, name, selector = ''] = METRIC.exec(expr)!;
  const lines = text.split('\n').filter((line) => line.startsWith(name!) && line.includes(selector));
  assert.equal(lines.length, 1, `${alert}: ${lines.join()}`);
  return Number(lines[0]!.split(' ').at(-1));
}

test('with the only sink away the alerts fire that say so, and that it lags', async () => {
  const away: Observation = { type: 'trouble', part: 'twin', code: 'twin_away', message: 'gone', retryInMs: 1 };
  const text = await textAfter({ type: 'confirmed' }, { type: 'durable', sink: 'twin', pos: 1n }, away, away);
  assert.ok(askedBy('PgveilSinkLags', text) > 900);
  assert.equal(askedBy('PgveilSinkParked', text), 0);
  assert.equal(askedBy('PgveilNotReady', text), 0);
});

test('a slot that is given up and made anew within one scrape is not missed, nor is the first trouble of its kind', async () => {
  const lost: Observation = { type: 'trouble', part: 'pipeline', code: 'slot_lost', message: 'gone', retryInMs: 1 };
  const series = /^pgveil_troubles_total\{code="slot_lost"\} (\d+)$/m;
  const { expr } = rules.find(({ alert }) => alert === 'PgveilSlotLost')!;
  assert.match(expr, / or increase\(pgveil_troubles_total\{code="slot_lost"\}/);
  assert.equal(series.exec(await textAfter())![1], '0', 'an increase is seen only of what was there before');
  assert.equal(series.exec(await textAfter(lost))![1], '1');
});
