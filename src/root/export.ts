/**
 * A root as a tar archive, written in the sandbox: only there are all files readable and their owners those of the root.
 * The archive depends on the files and on `newest` alone; export.pl says how.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import type { Writable } from 'node:stream';

import { SheafError } from '../kit/error.ts';
import type { BuildLimits } from '../model/distribution.ts';
import type { Lock } from '../model/lock.ts';
import type { Sandbox } from '../plumbing/sandbox/port.ts';
import { hostPrograms } from './host-programs.ts';

export type ExportOptions = {
  /** Directories, the topmost first, as in a `Root`. */
  readonly layers: readonly string[];
  /**
   * `merged`: all files. `layer`: what these layers change in the layers below them, with the signs for removed names of
   * an OCI image layer.
   */
  readonly kind: 'merged' | 'layer';
  /** Seconds since 1970; later times become this one. */
  readonly newest: number;
  /** An empty directory for the sandbox; removed afterwards. */
  readonly scratch: string;
  readonly signal?: AbortSignal | undefined;
};

const limits: BuildLimits = {
  wall: 6 * 3600_000,
  silence: 3600_000,
  memory: 4 * 2 ** 30,
  disk: 2 ** 40,
  log: 2 ** 50,
  processes: 100,
};

/** Writes the archive and ends the stream. Throws `root-failed`, `aborted`, and what the stream fails with. */
export async function exportTar(sandbox: Sandbox, options: ExportOptions, output: Writable): Promise<void> {
  const empty = join(options.scratch, 'empty');
  let said = '';
  try {
    await mkdir(empty, { recursive: true, mode: 0o755 });
    const layers = options.layers.map((source, index) => ({ source, target: `/mnt/${index}`, readOnly: true }));
    const script = await readFile(new URL('export.pl', import.meta.url), 'utf8');
    const outcome = await sandbox.run({
      layers: [empty],
      scratch: join(options.scratch, 'sandbox'),
      binds: [...(await hostPrograms()), ...layers],
      argv: ['perl', '-e', script, String(options.newest), options.kind, ...layers.map(({ target }) => target)],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
      cwd: '/',
      user: { uid: 0, gid: 0 },
      network: 'none',
      hostname: 'localhost',
      limits,
      onOutput: (chunk) => (output.write(chunk) ? undefined : whenWritable(output)),
      onError: (chunk) => {
        said = `${said}${Buffer.from(chunk).toString()}`.slice(-4000);
      },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (outcome.kind === 'aborted') throw new SheafError('aborted', 'Cannot pack the root: it was called off');
    if (outcome.kind !== 'exited' || outcome.code !== 0) {
      throw new SheafError('root-failed', `Cannot pack the root: ${said.trim() || `it ended as ${outcome.kind}`}`, {
        kind: 'environment',
      });
    }
    output.end();
  } finally {
    await sandbox.remove(options.scratch);
  }
}

/** Rejects when the stream is at its end before. */
async function whenWritable(output: Writable): Promise<void> {
  const goneToo = new AbortController();
  const gone = once(output, 'close', { signal: goneToo.signal }).then(
    () => true,
    () => false,
  );
  try {
    if (output.destroyed || (await Promise.race([gone, once(output, 'drain', { signal: goneToo.signal })])) === true) {
      throw output.errored ?? new Error('the output was closed');
    }
  } finally {
    goneToo.abort();
  }
}

/** The newest time that a file of a lock's root can rightly have: that of its newest Release. Seconds since 1970. */
export function newestTime(lock: Lock): number {
  const times = lock.sources.map(({ date }) => Date.parse(date) / 1000).filter((time) => Number.isFinite(time));
  return Math.max(0, ...times);
}
