/**
 * Builds one layer of a root: its tree from the store, and on top what dpkg makes of it: packages that only dpkg can
 * unpack, and the work of all maintainer scripts, by the root's own dpkg.
 */
import { chmod, copyFile, link } from 'node:fs/promises';
import { join } from 'node:path';

import type { LockedPackage } from '../model/lock.ts';
import type { Bind } from '../plumbing/sandbox/port.ts';
import { makeOpenDirectory, readScript, runInside } from './inside.ts';
import type { Account, Root, RootOptions } from './materialise.ts';
import { planSteps, type Described } from './order.ts';
import type { DebStore } from './ports.ts';
import {
  assembleTree,
  debFileName,
  shareFiles,
  unpackPackages,
  type Stored,
  type Tree,
  type UnpackDeps,
} from './unpack.ts';

export type BuildDeps = UnpackDeps & {
  readonly debs: DebStore;
  readonly account: Account | null;
};

/** Where the `.deb` files are inside; a directory that every Debian root has. */
const debsInside = '/mnt';

/** Fetches packages and unpacks them into the store; what they say of themselves. */
export async function preparePackages(
  deps: BuildDeps,
  packages: readonly LockedPackage[],
  options: RootOptions,
): Promise<Described<Stored>[]> {
  const paths = await deps.debs.fetch(packages, {
    signal: options.signal,
    onProgress: (progress) => options.onProgress?.({ step: 'fetch', progress }),
  });
  const directory = debsOf(deps);
  await makeOpenDirectory(directory);
  for (const [index, path] of paths.entries()) {
    const target = join(directory, debFileName(packages[index]!));
    await link(path, target).catch(async () => copyFile(path, target));
    await chmod(target, 0o644);
  }
  options.onProgress?.({ step: 'unpack', packages: packages.length });
  return unpackPackages(deps, directory, packages);
}

function debsOf(deps: BuildDeps): string {
  return join(deps.building, 'debs');
}

/** The lowest layer: the essential packages. Names of directories below `building`, the topmost first. */
export async function buildBottom(
  deps: BuildDeps,
  packages: readonly Described<Stored>[],
  options: RootOptions,
): Promise<string[]> {
  const order = [
    ...packages.filter((each) => each.name === 'base-files'),
    ...packages.filter((each) => each.name !== 'base-files'),
  ];
  const layer = await beginLayer(deps, order, undefined, options);
  // The names of users and groups come first: all other packages' scripts use them.
  const first = packages.filter((each) => each.name === 'base-passwd');
  const unpack = async (some: readonly Described<Stored>[]) => {
    const files = some.filter((each) => layer.tree.byDpkg.has(each)).map(insidePath);
    if (files.length > 0) await layer.dpkg(['--force-depends', '--unpack', ...files]);
  };
  await unpack(first);
  if (first.length > 0) await layer.dpkg(['--force-depends', '--configure', 'base-passwd']);
  await unpack(packages.filter((each) => !first.includes(each)));
  await layer.dpkg(['--configure', '--pending']);
  await layer.script('settle');
  return endLayer(deps, layer);
}

/** A layer that adds packages to a root. */
export async function buildLayer(
  deps: BuildDeps,
  packages: readonly Described<Stored>[],
  base: Root,
  options: RootOptions,
): Promise<string[]> {
  const layer = await beginLayer(deps, packages, base, options);
  for (const { unpack, configure } of planSteps(packages, (each) => !layer.tree.byDpkg.has(each))) {
    if (unpack.length > 0) await layer.dpkg(['--unpack', ...unpack.map(insidePath)]);
    if (configure.length > 0)
      await layer.dpkg(['--force-depends', '--configure', ...configure.map((each) => each.name)]);
  }
  await layer.dpkg(['--configure', '--pending']);
  return endLayer(deps, layer);
}

type Layer = {
  readonly tree: Tree;
  /** The root's own dpkg. */
  readonly dpkg: (argv: readonly string[]) => Promise<void>;
  readonly script: (name: string) => Promise<void>;
};

async function beginLayer(
  deps: BuildDeps,
  packages: readonly Described<Stored>[],
  base: Root | undefined,
  options: RootOptions,
): Promise<Layer> {
  const tree = await assembleTree(deps, packages, base);
  options.onProgress?.({ step: 'install', packages: packages.length });
  const layers = [join(deps.building, tree.layer), ...(base?.layers ?? [])];
  const binds: Bind[] = [{ source: debsOf(deps), target: debsInside, readOnly: true }];
  const common = { layers, scratch: 'install' };
  const layer: Layer = {
    tree,
    dpkg: async (argv) => {
      const force = ['--force-unsafe-io', '--force-confdef', '--force-confold'];
      await runInside(deps, { ...common, step: 'dpkg', binds, argv: ['dpkg', ...force, ...argv] });
    },
    script: async (name) => {
      const env = { ACCOUNT: deps.account?.name ?? '', ACCOUNT_ID: String(deps.account?.id ?? '') };
      await runInside(deps, {
        ...common,
        step: name,
        binds,
        argv: ['sh', '-c', await readScript(`${name}.sh`), name],
        env,
      });
    },
  };
  const status: Bind = { source: tree.status, target: '/tmp/status', readOnly: true };
  const argv = ['sh', '-c', await readScript('begin.sh'), 'begin'] as const;
  await runInside(deps, { ...common, step: 'begin', binds: [...binds, status], argv: [...argv] });
  return layer;
}

async function endLayer(deps: BuildDeps, layer: Layer): Promise<string[]> {
  await layer.script('finish');
  await shareFiles(deps, layer.tree.byDpkg, 'install/upper');
  for (const name of ['debs', 'install/work', 'install/root']) {
    await deps.sandbox.remove(join(deps.building, name));
  }
  return ['install/upper', layer.tree.layer];
}

function insidePath(each: Described<Stored>): string {
  return `${debsInside}/${each.file.file}`;
}
