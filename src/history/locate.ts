/**
 * From the name of a place to a snapshot: `stable`, `stable@142`, `debian/trixie`, `debian/trixie@20260912T075541Z`,
 * `debian/trixie@2026-09-12` (what was current at the end of that day, UTC), `debian/trixie@2026-09-12T10:00Z`.
 */
import type { Db } from '../db/connect.ts';
import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { formatSuiteRef, type SnapshotRef, type SuiteRef } from '../model/index-history.ts';
import { isSnapshotId, type SnapshotId } from '../model/names.ts';
import { snapshotOfNumber } from './store/numbers.ts';
import { findSnapshot, listSnapshots, listTrackedSuites, nextSnapshot, suiteOfCodename } from './store/snapshots.ts';

export type LocateDeps = { readonly db: Db; readonly distribution: Pick<Distribution, 'suites' | 'upstreams'> };

/** Throws `unknown-place` with what there is. */
export async function locate({ db, distribution }: LocateDeps, text: string): Promise<SnapshotRef> {
  const at = text.indexOf('@');
  const asked = parseSuite(at === -1 ? text : text.slice(0, at));
  const [newest] = await listSnapshots(db, asked, { limit: 1 });
  const suite = newest === undefined ? await suiteOfCodename(db, asked.origin, asked.suite) : asked.suite;
  if (suite === undefined) throw await unknownSuite({ db, distribution }, text, asked);
  const ref: SuiteRef = { origin: asked.origin, suite };
  const found = await find(db, ref, at === -1 ? undefined : text.slice(at + 1), text);
  if (found === undefined) throw await unknownSnapshot(db, text, ref);
  return { ...ref, snapshotId: found };
}

function parseSuite(text: string): SuiteRef {
  const slash = text.indexOf('/');
  return { origin: text.slice(0, Math.max(slash, 0)), suite: text.slice(slash + 1) };
}

async function find(db: Db, ref: SuiteRef, when: string | undefined, text: string): Promise<SnapshotId | undefined> {
  if (when === undefined) return (await findSnapshot(db, ref))?.snapshotId;
  if (isSnapshotId(when)) return (await findSnapshot(db, ref, when))?.snapshotId;
  if (/^\d{1,9}$/.test(when) && ref.origin === '') {
    const id = await snapshotOfNumber(db, ref.suite, Number(when));
    return id && (await findSnapshot(db, ref, id))?.snapshotId;
  }
  const moment = parseMoment(when);
  if (moment !== undefined) return (await findSnapshot(db, ref, moment))?.snapshotId;
  throw unknown(
    `Cannot find "${text}": "${when}" is neither a snapshot nor a time`,
    `Write ${ref.origin === '' ? `${ref.suite}@NUMBER, ` : ''}${formatSuiteRef(ref)}@YYYYMMDDTHHMMSSZ, @YYYY-MM-DD or @YYYY-MM-DDTHH:MMZ.`,
  );
}

/** A day is its last second; all times are UTC. */
function parseMoment(text: string): Date | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2})(?::(\d{2}))?Z?)?$/.exec(text);
  if (match === null) return undefined;
  const [, day, minute, second = '00'] = match;
  const time = new Date(minute === undefined ? `${day}T23:59:59Z` : `${day}T${minute}:${second}Z`);
  // The 30th of February is no day, though Date takes it for the 2nd of March.
  return Number.isNaN(time.getTime()) || !time.toISOString().startsWith(day!) ? undefined : time;
}

async function unknownSuite({ db, distribution }: LocateDeps, text: string, asked: SuiteRef): Promise<SheafError> {
  const name = formatSuiteRef(asked);
  const upstream = [...distribution.upstreams.values()].find((each) => each.name === asked.origin);
  if (upstream?.suites.includes(asked.suite)) {
    return unknown(
      `Cannot find "${text}": nothing of ${name} is kept yet`,
      `Fetch it: sheaf upstream update ${upstream.name}`,
    );
  }
  if (asked.origin === '' && [...distribution.suites.keys()].some((each) => each === asked.suite)) {
    return unknown(
      `Cannot find "${text}": suite ${name} has no published snapshot`,
      `Publish it: sheaf suite publish ${name}`,
    );
  }
  const tracked = (await listTrackedSuites(db)).map(formatSuiteRef);
  const own = [...distribution.suites.keys()].filter((each) => !tracked.includes(each));
  const all = [...tracked, ...own];
  return unknown(
    `Cannot find "${text}": no suite is called ${name}`,
    all.length === 0 ? 'No suite is kept yet: see sheaf upstream update.' : `There is ${list(all)}.`,
  );
}

async function unknownSnapshot(db: Db, text: string, ref: SuiteRef): Promise<SheafError> {
  const name = formatSuiteRef(ref);
  const [newest] = await listSnapshots(db, ref, { limit: 1 });
  const oldest = await oldestSnapshot(db, ref);
  return unknown(
    `Cannot find "${text}": no such snapshot of ${name} is kept`,
    oldest === newest?.snapshotId
      ? `There is one, ${name}@${oldest}.`
      : `They go from ${name}@${oldest} to ${name}@${newest?.snapshotId}.`,
  );
}

async function oldestSnapshot(db: Db, ref: SuiteRef): Promise<string | undefined> {
  return (await nextSnapshot(db, { ...ref, snapshotId: '' as SnapshotId }))?.snapshotId;
}

const mostListed = 12;

function list(names: readonly string[]): string {
  const rest = names.length - mostListed;
  return `${names.slice(0, mostListed).join(', ')}${rest > 0 ? `, and ${rest} more` : ''}`;
}

function unknown(message: string, hint: string): SheafError {
  return new SheafError('unknown-place', message, { kind: 'usage', hint });
}
