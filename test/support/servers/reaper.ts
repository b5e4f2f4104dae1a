import { spawn } from 'node:child_process';

export interface Reaper {
  /** What it guarded is gone in an orderly way: it ends without running its command. */
  release(): void;
}

/**
 * Runs a shell command once this process is gone, however it ended: an exit, Ctrl-C, a time limit, SIGKILL.
 *
 * A shell of its own session waits on a pipe whose other end only this process holds. Exit hooks and signal handlers
 * would miss a SIGKILL and a blocked event loop, which is exactly how a test that hangs is ended, and would leave
 * servers behind. `parameters` reach the command as `$1`, `$2`, …
 */
export function reaper(command: string, ...parameters: string[]): Reaper {
  const script = `read -r word; [ "$word" = released ] || { ${command}\n}`;
  const shell = spawn('/bin/sh', ['-c', script, 'reaper', ...parameters], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.on('error', () => {}); // no shell: everything still works, only an unclean end leaves something behind
  shell.stdin.on('error', () => {});
  shell.unref();
  (shell.stdin as unknown as { unref(): void }).unref(); // a pipe is a socket, and must not keep the test alive
  return { release: () => void shell.stdin.end('released\n') };
}
