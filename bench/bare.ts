/**
 * The floor: nothing but `dpkg-buildpackage` of the same tree, in the same root, by the same sandbox, with both prepared
 * before the clock starts.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { rootDeps } from '../src/apps/roots.ts';
import { debianKeyring } from '../src/apps/demo/source.ts';
import { runTool } from '../src/apps/demo/tool.ts';
import { parseArchitecture, parseLabel } from '../src/model/names.ts';
import { createApt } from '../src/plumbing/apt.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { solve } from '../src/lock/mod.ts';
import { materialise } from '../src/root/mod.ts';
import type { TaggedRelease } from './package.ts';
import { childrenCpu, type Spent } from './measure.ts';

export type BareRootSetup = {
  readonly directory: string;
  readonly architecture: string;
  readonly buildDepends: string;
  /** Packages of every environment, as in sheaf.toml. */
  readonly environment: readonly string[];
  readonly signal: AbortSignal;
};

export type BareSetup = BareRootSetup & {
  readonly source: string;
  /** A repository with the tags. */
  readonly repository: string;
};

export type Bare = {
  readonly build: (release: TaggedRelease) => Promise<Spent>;
  readonly close: () => Promise<void>;
};

export type BareRoot = {
  /** `tar` writes the tree as a tar archive of that path, which has one folder of that name. */
  readonly build: (tree: string, tar: (path: string) => Promise<unknown>) => Promise<Spent>;
  readonly close: () => Promise<void>;
};

const limits = { wall: 900_000, silence: 300_000, memory: 2 ** 33, disk: 2 ** 33, log: 2 ** 24, processes: 1000 };

/** As the build room does it: root of the namespace makes the directory, a user builds. */
const start = `set -eu
install --directory --owner=1000 --group=1000 /build
cd /build
exec setpriv --reuid=1000 --regid=1000 --clear-groups --no-new-privs -- "$@"
`;

/** The clock is read inside, around the one program. */
const script = `set -eu
tar --extract --file=/inputs/tree.tar
cd "$1"
echo "began $(date +%s%N)"
dpkg-buildpackage -us -uc -b
echo "ended $(date +%s%N)"
`;

export async function makeBare(setup: BareSetup): Promise<Bare> {
  const root = await makeBareRoot(setup);
  return {
    build: ({ upstream, tag }) => {
      const tree = `${setup.source}-${upstream}`;
      const archive = ['git', 'archive', `--prefix=${tree}/`] as const;
      return root.build(tree, (path) =>
        runTool([...archive, `--output=${path}`, `refs/tags/${tag}`], { cwd: setup.repository }),
      );
    },
    close: root.close,
  };
}

export async function makeBareRoot(setup: BareRootSetup): Promise<BareRoot> {
  const { directory, signal } = setup;
  await mkdir(directory, { recursive: true, mode: 0o755 });
  const sandbox = createUnshareSandbox();
  const solution = await solve(
    { solver: createApt({ directory: join(directory, 'apt') }) },
    {
      architecture: parseArchitecture(setup.architecture),
      upstream: {
        name: parseLabel('bookworm'),
        url: 'http://deb.debian.org/debian',
        suites: ['bookworm'],
        components: ['main'],
        keyring: debianKeyring,
      },
      own: [],
      packages: setup.environment,
      buildDepends: setup.buildDepends,
      buildConflicts: '',
    },
  );
  if (solution.kind === 'uninstallable') throw new Error(`no root for the bare build: ${solution.explanation}`);
  const root = await materialise(rootDeps(sandbox), solution.lock, undefined, { signal });
  return {
    build: async (tree, tar) => {
      const inputs = join(directory, 'inputs');
      await mkdir(inputs, { recursive: true });
      await chmod(inputs, 0o755);
      await tar(join(inputs, 'tree.tar'));
      const scratch = join(directory, 'scratch');
      let output = '';
      const cpu = childrenCpu();
      const outcome = await sandbox.run({
        layers: root.layers,
        scratch,
        binds: [{ source: inputs, target: '/inputs', readOnly: true }],
        argv: ['/bin/sh', '-c', start, 'start', '/bin/sh', '-c', script, 'bare', tree],
        env: {
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: '/nonexistent',
          LC_ALL: 'C.UTF-8',
          TZ: 'UTC',
          DEB_BUILD_OPTIONS: `parallel=${availableParallelism()}`,
        },
        cwd: '/',
        user: { uid: 0, gid: 0 },
        network: 'none',
        hostname: 'sheaf',
        limits,
        onOutput: (chunk) => (output += Buffer.from(chunk).toString()),
        signal,
      });
      const spent = childrenCpu() - cpu;
      await sandbox.remove(scratch);
      const times = [...output.matchAll(/^(?:began|ended) (\d+)$/gm)].map(([, time]) => Number(time) / 1e9);
      if (outcome.kind !== 'exited' || outcome.code !== 0 || times.length !== 2) {
        throw new Error(`the bare build did not work: ${output.slice(-2000)}`);
      }
      return { wall: times[1]! - times[0]!, cpu: spent };
    },
    close: () => sandbox.remove(directory),
  };
}
