/** A lock against the history: whether each of its packages is in the snapshots that it names, as it says. */
import type { Db } from '../db/connect.ts';
import { parseStanza, parseStanzas, findField, type Stanza } from '../formats/deb/deb822.ts';
import { fieldNumber, IndexFields } from '../formats/deb/index-fields.ts';
import { scanStanzas } from '../formats/deb/index-scan.ts';
import { findSnapshot, indexesAt, locate, type IndexStore, type SnapshotView } from '../history/mod.ts';
import { SheafError } from '../kit/error.ts';
import { lockedPackageFields } from '../lock/mod.ts';
import type { Distribution } from '../model/distribution.ts';
import type { Lock, LockedPackage, LockSource } from '../model/lock.ts';

export type VerifyLockDeps = {
  readonly db: Db;
  readonly distribution: Pick<Distribution, 'suites' | 'upstreams'>;
  readonly store: Pick<IndexStore, 'read'>;
};

export type LockProblem = {
  readonly line: number;
  readonly architecture: string;
  /** Absent where it is about a snapshot. */
  readonly package?: string;
  readonly message: string;
};

export type LockVerification = {
  readonly problems: readonly LockProblem[];
  /** Where the stanza of a locked package begins. */
  readonly lineOf: (locked: LockedPackage) => number;
};

/** `locks` are those of `text`. Throws `bad-control-file`. */
export async function verifyLock(
  deps: VerifyLockDeps,
  { text, locks }: { readonly text: string; readonly locks: readonly Lock[] },
): Promise<LockVerification> {
  const stanzas = parseStanzas(text);
  const problems: LockProblem[] = [];
  const lines = new Map<LockedPackage, number>();
  let at = 0;
  for (const lock of locks) {
    const head = stanzas[at]!;
    const own = stanzas.slice(at + 1, at + 1 + lock.packages.length);
    for (const [index, each] of lock.packages.entries()) lines.set(each, own[index]!.fields[0]!.line);
    at += 1 + lock.packages.length;
    problems.push(...(await verifyOne(deps, lock, head, own)));
  }
  return { problems, lineOf: (locked) => lines.get(locked) ?? 1 };
}

async function verifyOne(
  deps: VerifyLockDeps,
  lock: Lock,
  head: Stanza,
  stanzas: readonly Stanza[],
): Promise<LockProblem[]> {
  const { architecture } = lock;
  const problems: LockProblem[] = [];
  const snapshots: { readonly source: LockSource; readonly snapshot: SnapshotView }[] = [];
  for (const [index, source] of lock.sources.entries()) {
    const line = (findField(head, 'Sources')?.line ?? 1) + 1 + index;
    const found = await findSource(deps, source);
    for (const message of found.problems) problems.push({ line, architecture, message });
    if (found.snapshot !== undefined) snapshots.push({ source, snapshot: found.snapshot });
  }
  if (lock.sources.length === 0) {
    problems.push({ line: head.fields[0]!.line, architecture, message: 'names no snapshot to compare it with' });
  }
  const known = await readKnown(deps, lock, snapshots);
  for (const [index, each] of lock.packages.entries()) {
    const found = judge(each, known.get(each.name) ?? []);
    if (found === undefined) continue;
    const line = findField(stanzas[index]!, found.field)?.line ?? stanzas[index]!.fields[0]!.line;
    problems.push({ line, architecture, package: each.name, message: found.message });
  }
  return problems;
}

async function findSource(
  { db, distribution }: VerifyLockDeps,
  { snapshot: place, inRelease, keys, url, suite }: LockSource,
): Promise<{ readonly snapshot?: SnapshotView; readonly problems: string[] }> {
  if (place === undefined) return { problems: [`does not say which snapshot of ${url} ${suite} it is from`] };
  try {
    const ref = await locate({ db, distribution }, place);
    const snapshot = (await findSnapshot(db, ref, ref.snapshotId))!;
    const strangers = (keys ?? []).filter((key) => !snapshot.signedBy.includes(key));
    return {
      snapshot,
      problems: [
        ...(snapshot.release === inRelease
          ? []
          : [`the InRelease of ${place} has SHA-256 ${snapshot.release ?? '(none)'}, the lock says ${inRelease}`]),
        ...strangers.map((key) => `the key ${key} did not vouch for ${place}`),
      ],
    };
  } catch (error) {
    if (error instanceof SheafError && error.code === 'unknown-place') return { problems: [error.message] };
    throw error;
  }
}

/** A stanza as an index has it, and the archive it is of. */
type Known = { readonly stanza: Stanza; readonly url: string };

/** What the snapshots have under the names of the lock. */
async function readKnown(
  { db, store }: VerifyLockDeps,
  { architecture, packages }: Lock,
  snapshots: readonly { readonly source: LockSource; readonly snapshot: SnapshotView }[],
): Promise<Map<string, Known[]>> {
  const known = new Map<string, Known[]>(packages.map(({ name }) => [name, []]));
  const architectures = new Set<string>([architecture, 'all', ...packages.map((each) => each.architecture)]);
  for (const { source, snapshot } of snapshots) {
    for (const index of await indexesAt(db, snapshot)) {
      if (index.kind !== 'packages' || !architectures.has(index.architecture)) continue;
      const bytes = await store.read(index.sha256);
      const fields = new IndexFields(index.path, true);
      for (const { start, end } of scanStanzas(bytes)) {
        if (!fields.read(bytes, start, end)) continue;
        const found = known.get(fields.value(fieldNumber.Package));
        if (found === undefined) continue;
        found.push({ stanza: parseStanza(bytes.toString('utf8', start, end), index.path), url: source.url });
      }
    }
  }
  return known;
}

/** What is not so, and which field says it. */
type Judgement = { readonly field: string; readonly message: string };

function judge(each: LockedPackage, known: readonly Known[]): Judgement | undefined {
  const { version, architecture, sha256 } = each;
  if (known.length === 0) return { field: 'Package', message: 'is in none of the snapshots' };
  const versions = known.filter(
    ({ stanza }) => valueOf(stanza, 'Version') === version && valueOf(stanza, 'Architecture') === architecture,
  );
  if (versions.length === 0) {
    const there = known.map(({ stanza }) => `${valueOf(stanza, 'Version')} (${valueOf(stanza, 'Architecture')})`);
    const list = [...new Set(there)].join(', ');
    return { field: 'Version', message: `is not there as ${version} (${architecture}): the snapshots have ${list}` };
  }
  const files = versions.filter(({ stanza }) => valueOf(stanza, 'SHA256')?.toLowerCase() === sha256);
  if (files.length === 0) {
    const there = valueOf(versions[0]!.stanza, 'SHA256') ?? 'none';
    return { field: 'SHA256', message: `has SHA-256 ${sha256}, the snapshots have ${there}` };
  }
  const judgements = files.map((found) => compareFields(each, found));
  return judgements.includes(undefined) ? undefined : judgements[0];
}

function compareFields({ size, url, fields }: LockedPackage, { stanza, url: archive }: Known): Judgement | undefined {
  if (valueOf(stanza, 'Size') !== String(size)) {
    return { field: 'Size', message: `has ${size} bytes, the snapshots say ${valueOf(stanza, 'Size')}` };
  }
  const address = `${archive}/${valueOf(stanza, 'Filename')}`;
  if (decoded(url) !== address) return { field: 'URL', message: `is at ${url}, the snapshots say ${address}` };
  if (fields === undefined) return undefined;
  const expected = new Map(lockedPackageFields(stanza));
  const written = new Map(fields);
  for (const name of new Set([...expected.keys(), ...written.keys()])) {
    if (expected.get(name) === written.get(name)) continue;
    const state = written.has(name) ? (expected.has(name) ? 'differs' : 'is not there') : 'is missing in the lock';
    return {
      field: name,
      message: `${name} ${state === 'is missing in the lock' ? state : `${state} in the snapshots`}`,
    };
  }
  return undefined;
}

function valueOf(stanza: Stanza, name: string): string | undefined {
  return findField(stanza, name)?.value.trim();
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
}
