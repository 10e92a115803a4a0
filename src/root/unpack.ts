/**
 * The store of unpacked packages, and trees made of it.
 *
 * Each `.deb` is unpacked once, under its hash, with the namespace's ids; a root's tree is made of hard links to it, and
 * dpkg's database is told that these packages are unpacked. That is what dpkg would have done, without its second look
 * at each byte, for packages where nothing but files is to be unpacked. What has a preinst script, is interested in
 * triggers, shares a path with another package, or has one that a trigger of the base waits for, dpkg itself unpacks
 * (`Tree.byDpkg`); files that come out the same are linked to the store afterwards. So no rule of dpkg is made again here but the simplest one.
 *
 * Measured on trixie (2 cores, tmpfs): of 30 MB of a minbase's packages 24 MB need no dpkg, of a standard system's 88 MB 67 MB.
 * dpkg reads `.deb` files made of the store: to decompress the others a second time took most of what it does with them.
 */
import { access, readdir } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';

import { parseStanzas, requireField } from '../formats/deb/deb822.ts';
import { SheafError } from '../kit/error.ts';
import type { LockedPackage } from '../model/lock.ts';
import type { Bind } from '../plumbing/sandbox/port.ts';
import { makeOpenDirectory, runInside, runTools, tool, toolRoot, type Command, type InsideDeps } from './inside.ts';
import { describePackage, type Described } from './order.ts';
import type { Root } from './materialise.ts';
import type { WithLock } from './ports.ts';

/** A package in the store. */
export type Stored = {
  readonly locked: LockedPackage;
  /** Its file in the directory of `.deb` files. */
  readonly file: string;
  /** Only dpkg can unpack it. */
  readonly byDpkg: boolean;
};

export type UnpackDeps = InsideDeps & {
  /** Holds the store, the roots and, as `building`, the new one: links do not reach farther. */
  readonly roots: string;
  readonly withLock: WithLock;
  /** The new root's; there is one maker of a root at a time. */
  readonly key: string;
};

const inside = '/mnt/roots';
const debsInside = '/mnt/debs';

/** Where the store is, below the directory of the roots. */
const store = 'unpacked';
const packagesInside = `${inside}/${store}/upper/packages`;

/**
 * Sees to it that all these packages are in the store; what they say of themselves. `debs` has their files, `niceness` is
 * nice(1)'s.
 */
export async function unpackPackages(
  deps: UnpackDeps,
  debs: string,
  packages: readonly LockedPackage[],
  niceness: number,
): Promise<Described<Stored>[]> {
  await prepareStore(deps);
  const files = packages.map((each) => debFileName(each));
  const argv = [
    ...[packagesInside, deps.key, String(niceness)],
    ...packages.flatMap((each, index) => [each.sha256, `${debsInside}/${files[index]!}`]),
  ];
  const binds = [rootsBind(deps), { source: debs, target: debsInside, readOnly: true }];
  const output = await runTools(deps, binds, await tool('unpack', argv));
  const stanzas = parseStanzas(output, 'the control files of the packages');
  if (stanzas.length !== files.length) {
    throw new SheafError('root-failed', `Cannot make the root: ${stanzas.length} of ${files.length} packages unpacked`);
  }
  return stanzas.map((stanza, index) =>
    describePackage(stanza, {
      locked: packages[index]!,
      file: files[index]!,
      byDpkg: requireField(stanza, 'Sheaf-By-Dpkg') === 'yes',
    }),
  );
}

/** Takes away what is half unpacked, which would fill the disk until this root is wanted again. */
export async function removeUnfinished(deps: Pick<UnpackDeps, 'sandbox' | 'roots' | 'key'>): Promise<void> {
  const packages = join(deps.roots, store, 'upper/packages');
  for (const name of await readdir(packages).catch(() => [])) {
    if (name.endsWith(`.${deps.key}.part`)) await deps.sandbox.remove(join(packages, name));
  }
}

export type Tree = {
  /** Name of the layer, below the directory of the root. */
  readonly layer: string;
  /** A file with the stanzas that dpkg's status needs. */
  readonly status: string;
  /** A directory with the `.deb` files of `byDpkg`, not compressed. */
  readonly debs: string;
  /** The packages that dpkg has to unpack on top. */
  readonly byDpkg: ReadonlySet<Described<Stored>>;
};

/** Lays out packages, on top of a base or as the lowest layer. */
export async function assembleTree(
  deps: UnpackDeps,
  packages: readonly Described<Stored>[],
  base: Root | undefined,
): Promise<Tree> {
  const argv = [
    packagesInside,
    `${inside}/${basename(deps.building)}/tools/upper/target`,
    `${inside}/${basename(deps.building)}/tools/upper/status`,
    `${inside}/${basename(deps.building)}/tools/upper/debs`,
    `${inside}/${basename(deps.building)}/debs`,
    mergedLinks(packages),
    base === undefined ? 'bottom' : 'layer',
    String(base?.layers.length ?? 0),
    ...(base?.layers ?? []).map((layer) => `${inside}/${relative(deps.roots, layer)}`),
    ...packages.flatMap(({ file }) => [file.locked.sha256, file.file]),
  ];
  const output = await runTools(deps, [rootsBind(deps)], await tool('assemble', argv));
  const hashes = new Set(output.split('\n'));
  return {
    layer: 'tools/upper/target',
    status: join(deps.building, 'tools/upper/status'),
    debs: join(deps.building, 'tools/upper/debs'),
    byDpkg: new Set(packages.filter((each) => hashes.has(each.file.locked.sha256))),
  };
}

/**
 * Links files that dpkg unpacked to the store's, where they are the same; then the digest of `listLayers`. `layer` is what
 * dpkg wrote.
 */
export async function shareFiles(
  deps: UnpackDeps,
  packages: Iterable<Described<Stored>>,
  layer: string,
  layers: readonly string[],
): Promise<string> {
  const all = [...packages];
  const directory = `${inside}/${basename(deps.building)}/${layer}`;
  const hashes = all.map((each) => each.file.locked.sha256);
  const share = await tool('share', [packagesInside, directory, mergedLinks(all), ...hashes]);
  return (await runTools(deps, [rootsBind(deps)], share, await listTool(deps.building, layers))).trim();
}

/** A digest of what the layers of one root are, but for the bytes of files. `layers` are names below `directory`. */
export async function listLayers(
  deps: Pick<UnpackDeps, 'sandbox' | 'building' | 'roots' | 'signal'>,
  directory: string,
  layers: readonly string[],
): Promise<string> {
  return (await runTools(deps, [rootsBind(deps)], await listTool(directory, layers))).trim();
}

async function listTool(directory: string, layers: readonly string[]): Promise<Command> {
  const paths = layers.map((layer) => `${inside}/${basename(directory)}/${layer}`);
  return tool('list', paths);
}

/** The store belongs to root of the namespace. The directories on the way to it are the caller's, at any umask. */
async function prepareStore(deps: UnpackDeps): Promise<void> {
  for (const directory of [deps.roots, deps.building]) await makeOpenDirectory(directory);
  const path = join(deps.roots, store);
  await deps.withLock(join(deps.roots, '../locks/unpacked'), async () => {
    if (await isThere(join(path, 'upper/packages'))) return;
    await makeOpenDirectory(path);
    await runInside(deps, {
      step: 'mkdir',
      ...(await toolRoot(deps, [])),
      scratch: relative(deps.building, path),
      argv: ['mkdir', '/packages'],
    });
  });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function rootsBind(deps: Pick<UnpackDeps, 'roots'>): Bind {
  return { source: deps.roots, target: inside, readOnly: false };
}

export function debFileName(each: LockedPackage): string {
  return `${each.name}_${each.version.replaceAll(':', '%3a')}_${each.architecture}.deb`;
}

/** Where the ABI of these has the dynamic linker. */
const withLib64: ReadonlySet<string> = new Set(['amd64', 'loong64', 'mips64el', 'ppc64el']);

/** Names of the library directories beside `lib` that merged /usr links. */
function mergedLinks(packages: readonly Described<Stored>[]): string {
  return packages.some((each) => withLib64.has(each.file.locked.architecture)) ? 'lib64' : '';
}
