/** The wiring of a worker: its sandbox, and roots over a cache of packages. */
import { mkdir } from 'node:fs/promises';

import { formatSize } from '../../kit/bytes.ts';
import type { Sandbox } from '../../plumbing/sandbox/port.ts';
import { createRuncSandbox } from '../../plumbing/sandbox/runc.ts';
import { createUnshareSandbox } from '../../plumbing/sandbox/unshare.ts';
import { parseLock } from '../../lock/mod.ts';
import { materialise, type RootProgress } from '../../root/mod.ts';
import { rootDeps } from '../roots.ts';
import type { Runtime } from './attempt.ts';

export type RuntimeOptions = {
  readonly sandbox: Sandbox['name'];
  /** Packages and roots, shared by all workers of a machine and user. */
  readonly cache: string;
};

export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  await mkdir(options.cache, { recursive: true });
  const sandbox = options.sandbox === 'runc' ? createRuncSandbox() : createUnshareSandbox();
  const deps = rootDeps(sandbox, options.cache);
  return {
    sandbox,
    parseLock,
    root: {
      materialise: (lock, base, { signal, onProgress }) => {
        let last = '';
        const report = (progress: RootProgress): void => {
          const line = describe(progress);
          if (line !== last) onProgress(line);
          last = line;
        };
        return materialise(deps, lock, base, { signal, onProgress: report });
      },
    },
  };
}

/** Changes ten times in a fetch, not with every packet. */
function describe(progress: RootProgress): string {
  if (progress.step !== 'fetch') return `${progress.step}: ${progress.packages} packages`;
  const { done, total } = progress.progress;
  const tenths = total === 0 ? 10 : Math.floor((10 * done) / total);
  return `fetch: ${tenths * 10} % of ${formatSize(total)}`;
}
