#!/usr/bin/env node
import './heap.ts';
import { execute, report } from './execute.ts';
import { failureOf } from './failure.ts';
import { assemble } from './wire.ts';

const argv = process.argv.slice(2);

/** Node's own last words would quote the error, and with it perhaps a value. */
function crash(thrown: unknown): void {
  report(failureOf(thrown), argv.includes('--json'), process.stderr);
  process.exit(1);
}
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);

// `pgveil status | head` closes the pipe early: no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EPIPE' ? process.exit(0) : crash(error)));

process.exit(await execute(argv, assemble, process.stdout, process.stderr));
