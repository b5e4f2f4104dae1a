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

const slotSeen = { type: 'slot', name: 's', end: 9n, retainedBytes: 5, walStatus: 'reserved', safeBytes: 100 } as const;
const HEALTHY: readonly Observation[] = [
  { type: 'confirmed' },
  { type: 'durable', sink: 'twin', pos: 9n },
  { type: 'table', table: 'public.a', generation: 1, state: 'streaming' },
  slotSeen,
  { type: 'wal', slot: 's', bytesPerSecond: 1, secondsLeft: 100_000 },
];

const trouble = (part: string, code: string) =>
  ({ type: 'trouble', part, code, message: 'gone', retryInMs: 1 }) as const satisfies Observation;
const inHalt = { type: 'table', table: 'public.a', generation: 1, state: 'halted', code: 'no_key' } as const;
const dropped = { type: 'copy step', table: 'public.a', generation: 2, step: 'dropped' } as const;
const lasts = (secondsLeft: number): Observation => ({ type: 'wal', slot: 's', bytesPerSecond: 1, secondsLeft });

/** What each alert is about, an hour before it is looked at. */
const REASONS: Readonly<Record<string, readonly Observation[]>> = {
  PgveilNotReady: [trouble('source', 'source_away')],
  PgveilTableHalted: [inHalt],
  PgveilTableWaits: [{ type: 'table', table: 'public.a', generation: 1, state: 'stale', reason: 'renamed' }],
  PgveilCopyRestarts: [dropped, dropped, dropped],
  // The only sink: nobody goes on without it.
  PgveilSinkParked: [trouble('twin', 'twin_away')],
  PgveilSinkHalted: [
    { type: 'sink', sink: 'twin', state: 'away', slot: null, own: 'twin' },
    { ...trouble('twin', 'twin_rights'), own: 'twin' },
  ],
  PgveilSinkLags: [trouble('twin', 'twin_away')],
  PgveilSlotRunsOut: [lasts(7000)],
  PgveilSlotRunsOutSoon: [lasts(1000)],
  PgveilSlotKeepsMuch: [{ type: 'wal alarm', slot: 's', code: 'wal_retained', message: 'much', isOver: false }],
  PgveilSlotKeepsTooMuch: [{ type: 'wal alarm', slot: 's', code: 'wal_limit', message: 'nobody', isOver: false }],
  PgveilIsSynchronous: [{ type: 'wal alarm', slot: 's', code: 'sync_standby', message: 'counted', isOver: false }],
  // It is made anew before anybody looks.
  PgveilSlotLost: [{ ...slotSeen, walStatus: 'lost' }, trouble('pipeline', 'slot_lost'), slotSeen],
  PgveilRestarts: Array.from({ length: 6 }, () => trouble('pipeline', 'source_away')),
  PgveilWithholds: [{ type: 'withheld', table: 'public.a', column: 'note', cells: 1 }],
};

/** What /metrics says of a pipeline that is well, and after what happened to it. */
async function pages(
  reason: readonly Observation[],
  first = HEALTHY,
): Promise<readonly [before: string, after: string]> {
  let now = 0;
  const state = new State({ name: 'shop', slot: 's', tables: ['public.a'], sinks: ['twin'] }, () => now);
  const metrics = new Metrics(state);
  const tell = (seen: readonly Observation[]) => {
    for (const observation of seen) for (const listener of [state, metrics]) listener.observe(observation);
  };
  tell(first);
  const before = await metrics.text();
  tell(reason);
  now += 3_600_000;
  return [before, await metrics.text()];
}

/** By name and labels. */
function seriesIn(page: string, name: string, selector: string): ReadonlyMap<string, number> {
  const asked = page.split('\n').filter((line) => line.startsWith(name) && line.includes(selector));
  return new Map(asked.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

const EXPRESSION =
  /^(?<sum>sum by \(instance\) \()?(?<increase>increase\()?(?<name>\w+)(?:\{(?<selector>.*?)\})?[^ ]* (?<sign>[=<>]+) (?<level>\d+)$/;
const SIGNS: Readonly<Record<string, (value: number, level: number) => boolean>> = {
  '==': (value, level) => value === level,
  '>=': (value, level) => value >= level,
  '>': (value, level) => value > level,
  '<': (value, level) => value < level,
};

/** As Prometheus would, of what our rules use of its language: all series are of one instance. */
function fires(expr: string, before: string, after: string): boolean {
  const [asked, ...unless] = expr.split(' unless on (instance) ');
  return holds(asked!, before, after) && !unless.some((part) => holds(part, before, after));
}

/** A series has increased only by what was added after it was first seen. */
function holds(expr: string, before: string, after: string): boolean {
  return expr.split(' or ').some((part) => {
    const { sum, increase, name = '', selector = '', sign = '', level } = EXPRESSION.exec(part)!.groups!;
    const known = seriesIn(before, name, selector);
    const now = [...seriesIn(after, name, selector)];
    const values = increase
      ? now.map(([series, value]) => value - (known.get(series) ?? value))
      : now.map(([, value]) => value);
    const compared = sum ? [values.reduce((all, value) => all + value, 0)] : values;
    return compared.some((value) => SIGNS[sign]!(value, Number(level)));
  });
}

const OF_PGVEIL = rules.filter(({ expr }) => !/\bup\b|process_start_time/.test(expr));

for (const { alert, expr } of OF_PGVEIL) {
  test(`${alert} fires for what it is about, and not where all is well`, async () => {
    const [before, after] = await pages(REASONS[alert]!);
    assert.equal(fires(expr, before, before), false);
    assert.equal(fires(expr, before, after), true, expr);
  });
}

const waits = { type: 'waiting', for: 'instance', what: 'another instance of this pipeline to end' } as const;
const wasWell = [trouble('source', 'source_away'), waits];

for (const [which, reason, first] of [
  ['that waits from its start on', [waits], []],
  ['that had the pipeline before', wasWell, HEALTHY],
] as const) {
  test(`nothing fires for an instance ${which} for another one to end`, async () => {
    const [before, after] = await pages(reason, first);
    const fired = OF_PGVEIL.filter(({ expr }) => fires(expr, before, after)).map(({ alert }) => alert);
    assert.deepEqual(fired, []);
  });
}

test('an instance that waits for a transaction is not ready, and an alert says so', async () => {
  const [before, after] = await pages([{ ...waits, for: 'transaction' }]);
  const fired = OF_PGVEIL.filter(({ expr }) => fires(expr, before, after)).map(({ alert }) => alert);
  assert.deepEqual(fired, ['PgveilNotReady']);
});
