import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { NODE } from '../../../src/app/node.ts';
import { CANARY, configText } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'pgveil-'));
after(() => rmSync(folder, { recursive: true }));

const pgveil = (...args: string[]) => start(['src/app/cli.ts', ...args]);

async function start(argv: string[]) {
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const [out, err, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  assert.ok(!(out + err).includes(CANARY), 'no secret comes out');
  return { exitCode, out, err };
}

function configFile(content: string): string {
  const file = join(folder, 'pgveil.yaml');
  writeFileSync(file, content);
  return file;
}

test('help exits 0 and has examples, for the program and for each command', async () => {
  for (const args of [
    ['--help'],
    ...['check', 'run', 'status', 'recopy', 'approve', 'verify', 'drop', 'lake'].map((name) => [name, '--help']),
    ...['compact', 'vacuum', 'verify', 'query'].map((name) => ['lake', name, '--help']),
  ]) {
    const { exitCode, out, err } = await pgveil(...args);
    assert.deepEqual([exitCode, err], [0, ''], args.join(' '));
    assert.match(out, /Examples:\n {2}\$ pgveil /, args.join(' '));
    for (const line of out.split('\n')) assert.ok(line.length <= 80, line);
    assert.match(out, /[^\n]\n$/, args.join(' '));
  }
});

test('a Node that is too old is an error with its fix, and package.json names the same one', async () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.equal(engines.node, `>=${NODE.join('.')}`);
  const versions = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.21.9' } })";
  const old = await start([
    '--import',
    `data:text/javascript,${encodeURIComponent(versions)}`,
    'src/app/cli.ts',
    'check',
  ]);
  assert.deepEqual([old.exitCode, old.out], [2, '']);
  assert.match(old.err, /^error: node_too_old: this is Node 22\.21\.9, and pgveil needs 22\.22 or later\n {2}fix: /);
});

test('the version is printed', async () => {
  assert.deepEqual(await pgveil('--version'), { exitCode: 0, out: '0.1.0\n', err: '' });
});

test('commands that are planned are refused by name', async () => {
  for (const line of ['init', 'scan --sample', 'audit']) {
    const { exitCode, out, err } = await pgveil(...line.split(' '));
    assert.deepEqual([exitCode, out], [2, ''], line);
    assert.match(err, /^error: not_built_yet: [\w -]+: not built yet\n {2}fix: .+\n$/, line);
  }
});

test('a mistake on the command line exits 2, says what it is, and repeats nothing that may be a secret', async () => {
  const lines: [string, RegExp, help: string][] = [
    ['', /no command/, 'pgveil --help'],
    ['cheque', /unknown command cheque\n\(Did you mean check\?\)/, 'pgveil --help'],
    [`postgres://u:${CANARY}@h/d`, /unknown command …/, 'pgveil --help'],
    [`check postgres://u:${CANARY}@h/d`, /too many arguments for check\. Expected 0/, 'pgveil check --help'],
    [`check --key=${CANARY}`, /unknown option --key\n/, 'pgveil check --help'],
    ['run --timeout soon', /--timeout .* such as 90s or 5min/, 'pgveil run --help'],
    ['run --timeout', /--timeout .* missing/, 'pgveil run --help'],
    ['approve', /missing required argument table@hash\n/, 'pgveil approve --help'],
    ['lake', /no command/, 'pgveil lake --help'],
    ['lake vacuum --keep 7', /--keep .* such as 7d or 12h/, 'pgveil lake vacuum --help'],
    ['lake vacuum --erase-after 30', /--erase-after .* such as 7d or 12h/, 'pgveil lake vacuum --help'],
  ];
  for (const [line, message, help] of lines) {
    const { exitCode, out, err } = await pgveil(...line.split(' ').filter(Boolean));
    assert.deepEqual([exitCode, out], [2, ''], line);
    assert.match(err, message, line);
    assert.ok(err.endsWith(`\n  fix: See \`${help}\`.\n`), err);
  }
  const { err } = await pgveil('cheque', '--json');
  assert.equal(JSON.parse(err).error.code, 'command_line');
});

test('a table or a definition that is named wrongly exits 2, and what has to be seen first needs a terminal', async () => {
  const config = configFile(configText());
  const lines: [string, RegExp][] = [
    ['recopy public.b', /a table is named that is not in the configuration/],
    ['run --recopy public.b', /a table is named that is not in the configuration/],
    ['approve public.b@12', /a table is named that is not in the configuration/],
    ['approve public.a', /there is no terminal to show it at\n {2}fix: Write TABLE@HASH/],
    ['run --approve public.a', /needs a definition and not only a table\n {2}fix: Write TABLE@HASH/],
  ];
  for (const [line, message] of lines) {
    const { exitCode, out, err } = await pgveil(...line.split(' '), '-c', config);
    assert.deepEqual([exitCode, out], [2, ''], line);
    assert.match(err, message, line);
  }
});

test('a configuration with errors exits 2 and lists all of them, without a value and without a stack', async () => {
  const config = configFile(`${configText(0, `id: { hush: ${CANARY} }, note: null`)}memory: ${CANARY}\n`);
  for (const command of ['check', 'run', 'status', 'drop']) {
    const { exitCode, out, err } = await pgveil(command, '-c', config);
    assert.equal(exitCode, 2, command);
    assert.match(out + err, /tables\["public\.a"\]\.columns\.note/, command);
    assert.doesNotMatch(out + err, /\n {4}at /, command);
  }
  const { out } = await pgveil('check', '-c', config, '--json');
  const { ok, findings } = JSON.parse(out);
  assert.equal(ok, false);
  assert.ok(findings.length >= 2);
  for (const finding of findings) assert.deepEqual(Object.keys(finding), ['code', 'object', 'message', 'fix']);
});

test('a configuration that is not there exits 2', async () => {
  const { exitCode, err } = await pgveil('run', '-c', join(folder, 'nowhere.yaml'));
  assert.equal(exitCode, 2);
  assert.match(err, /^error: .*nowhere\.yaml.*there is no such file\n {2}fix: /);
});
