/**
 * Whether a Release file is taken. A ladder: each step relies on the ones before it, and the first that fails is the
 * reason. Time and everything that was seen before are passed in.
 */
import { formatReleaseDate } from '../formats/deb/date.ts';
import { parseRelease } from '../formats/deb/release.ts';
import { SheafError, describeError } from '../kit/error.ts';
import type { Upstream } from '../model/distribution.ts';
import { snapshotTime, toSnapshotId, type SnapshotId } from '../model/names.ts';
import { chooseIndexes, type IndexChoice, type ParsedRelease } from './choose-indexes.ts';
import type { ReleaseVerdict } from './ports.ts';
import type { SyncRefusal, SyncRefusalCode } from './refusal.ts';

/** What is known of the suite when a Release file arrives. */
export type Seen = {
  /** The newest version that was good, whether or not all of its indexes could be fetched. */
  readonly newest: SnapshotId | undefined;
  /** When the upstream was last looked at with success, by our clock. */
  readonly lookedAt: Date | undefined;
};

export type ReleaseQuestion = {
  readonly verdict: ReleaseVerdict;
  readonly upstream: Upstream;
  readonly suite: string;
  readonly seen: Seen;
  readonly now: Date;
  /** The clock is right now, whatever it was before. */
  readonly trustClock: boolean;
};

export type AcceptedRelease = {
  readonly kind: 'accepted';
  readonly release: ParsedRelease;
  readonly snapshotId: SnapshotId;
  readonly choice: IndexChoice;
};

/** Clocks of two machines may differ by this much, in milliseconds. */
const clockSkew = 5 * 60_000;

export function judgeRelease(
  question: ReleaseQuestion,
): AcceptedRelease | (SyncRefusal & { readonly kind: 'refused' }) {
  const signature = signatureRefusal(question.verdict);
  if (signature !== undefined) return signature;
  const release = read(question.verdict.text);
  if ('kind' in release) return release;
  const choice = chooseIndexes(release, question.upstream);
  const refusal =
    suiteRefusal(release, question) ??
    clockRefusal(release, question) ??
    ageRefusal(release, question) ??
    listRefusal(release, choice);
  return refusal ?? { kind: 'accepted', release, snapshotId: toSnapshotId(release.date), choice };
}

/** The date of a Release file that has this snapshot id was seen with another text. */
export function alteredRefusal(snapshotId: SnapshotId): SyncRefusal {
  return refuse(
    'release-altered',
    `The Release file is dated ${date(snapshotTime(snapshotId))}, as one that was seen before, but says something else.`,
    'Ask another mirror, and tell the archive: two different versions must not have one date.',
  );
}

function refuse(code: SyncRefusalCode, message: string, hint: string) {
  return { kind: 'refused', code, message, hint } as const;
}

const date = formatReleaseDate;

function signatureRefusal({ problems, signedBy }: ReleaseVerdict) {
  // An unknown key says less than what is wrong with a known one.
  const worst = problems.find(({ code }) => code !== 'unknown-key') ?? problems[0];
  if (worst !== undefined) return refuse(worst.code as SyncRefusalCode, worst.message, worst.hint);
  return signedBy.length > 0
    ? undefined
    : refuse('unsigned', 'The Release file carries no signature.', 'Ask another mirror.');
}

function read(text: string) {
  try {
    return parseRelease(text);
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    const noHashes = error.code === 'missing-field' && error.message.includes('SHA256');
    return refuse(
      noHashes ? 'no-sha256' : 'bad-release',
      `${describeError(error)}.`,
      'Nothing on this side can make it readable: tell the archive.',
    );
  }
}

/** As apt has it: for `bookworm/updates` the part before the last slash may be the name too. */
function suiteRefusal({ suite, codename }: ParsedRelease, { suite: asked }: ReleaseQuestion) {
  const names = [suite, codename].filter((name) => name !== undefined);
  const fitting = [asked, ...(asked.includes('/') ? [asked.slice(0, asked.lastIndexOf('/'))] : [])];
  if (names.some((name) => fitting.includes(name))) return undefined;
  const told = names.length === 0 ? 'no suite' : names.map((name) => `"${name}"`).join(', codename ');
  return refuse(
    'wrong-suite',
    `The Release file is of suite ${told}, not of "${asked}" as was asked for.`,
    'Check "suites" of the upstream in sheaf.toml, or ask another mirror.',
  );
}

function clockRefusal(release: ParsedRelease, { seen, now, trustClock }: ReleaseQuestion) {
  const earliest = now.getTime() + clockSkew;
  if (!trustClock && seen.lookedAt !== undefined && seen.lookedAt.getTime() > earliest) {
    return refuse(
      'clock-set-back',
      `The clock of this machine says ${date(now)}, but this upstream was already looked at on ${date(seen.lookedAt)}.`,
      'Set the clock. If it was ahead before and is right now, look once more with --trust-clock.',
    );
  }
  if (seen.newest !== undefined && snapshotTime(seen.newest).getTime() > earliest) {
    return refuse(
      'clock-set-back',
      `The clock of this machine says ${date(now)}, but a Release file of ${date(snapshotTime(seen.newest))} was already taken.`,
      'Set the clock of this machine.',
    );
  }
  if (release.date.getTime() <= earliest) return undefined;
  return refuse(
    'release-from-future',
    `The Release file is dated ${date(release.date)}, which is in the future: it is ${date(now)}.`,
    'Check the clock of this machine.',
  );
}

function ageRefusal(release: ParsedRelease, { seen, now, upstream }: ReleaseQuestion) {
  if (seen.newest !== undefined && toSnapshotId(release.date) < seen.newest) {
    return refuse(
      'release-replayed',
      `The Release file is dated ${date(release.date)}, older than that of ${date(snapshotTime(seen.newest))} which was seen before.`,
      'The mirror lags behind, or somebody keeps newer versions from us: try later or ask another mirror.',
    );
  }
  const { validUntil } = release;
  if (upstream.expired === 'accept' || validUntil === undefined || validUntil > now) return undefined;
  return refuse(
    'release-expired',
    `The Release file was valid until ${date(validUntil)}.`,
    'The mirror no longer follows the archive, or somebody keeps newer versions from us. For a frozen archive, set expired = "accept".',
  );
}

function listRefusal(release: ParsedRelease, { missing }: IndexChoice) {
  if (missing.length === 0) return undefined;
  const has = `components ${list(release.components)}, architectures ${list(release.architectures)}`;
  return refuse(
    'index-not-listed',
    `The Release file lists no ${list(missing)}; it has ${has}.`,
    'Take what it does not have out of "components", "architectures" or "sources" of the upstream in sheaf.toml.',
  );
}

function list(items: readonly string[]): string {
  const shown = items.slice(0, 20).map((item) => item.slice(0, 80));
  const more = items.length > shown.length ? ` and ${items.length - shown.length} more` : '';
  return items.length === 0 ? 'none' : `${shown.join(', ')}${more}`;
}
