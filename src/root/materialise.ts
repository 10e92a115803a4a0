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
import { SheafError } from '../kit/error.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import type { Sandbox } from '../plumbing/sandbox/port.ts';
import { buildBottom, buildLayer, checkSandbox, type BuildDeps, type Built } from './install.ts';
import { bootstrapSet, describeLocked } from './order.ts';
import type { DebStore, FetchProgress, WithLock } from './ports.ts';
import { preparePackages } from './prepare.ts';
import { makeOpenDirectory } from './inside.ts';
import { rootFormat } from './format.ts';
import { tellShortage } from './room.ts';
import { listLayers, removeUnfinished } from './unpack.ts';

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

type Places = {
  /** The caller's directory of all roots. */
  readonly roots: string;
  readonly account: Account | null;
};

/**
 * The root of a lock. When all packages of `base` are in the lock too, it becomes the base's root and one layer with
 * the difference; else the base is the lock's essential packages with all they need, which locks that begin alike share.
 * Which base that is depends on the lock alone, never on what the cache holds. Throws `root-failed`, and what the sandbox
 * and the store throw.
 */
export async function materialise(deps: RootDeps, lock: Lock, base?: Lock, options: RootOptions = {}): Promise<Root> {
  const account = deps.account === undefined ? { name: 'builder', id: 1000 } : deps.account;
  const places = { roots: join(deps.directory, 'roots'), account };
  const below =
    base !== undefined && isPartOf(base, lock) && base.packages.length < lock.packages.length ? base : undefined;
  const key = await rootKey(lock, below, account);
  return (
    (await readRoot(deps, key, options)) ??
    deps.withLock(
      join(deps.directory, 'locks', key),
      async () => (await readRoot(deps, key, options)) ?? makeRoot(deps, places, { lock, below, key }, options),
    )
  );
}

type Wanted = { readonly lock: Lock; readonly below: Lock | undefined; readonly key: string };

async function makeRoot(deps: RootDeps, places: Places, wanted: Wanted, options: RootOptions): Promise<Root> {
  const { roots, account } = places;
  const { lock, key } = wanted;
  await mkdir(roots, { recursive: true });
  // What an earlier process left when it was killed; nobody else builds this root now.
  for (const name of await readdir(roots)) {
    if (name === key || name.startsWith(`building-${key}-`)) await deps.sandbox.remove(join(roots, name));
  }
  const building = join(roots, `building-${key}-${randomUUID()}`);
  await mkdir(building, { mode: 0o755 });
  const { sandbox, debs, withLock } = deps;
  const { architecture, sources } = lock;
  const build: BuildDeps = {
    ...{ sandbox, debs, withLock, account, architecture, sources, building, roots, key },
    signal: options.signal,
  };
  try {
    await checkSandbox(build);
    const below = wanted.below ?? (await essentialPart(build, lock, options));
    const above = without(lock, below);
    if (above.length === 0) {
      const packages = await preparePackages(build, lock.packages, options);
      await finish(await buildBottom(build, packages, options), undefined);
    } else {
      const [base, packages] = await together(
        options,
        async (each) => materialise({ ...deps, account }, below, undefined, each),
        async (each) => preparePackages({ ...build, signal: each.signal }, above, each, 10),
      );
      await finish(await buildLayer(build, packages, base, options), await rootKey(below, undefined, account));
    }
    await rename(building, join(roots, key));
  } catch (error) {
    const told = await tellShortage(error, 'make the root', roots, lock.packages);
    await removeUnfinished(build);
    await deps.sandbox.remove(building);
    throw told;
  }
  return (await readRoot(deps, key, options))!;

  async function finish(built: Built, base: string | undefined): Promise<void> {
    const record: RootRecord = { ...built, base, boot: await bootId() };
    await writeFile(join(building, 'root.json'), JSON.stringify(record));
  }
}

/**
 * A lock's essential packages with all that they need. As the lock says it, or its packages where a lock says nothing of
 * them. Throws `root-failed` when there are none.
 */
async function essentialPart(deps: BuildDeps, lock: Lock, options: RootOptions): Promise<Lock> {
  const packages = lock.packages.every(({ fields }) => fields !== undefined)
    ? lock.packages.map((each) => describeLocked(each))
    : (await preparePackages(deps, lock.packages, options)).map((each) => ({ ...each, file: each.file.locked }));
  const native = packages.filter((each) => [lock.architecture, 'all'].includes(each.architecture));
  const hashes = new Set(bootstrapSet(native).map((each) => each.file.sha256));
  if (hashes.size === 0) {
    throw new SheafError('root-failed', 'Cannot make the root: the lock has no essential package', {
      kind: 'environment',
      hint: 'Lock it from a suite that has them too, such as debian/trixie.',
    });
  }
  return {
    architecture: lock.architecture,
    sources: lock.sources,
    packages: lock.packages.filter((each) => hashes.has(each.sha256)),
  };
}

type Work<T> = (options: RootOptions) => Promise<T>;

/**
 * Does both at the same time; when one fails, the other is called off, and what is thrown is the first failure. What they
 * have fetched is told as one sum.
 */
async function together<A, B>(options: RootOptions, one: Work<A>, other: Work<B>): Promise<[A, B]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const fetched = new Map<Work<A | B>, FetchProgress>();
  const start = async <T extends A | B>(work: Work<T>) => {
    const onProgress = (now: RootProgress) => {
      if (now.step !== 'fetch') return options.onProgress?.(now);
      fetched.set(work, now.progress);
      const sum = (name: keyof FetchProgress) => [...fetched.values()].reduce((all, each) => all + each[name], 0);
      return options.onProgress?.({ step: 'fetch', progress: { done: sum('done'), total: sum('total') } });
    };
    return work({ ...options, signal, onProgress }).catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  };
  const [first, second] = await Promise.allSettled([start(one), start(other)]);
  if (first.status === 'rejected' || second.status === 'rejected') throw failed.signal.reason;
  return [first.value, second.value];
}

/** Only what decides the files: not where the packages came from, nor when. */
async function rootKey(lock: Lock, base: Lock | undefined, account: Account | null): Promise<string> {
  const words = (packages: readonly LockedPackage[]) =>
    packages.map((each) => [each.name, each.architecture, each.sha256]);
  const parts = [
    await rootFormat(),
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

type RootRecord = {
  readonly layers: readonly string[];
  /** The key of the root that it lies on. */
  readonly base?: string | undefined;
  readonly listing: string;
  /** Since which start of the machine the layers are known to be whole: nothing of a root is flushed to the disk. */
  readonly boot: string;
};

/**
 * The layers of a finished root, its base's included; both are noted as used. Undefined when either is not there, or not
 * whole after the machine was started anew.
 */
async function readRoot(deps: RootDeps, key: string, options: RootOptions): Promise<Root | undefined> {
  const roots = join(deps.directory, 'roots');
  const file = join(roots, key, 'root.json');
  const record = parseRecord(await readFile(file, 'utf8').catch(() => ''));
  if (record === undefined) return undefined;
  const below = record.base === undefined ? { layers: [] } : await readRoot(deps, record.base, options);
  if (below === undefined) return undefined;
  const boot = await bootId();
  if (record.boot === boot) {
    const now = new Date();
    await utimes(file, now, now).catch(() => {});
  } else {
    if (!(await isWhole(deps, join(roots, key), record, options))) return undefined;
    await writeFile(`${file}.${process.pid}`, JSON.stringify({ ...record, boot }));
    await rename(`${file}.${process.pid}`, file);
  }
  return { layers: [...record.layers.map((layer) => join(roots, key, layer)), ...below.layers] };
}

/** A file that was cut off is no record. */
function parseRecord(text: string): RootRecord | undefined {
  try {
    return JSON.parse(text) as RootRecord;
  } catch {
    return undefined;
  }
}

async function isWhole(deps: RootDeps, directory: string, record: RootRecord, options: RootOptions): Promise<boolean> {
  const roots = join(deps.directory, 'roots');
  const building = join(roots, `checking-${randomUUID()}`);
  await makeOpenDirectory(building);
  try {
    const tool = { sandbox: deps.sandbox, building, roots, signal: options.signal };
    return (await listLayers(tool, directory, record.layers)) === record.listing;
  } catch (error) {
    if (error instanceof SheafError && error.code === 'root-failed') return false;
    throw error;
  } finally {
    await deps.sandbox.remove(building);
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}
