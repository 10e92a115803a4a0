/**
 * One push: phase after phase, and in each only what is missing. Nothing is believed twice: what the target lists is
 * compared with what was remembered, what is not remembered is read and hashed there, and so a push that was broken off
 * anywhere goes on by beginning again.
 */
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { HashedFile, Held, MirrorEntry, MirrorFile } from '../model/mirror.ts';
import { inParallel } from './parallel.ts';
import type { MirrorPlan, Phase, Pointer } from './plan.ts';
import type { Manifest, StoreTarget, SyncTarget } from './ports.ts';

export type PushProgress = { readonly phase: Phase['name']; readonly done: number; readonly total: number };

export type PushOptions = {
  /** How many files at the same time. */
  readonly parallel: number;
  /** Reads everything in the target again, also what is remembered. */
  readonly verify: boolean;
  /** Removes what the tree does not have. */
  readonly delete: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: PushProgress) => void) | undefined;
};

export type PushReport = {
  /** Names in the tree; files brought, with their bytes; files read there and found right; names removed. */
  readonly names: number;
  readonly brought: number;
  readonly bytes: number;
  readonly checked: number;
  readonly removed: number;
};

type StoreDeps = {
  readonly target: StoreTarget;
  readonly manifest: Manifest;
  readonly hash: (source: string) => Promise<Sha256>;
};

/** Throws `mirror-ahead`, `mirror-source`, `aborted`, and what the target throws. */
export async function pushToStore(deps: StoreDeps, plan: MirrorPlan, options: PushOptions): Promise<PushReport> {
  const { target, manifest } = deps;
  const held = new Map<string, Held>();
  for await (const each of target.list()) held.set(each.path, each);
  checkCalledOff(options);
  for (const pointer of plan.pointers) refuseOlder(pointer, await shownSnapshot(target, held, pointer));
  const count = { brought: 0, bytes: 0, checked: 0, removed: 0 };
  for (const { name, entries } of plan.phases) {
    let done = 0;
    await inParallel(entries, name === 'pointers' ? 1 : options.parallel, async (entry) => {
      checkCalledOff(options);
      const outcome = await bring(deps, entry, held.get(entry.path), options.verify);
      if (outcome === 'checked') count.checked += 1;
      if (outcome === 'brought') {
        count.brought += 1;
        count.bytes += entry.kind === 'file' ? entry.size : 0;
      }
      done += 1;
      options.onProgress?.({ phase: name, done, total: entries.length });
    });
  }
  const wanted = new Set(plan.phases.flatMap(({ entries }) => entries.map(({ path }) => path)));
  if (options.delete) {
    for (const path of held.keys()) {
      if (wanted.has(path)) continue;
      checkCalledOff(options);
      await target.remove(path);
      manifest.delete(path);
      count.removed += 1;
    }
  }
  return { names: wanted.size, ...count };
}

async function bring(
  { target, manifest, hash }: StoreDeps,
  entry: MirrorEntry,
  held: Held | undefined,
  verify: boolean,
): Promise<'there' | 'checked' | 'brought'> {
  if (entry.kind === 'link') {
    if (held?.kind === 'link' && held.target === entry.target) return 'there';
    await target.link(entry);
    return 'brought';
  }
  const file = await withHash(entry, hash);
  if (held?.kind === 'file' && held.size === file.size) {
    const remembered = manifest.get(file.path);
    if (!verify && remembered?.sha256 === file.sha256 && remembered.tag === held.tag) return 'there';
    // Other bytes were brought there by us, and nothing has happened to them since.
    const other = remembered !== undefined && remembered.tag === held.tag && remembered.sha256 !== file.sha256;
    const tag = other ? undefined : await target.check(file);
    if (tag !== undefined) {
      manifest.set(file.path, { sha256: file.sha256, tag });
      return 'checked';
    }
  }
  manifest.set(file.path, { sha256: file.sha256, tag: await target.put(file) });
  return 'brought';
}

async function withHash(file: MirrorFile, hash: StoreDeps['hash']): Promise<HashedFile> {
  return { ...file, sha256: file.sha256 ?? (await hash(file.source)) };
}

/** The same through a program that compares by itself. Throws `mirror-ahead`, `aborted`, and what the target throws. */
export async function pushToSync(target: SyncTarget, plan: MirrorPlan, options: PushOptions): Promise<PushReport> {
  checkCalledOff(options);
  const shown = await target.linksIn('dists');
  for (const pointer of plan.pointers) refuseOlder(pointer, snapshotIn(shown.get(pointer.name)));
  const sizes = new Map<string, number>();
  let brought = 0;
  let bytes = 0;
  for (const { name, entries } of plan.phases) {
    checkCalledOff(options);
    for (const entry of entries) sizes.set(entry.path, entry.kind === 'file' ? entry.size : 0);
    const before = brought;
    const onDone = (path: string) => {
      brought += 1;
      bytes += sizes.get(path) ?? 0;
      options.onProgress?.({ phase: name, done: brought - before, total: entries.length });
    };
    if (entries.length > 0) await target.bring(entries, { verify: options.verify, onDone });
  }
  const removed = options.delete ? await target.prune() : 0;
  return { names: sizes.size, brought, bytes, checked: options.verify ? sizes.size - brought : 0, removed };
}

/** What a client of the target sees now: an id, or for real files the date of the Release file as an id. */
async function shownSnapshot(
  target: StoreTarget,
  held: ReadonlyMap<string, Held>,
  { name }: Pointer,
): Promise<string | undefined> {
  if (target.links) {
    const link = held.get(`dists/${name}`);
    return link?.kind === 'link' ? snapshotIn(link.target) : undefined;
  }
  if (!held.has(`dists/${name}/InRelease`)) return undefined;
  const date = /^Date: (.+)$/m.exec((await target.read(`dists/${name}/InRelease`)) ?? '')?.[1];
  const time = new Date(date ?? '');
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

function snapshotIn(target: string | undefined): string | undefined {
  return /(?:^|\/)(\d{8}T\d{6}Z)(?:\/|$)/.exec(target ?? '')?.[1];
}

/** Two servers may push to one target; the slower one must not take clients back. */
function refuseOlder({ name, snapshot }: Pointer, shown: string | undefined): void {
  if (shown === undefined || shown <= snapshot) return;
  throw new SheafError(
    'mirror-ahead',
    `Cannot push suite "${name}": the mirror shows snapshot ${shown}, and here the newest is ${snapshot}`,
    { hint: 'Another server has pushed there. Nothing was changed.' },
  );
}

function checkCalledOff({ signal }: PushOptions): void {
  if (signal?.aborted === true)
    throw new SheafError('aborted', 'Cannot push: it was called off; the next push goes on');
}
