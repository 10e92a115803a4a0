/** When a snapshot is made, and its id. */
import { SheafError } from '../kit/error.ts';
import { snapshotTime, toSnapshotId, type SnapshotId } from '../model/names.ts';

export type SnapshotTime = {
  readonly id: SnapshotId;
  /** The Release's Date. */
  readonly date: Date;
};

/** A clock that is corrected by less than this is taken as standing still. */
const tolerance = 60_000;

/**
 * The id is a second later than the last one even when both are made in the same second; the date never goes back,
 * since apt takes an older Release for an attack. Throws `clock-set-back` when the clock is behind the last snapshot.
 */
export function nextSnapshotTime(last: SnapshotTime | undefined, now: Date, suite: string): SnapshotTime {
  if (last === undefined) return { id: toSnapshotId(now), date: wholeSecond(now.getTime()) };
  if (now.getTime() + tolerance < last.date.getTime()) {
    throw new SheafError(
      'clock-set-back',
      `Cannot publish suite "${suite}": the clock says ${now.toISOString()}, but its last snapshot was made at ${last.date.toISOString()}`,
      {
        kind: 'environment',
        hint: 'Set the clock right: clients refuse a Release that is older than the one they have.',
      },
    );
  }
  const date = wholeSecond(Math.max(now.getTime(), last.date.getTime()));
  const id = toSnapshotId(new Date(Math.max(date.getTime(), snapshotTime(last.id).getTime() + 1000)));
  return { id, date };
}

function wholeSecond(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000);
}
