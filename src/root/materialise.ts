/**
 * From a lock to a root filesystem: the locked packages unpacked and configured by their own maintainer scripts, in the
 * sandbox and so without root privileges, once per lock.
 *
 * In the cache a root is `roots/KEY/`, with `root.json` and the scratch directories whose `upper/` are its layers. It is
 * built under another name and renamed when it is whole; one process builds a root, others wait for it.
 */
import { mkdir, readdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';

import { sha256 } from '../kit/digest.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import type { Sandbox } from '../plumbing/sandbox/port.ts';
import { buildLayer, buildWhole } from './install.ts';
import type { DebStore, FetchProgress, WithLock } from './ports.ts';

export type Account = { readonly name: string; readonly id: number };

export type RootDeps = {
  readonly sandbox: Sandbox;
  readonly debs: DebStore;
  readonly withLock: WithLock;
  /** The cache directory. */
  readonly directory: string;
  /** A user that the root gets beside those of its packages; default `builder`, 1000. */
  readonly account?: Account | null;
};

export type RootProgress =
  | { readonly step: 'fetch'; readonly progress: FetchProgress }
  | { readonly step: 'unpack' | 'install'; readonly packages: number };

export type RootOptions = {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RootProgress) => void) | undefined;
};

/** A root filesystem as layers for a sandbox, the topmost first; read only. */
export type Root = { readonly layers: readonly string[] };

/** Changes whenever roots are made another way: older ones in a cache are then not found any more. */
const format = 1;

/**
 * The root of a lock. When all packages of `base` are in the lock too, it becomes the base's root and one layer with
 * the difference. Throws `root-failed`, and what the sandbox and the store throw.
 */
export async function materialise(deps: RootDeps, lock: Lock, base?: Lock, options: RootOptions = {}): Promise<Root> {
  const below =
    base !== undefined && isPartOf(base, lock) && base.packages.length < lock.packages.length ? base : undefined;
  const account = deps.account === undefined ? { name: 'builder', id: 1000 } : deps.account;
  const key = rootKey(lock, below, account);
  const roots = join(deps.directory, 'roots');
  const directory = join(roots, key);
  const found = await readRoot(directory);
  // A base is looked at as well: it may have gone from the cache, and being used keeps it there.
  if (found !== undefined && below === undefined) return found;
  const baseRoot = below === undefined ? undefined : await materialise(deps, below, undefined, options);
  if (found !== undefined) return { layers: [...found.layers, ...baseRoot!.layers] };

  return deps.withLock(join(deps.directory, 'locks', key), async () => {
    const made = (await readRoot(directory)) ?? (await makeRoot());
    return { layers: [...made.layers, ...(baseRoot?.layers ?? [])] };
  });

  async function makeRoot(): Promise<Root> {
    await mkdir(roots, { recursive: true });
    // What an earlier process left when it was killed; nobody else builds this root now.
    for (const name of await readdir(roots)) {
      if (name.startsWith(`building-${key}-`)) await deps.sandbox.remove(join(roots, name));
    }
    const building = join(roots, `building-${key}-${randomUUID()}`);
    await mkdir(building, { mode: 0o755 });
    try {
      const layers =
        baseRoot === undefined
          ? await buildWhole({ ...deps, account, building }, lock.packages, options)
          : await buildLayer({ ...deps, account, building }, without(lock, below!), baseRoot, options);
      await writeFile(join(building, 'root.json'), JSON.stringify({ layers }));
      await rename(building, directory);
    } catch (error) {
      await deps.sandbox.remove(building);
      throw error;
    }
    return (await readRoot(directory))!;
  }
}

/** Only what decides the files: not where the packages came from, nor when. */
function rootKey(lock: Lock, base: Lock | undefined, account: Account | null): string {
  const words = (packages: readonly LockedPackage[]) =>
    packages.map((each) => [each.name, each.architecture, each.sha256]);
  const parts = [
    format,
    lock.architecture,
    account,
    words(lock.packages),
    base === undefined ? [] : words(base.packages),
  ];
  return sha256(JSON.stringify(parts)).slice(0, 40);
}

function isPartOf(part: Lock, whole: Lock): boolean {
  const hashes = new Set(whole.packages.map((each) => each.sha256));
  return part.architecture === whole.architecture && part.packages.every((each) => hashes.has(each.sha256));
}

function without(lock: Lock, base: Lock): LockedPackage[] {
  const hashes = new Set(base.packages.map((each) => each.sha256));
  return lock.packages.filter((each) => !hashes.has(each.sha256));
}

/** The layers of a finished root; noted as used. */
async function readRoot(directory: string): Promise<Root | undefined> {
  const file = join(directory, 'root.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const now = new Date();
  await utimes(file, now, now).catch(() => {});
  const { layers } = JSON.parse(text) as { layers: string[] };
  return { layers: layers.map((layer) => join(directory, layer)) };
}
