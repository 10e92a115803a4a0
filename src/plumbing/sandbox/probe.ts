/** Whether a sandbox can start here, tried out: better at once than after much work. */
import { mkdir, mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describeError, SheafError } from '../../kit/error.ts';
import type { Architecture } from '../../model/names.ts';
import type { Sandbox } from './port.ts';

export type Probe =
  | { readonly works: true; readonly milliseconds: number }
  /** The reason, as a sentence, and the way out where there is one. */
  | { readonly works: false; readonly reason: string; readonly hint?: string | undefined };

/** Runs `true` with the host's programs in a sandbox; with an architecture, in one where its programs run too. */
export async function probeSandbox(sandbox: Sandbox, architecture?: Architecture): Promise<Probe> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-probe-'));
  const limit = 20_000;
  try {
    const empty = join(directory, 'empty');
    await mkdir(empty, { mode: 0o755 });
    const paths: string[] = [];
    for (const path of ['/usr', '/bin', '/lib', '/lib64']) if (await exists(path)) paths.push(path);
    const outcome = await sandbox.run({
      layers: [empty],
      scratch: join(directory, 'scratch'),
      binds: paths.map((path) => ({ source: path, target: path, readOnly: true })),
      architecture,
      argv: ['/bin/true'],
      env: { PATH: '/usr/bin:/bin' },
      cwd: '/',
      user: { uid: 1000, gid: 1000 },
      network: 'none',
      hostname: 'probe',
      limits: { wall: limit, silence: limit, memory: 2 ** 28, disk: 2 ** 28, log: 2 ** 20, processes: 20 },
    });
    if (outcome.kind === 'exited' && outcome.code === 0) return { works: true, milliseconds: outcome.usage.wall };
    return { works: false, reason: `A sandbox starts but cannot run /bin/true (${outcome.kind})` };
  } catch (error) {
    const hint = error instanceof SheafError ? error.hint : undefined;
    return { works: false, reason: describeError(error), hint };
  } finally {
    await sandbox.remove(directory).catch(() => {});
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
