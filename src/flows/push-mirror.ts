/** Pushing to a mirror: lock → read what is published → plan → bring what is missing → write down how it ended. */
import type { Db } from '../db/connect.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { Mirror } from '../model/distribution.ts';
import type { TreeEntry } from '../model/mirror.ts';
import {
  compareMirror,
  planMirror,
  poolDigests,
  pushToStore,
  pushToSync,
  type Manifest,
  type MirrorTarget,
  type Pointer,
  type PushOptions,
  type PushReport,
  type SuiteBehind,
} from '../mirror/mod.ts';
import type { Sha256 } from '../kit/digest.ts';

export type MirrorDeps = {
  readonly db: Db;
  readonly now: () => Date;
  /** The published tree of a repository: all of it, or only its pointers and numbers. */
  readonly tree: (mirror: Mirror) => {
    readonly read: () => Promise<TreeEntry[]>;
    readonly readPointers: () => Promise<TreeEntry[]>;
    readonly readText: (source: string) => Promise<string>;
    readonly hash: (source: string) => Promise<Sha256>;
  };
  /** Throws `no-secret`, `open-secret`, `no-access-key`. */
  readonly open: (mirror: Mirror, signal: AbortSignal | undefined) => Promise<MirrorTarget>;
  readonly memory: (mirror: Mirror) => {
    readonly manifest: () => Promise<Manifest & { readonly flush: () => void }>;
    readonly load: () => Promise<PushRecord | undefined>;
    readonly save: (record: PushRecord) => Promise<void>;
    /** Throws `mirror-busy` when another process holds it. */
    readonly lock: <T>(work: () => Promise<T>) => Promise<T>;
  };
};

/** How the last push went. */
export type PushRecord = {
  readonly started: string;
  readonly ended: string | undefined;
  readonly outcome: 'running' | 'pushed' | 'failed';
  readonly error: string | undefined;
  /** What the mirror shows since the last push that went well, and when that was. */
  readonly shown: readonly Pointer[];
  readonly pushed: string | undefined;
};

export type PushSettings = Omit<PushOptions, 'parallel'>;

export type MirrorPush = PushReport & {
  readonly mirror: string;
  readonly repository: string;
  readonly suites: readonly Pointer[];
};

/** Throws `nothing-published`, `mirror-busy`, `mirror-ahead`, `mirror-full`, `mirror-denied`, `mirror-failed` and more. */
export async function pushMirror(deps: MirrorDeps, mirror: Mirror, settings: PushSettings): Promise<MirrorPush> {
  const memory = deps.memory(mirror);
  return memory.lock(async () => {
    const before = await memory.load();
    if (settings.delete && before?.pushed === undefined) {
      // A mistyped place must not lose what is there.
      throw new SheafError('mirror-new', `Cannot delete from mirror "${mirror.name}": nothing was ever pushed to it`, {
        kind: 'usage',
        hint: 'Push once without --delete, and look at what else is there.',
      });
    }
    const begun = {
      started: deps.now().toISOString(),
      shown: before?.shown ?? [],
      pushed: before?.pushed,
      error: undefined,
      ended: undefined,
    };
    await memory.save({ ...begun, outcome: 'running' });
    try {
      const { report, pointers } = await push(deps, mirror, settings);
      const ended = deps.now().toISOString();
      await memory.save({ ...begun, ended, outcome: 'pushed', shown: pointers, pushed: ended });
      return { mirror: mirror.name, repository: mirror.repository, suites: pointers, ...report };
    } catch (error) {
      await memory.save({
        ...begun,
        ended: deps.now().toISOString(),
        outcome: 'failed',
        error: describeError(error),
      });
      throw error;
    }
  });
}

async function push(deps: MirrorDeps, mirror: Mirror, settings: PushSettings) {
  const tree = deps.tree(mirror);
  const target = await deps.open(mirror, settings.signal);
  const entries = await tree.read();
  // The pool's files were written down before a snapshot could name them.
  const digests = await poolDigests(deps.db, mirror.repository);
  const plan = await planMirror({ entries, links: target.links, digests, readRelease: tree.readText });
  if (plan.pointers.length === 0) {
    throw new SheafError(
      'nothing-published',
      `Cannot push repository "${mirror.repository}": no suite of it is published`,
      {
        hint: 'Publish one first: sheaf suite publish SUITE',
      },
    );
  }
  const options = { ...settings, parallel: mirror.parallel };
  if (target.kind === 'sync') return { report: await pushToSync(target, plan, options), pointers: plan.pointers };
  const manifest = await deps.memory(mirror).manifest();
  try {
    const report = await pushToStore({ target, manifest, hash: tree.hash }, plan, options);
    return { report, pointers: plan.pointers };
  } finally {
    manifest.flush();
  }
}

export type MirrorStatus = {
  readonly last: PushRecord | undefined;
  readonly suites: readonly SuiteBehind[];
};

/** From what is known here; the mirror itself is not asked. */
export async function mirrorStatus(deps: Pick<MirrorDeps, 'tree' | 'memory'>, mirror: Mirror): Promise<MirrorStatus> {
  const last = await deps.memory(mirror).load();
  return { last, suites: compareMirror(await deps.tree(mirror).readPointers(), last?.shown ?? []) };
}
