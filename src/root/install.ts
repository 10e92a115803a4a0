/**
 * Builds one layer of a root: its tree from the store, and on top what dpkg makes of it: packages that only dpkg can
 * unpack, and the work of all maintainer scripts, by the root's own dpkg.
 */
import { join } from 'node:path';

import type { LockSource } from '../model/lock.ts';
import type { Architecture } from '../model/names.ts';
import type { Bind, Sandbox } from '../plumbing/sandbox/port.ts';
import { readScript, runCommands, runInside, toolRoot, type Command } from './inside.ts';
import type { Account, Root, RootOptions } from './materialise.ts';
import { dpkgName, planSteps, type Described } from './order.ts';
import type { DebStore } from './ports.ts';
import { assembleTree, shareFiles, type Stored, type Tree, type UnpackDeps } from './unpack.ts';

export type BuildDeps = UnpackDeps & {
  readonly debs: DebStore;
  readonly account: Account | null;
  /** Of the lock. */
  readonly sources: readonly LockSource[];
  readonly architecture: Architecture;
};

/** Where the `.deb` files are inside; a directory that every Debian root has. */
const debsInside = '/mnt';

const checked = new WeakMap<Sandbox, Set<Architecture>>();

/**
 * Throws `sandbox-unavailable` when what the root needs does not run here: better at once than after all was fetched. What
 * has run once is not tried again.
 */
export async function checkSandbox(deps: BuildDeps): Promise<void> {
  const { architecture, sandbox } = deps;
  const known = checked.get(sandbox) ?? new Set();
  if (known.has(architecture)) return;
  await runInside(deps, {
    ...(await toolRoot(deps, [])),
    architecture,
    step: 'true',
    scratch: 'tools',
    argv: ['true'],
  });
  checked.set(sandbox, known.add(architecture));
}

/** The `.deb` files of the new root, as they came. */
export function debsOf(deps: Pick<BuildDeps, 'building'>): string {
  return join(deps.building, 'debs');
}

export type Built = {
  /** Names of directories below `building`, the topmost first. */
  readonly layers: readonly string[];
  /** Their digest, as `listLayers` makes it. */
  readonly listing: string;
};

/** The lowest layer: the essential packages. */
export async function buildBottom(
  deps: BuildDeps,
  packages: readonly Described<Stored>[],
  options: RootOptions,
): Promise<Built> {
  const order = [
    ...packages.filter((each) => each.name === 'base-files'),
    ...packages.filter((each) => each.name !== 'base-files'),
  ];
  const tree = await assembleTree(deps, order, undefined);
  // The names of users and groups come first: all other packages' scripts use them.
  const first = packages.filter((each) => each.name === 'base-passwd');
  const others = packages.filter((each) => !first.includes(each));
  const unpack = (some: readonly Described<Stored>[]) => {
    const files = some.filter((each) => tree.byDpkg.has(each)).map(insidePath);
    return files.length === 0 ? [] : [dpkg('--force-depends', '--unpack', ...files)];
  };
  const commands = [
    ...unpack(first),
    ...(first.length > 0 ? [dpkg('--force-depends', '--configure', 'base-passwd')] : []),
    ...unpack(others),
    dpkg('--configure', '--pending'),
    await script(deps, 'settle'),
  ];
  return configureTree(deps, tree, commands, [], options, packages.length);
}

/** A layer that adds packages to a root. */
export async function buildLayer(
  deps: BuildDeps,
  packages: readonly Described<Stored>[],
  base: Root,
  options: RootOptions,
): Promise<Built> {
  const tree = await assembleTree(deps, packages, base);
  const steps = planSteps(packages, (each) => !tree.byDpkg.has(each));
  const makesInitramfs = packages.some(({ name }) => name === 'initramfs-tools');
  const commands = [
    ...(makesInitramfs ? [await script(deps, 'defer-initramfs')] : []),
    ...foreignIn(packages, deps.architecture).map((each) => dpkg('--add-architecture', each)),
    ...steps.flatMap(({ unpack, configure }) => [
      ...(unpack.length > 0 ? [dpkg('--unpack', ...unpack.map(insidePath))] : []),
      ...(configure.length > 0 ? [dpkg('--force-depends', '--configure', ...configure.map(dpkgName))] : []),
    ]),
    dpkg('--configure', '--pending'),
    ...(makesInitramfs ? [await script(deps, 'update-initramfs')] : []),
  ];
  return configureTree(deps, tree, commands, base.layers, options, packages.length);
}

function foreignIn(packages: readonly Described<Stored>[], native: Architecture): string[] {
  const all = packages.map(({ architecture }) => architecture);
  return [...new Set(all)].filter((each) => each !== native && each !== 'all').toSorted();
}

/** Runs the commands on top of a tree, in the sandbox and in a layer of their own. */
async function configureTree(
  deps: BuildDeps,
  tree: Tree,
  commands: readonly Command[],
  below: readonly string[],
  options: RootOptions,
  packages: number,
): Promise<Built> {
  options.onProgress?.({ step: 'install', packages });
  const layers = [join(deps.building, tree.layer), ...below];
  const debs: Bind = { source: tree.debs, target: debsInside, readOnly: true };
  const status: Bind = { source: tree.status, target: '/tmp/status', readOnly: true };
  const common = { layers, scratch: 'install', architecture: deps.architecture };
  await runCommands(deps, { ...common, binds: [debs, status] }, [await script(deps, 'begin'), ...commands]);
  // Apart: what the packages' scripts left running has ended now.
  await runCommands(deps, { ...common, binds: [] }, [await script(deps, 'finish')]);
  const built = ['install/upper', tree.layer];
  const listing = await shareFiles(deps, tree.byDpkg, 'install/upper', built);
  for (const name of [
    'debs',
    'tools/upper/debs',
    'install/work',
    'install/root',
    'empty',
    'tools/work',
    'tools/root',
  ]) {
    await deps.sandbox.remove(join(deps.building, name));
  }
  return { layers: built, listing };
}

/** The root's own dpkg. */
function dpkg(...argv: readonly string[]): Command {
  return { name: 'dpkg', argv: ['dpkg', '--force-unsafe-io', '--force-confdef', '--force-confold', ...argv] };
}

async function script(deps: BuildDeps, name: string): Promise<Command> {
  const account = [`ACCOUNT=${deps.account?.name ?? ''}`, `ACCOUNT_ID=${deps.account?.id ?? ''}`];
  return { name, argv: ['env', ...account, 'sh', '-c', await readScript(`${name}.sh`), name] };
}

function insidePath(each: Described<Stored>): string {
  return `${debsInside}/${each.file.file}`;
}
