/** The snapshots between two, and what to lock from each. */
import { findSnapshot, listSnapshots, locate, type SnapshotView } from '../history/mod.ts';
import { SheafError } from '../kit/error.ts';
import type { LockSpec } from '../lock/mod.ts';
import { formatSnapshotRef, type SnapshotRef } from '../model/index-history.ts';
import { snapshotTime } from '../model/names.ts';
import type { CreateLockDeps } from './create-lock.ts';

export type Walk = {
  /** From the good one to the bad one, such as `debian/trixie@20260912T075541Z`. */
  readonly snapshots: readonly string[];
  /** With this snapshot, and every place that the specification does not pin as it was at that time. */
  readonly specOf: (snapshot: string) => Promise<LockSpec>;
};

export type WalkRequest = {
  readonly spec: LockSpec;
  /** The place of the specification whose snapshots are walked. */
  readonly place: string;
  /** What stands behind `@` in a place: a snapshot, or a time. */
  readonly good: string;
  readonly bad: string;
};

const page = 500;

/** Throws `unknown-place`, `no-snapshots-between`. A snapshot that nobody vouches for is none of them. */
export async function findSnapshots(deps: CreateLockDeps, { spec, place, good, bad }: WalkRequest): Promise<Walk> {
  const suite = place.replace(/@.*/, '');
  const [first, last] = [await locate(deps, `${suite}@${good}`), await locate(deps, `${suite}@${bad}`)];
  if (first.snapshotId >= last.snapshotId) {
    throw new SheafError(
      'no-snapshots-between',
      `Cannot look for the update: the good snapshot ${formatSnapshotRef(first)} is not older than the bad one, ${formatSnapshotRef(last)}`,
      { kind: 'usage', hint: `See which there are: sheaf upstream show, sheaf suite show` },
    );
  }
  const newestFirst: SnapshotView[] = [(await findSnapshot(deps.db, last, last.snapshotId))!];
  for (let isWhole = false; !isWhole;) {
    const older = await listSnapshots(deps.db, last, { before: newestFirst.at(-1)!.snapshotId, limit: page });
    newestFirst.push(...older.filter(({ snapshotId }) => snapshotId >= first.snapshotId));
    isWhole = older.length < page || older.at(-1)!.snapshotId < first.snapshotId;
  }
  const isEnd = ({ snapshotId }: SnapshotRef) => snapshotId === first.snapshotId || snapshotId === last.snapshotId;
  const refs = newestFirst.toReversed().filter((each) => each.release !== undefined || isEnd(each));
  const byName = new Map(refs.map((ref) => [formatSnapshotRef(ref), ref]));
  return {
    snapshots: [...byName.keys()],
    specOf: async (name) => {
      const from: string[] = [];
      for (const each of spec.from) from.push(each === place ? name : await atTime(deps, each, byName.get(name)!));
      return { ...spec, from };
    },
  };
}

async function atTime(deps: CreateLockDeps, place: string, { snapshotId }: SnapshotRef): Promise<string> {
  if (place.includes('@')) return place;
  const time = snapshotTime(snapshotId).toISOString().slice(0, 19);
  return formatSnapshotRef(await locate(deps, `${place}@${time}Z`));
}
