/**
 * diffoscope over two packages, for depth. They may be hostile, and diffoscope unpacks them with dozens of programs: so it
 * is the host's diffoscope in a sandbox without network that sees nothing of the host but its programs, and ends at limits.
 */
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { SheafError } from '../kit/error.ts';
import { exists, hostProgramBinds } from './sandbox/host-programs.ts';
import type { Sandbox } from './sandbox/port.ts';
import { createUnshareSandbox } from './sandbox/unshare.ts';

export type DiffoscopeFormat = 'text' | 'html';

export type DiffoscopeOptions = {
  readonly format: DiffoscopeFormat;
  /** What the report calls both; without it, the last parts of their paths. */
  readonly name?: string;
  /** Milliseconds after which it looks into nothing more; after twice as long it is ended. Default ten minutes. */
  readonly timeout?: number;
  /** Most bytes of the report. Default 16 MiB. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
};

const minute = 60_000;
const program = '/usr/bin/diffoscope';
const script = readFileSync(new URL('diffoscope-start.sh', import.meta.url), 'utf8');

/**
 * The report; empty for equal files. Throws `diffoscope-missing` and `sandbox-unavailable` (kind environment), and
 * `diffoscope-failed` when it comes to no end.
 */
export async function runDiffoscope(
  left: string,
  right: string,
  { format, name, timeout = 10 * minute, limit = 16 * 2 ** 20, signal }: DiffoscopeOptions,
  sandbox: Sandbox = createUnshareSandbox(),
): Promise<Buffer> {
  if (!(await exists(program))) {
    throw new SheafError('diffoscope-missing', 'Cannot compare in depth: this machine has no diffoscope', {
      kind: 'environment',
      hint: 'sudo apt-get install diffoscope, or leave out --diffoscope.',
    });
  }
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-diffoscope-'));
  try {
    await chmod(directory, 0o711);
    const [inputs, empty] = [join(directory, 'inputs'), join(directory, 'empty')];
    for (const each of [inputs, empty]) await mkdir(each, { mode: 0o755 });
    const names = [
      await copyInput(inputs, 'left', left, name ?? basename(left)),
      await copyInput(inputs, 'right', right, name ?? basename(right)),
    ];
    const chunks: Uint8Array[] = [];
    const words = [`--${format}`, String(Math.ceil(timeout / 1000)), String(limit), ...names];
    const outcome = await sandbox.run({
      layers: [empty],
      scratch: join(directory, 'scratch'),
      binds: [
        ...(await hostProgramBinds(join(directory, 'etc'), 'diffoscope')),
        { source: inputs, target: '/inputs', readOnly: true },
      ],
      argv: ['/bin/sh', '-c', script, 'diffoscope', ...words],
      env: { PATH: '/usr/bin:/usr/sbin:/bin:/sbin', HOME: '/work', LC_ALL: 'C.UTF-8', TZ: 'UTC', TMPDIR: '/work' },
      cwd: '/',
      // Only the script: diffoscope itself runs as an ordinary user.
      user: { uid: 0, gid: 0 },
      network: 'none',
      hostname: 'diffoscope',
      limits: {
        ...{ wall: 2 * timeout, silence: 2 * timeout, memory: 2 ** 32, disk: 2 ** 34, processes: 500 },
        // Its own limit counts the texts of a report, not all that is around them.
        log: 2 * limit + 2 ** 20,
      },
      onOutput: (chunk) => chunks.push(chunk),
      ...(signal === undefined ? {} : { signal }),
    });
    const report = Buffer.concat(chunks);
    if (outcome.kind === 'limit') throw failed(outcome.message);
    if (outcome.kind !== 'exited' || outcome.code !== 0) {
      throw failed(report.toString('utf8').trim().slice(-1000) || outcome.kind);
    }
    return report;
  } finally {
    await sandbox.remove(directory);
  }
}

async function copyInput(inputs: string, side: string, path: string, shown: string): Promise<string> {
  await mkdir(join(inputs, side), { mode: 0o755 });
  const name = join(side, shown);
  await copyFile(path, join(inputs, name));
  await chmod(join(inputs, name), 0o644);
  return name;
}

function failed(reason: string): SheafError {
  return new SheafError('diffoscope-failed', `diffoscope could not compare the packages: ${reason}`);
}
