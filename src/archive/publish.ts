/**
 * Publishing a suite: stage → write → commit → put in place.
 *
 * 1. stage: under the suite's lock, what the snapshot holds is decided and a `staged` row takes its number and id.
 * 2. write: the whole snapshot, under a name that is not served, and all of it synced to the disk.
 * 3. commit: one transaction makes it true: the snapshot, its packages, the jobs they came from, the event.
 * 4. put in place: the snapshot gets its name, then the suite's pointer moves to it in one step.
 *
 * Recovery is the same code: every publication begins by settling what an earlier one left. A staged row without a
 * commit was never seen by anyone and is dropped; a committed snapshot is complete on the disk and is put in place.
 * So what a client can see is always committed, and what is committed is never lost.
 */
import { dirname, join } from 'node:path';

import { SheafError } from '../kit/error.ts';
import { hasPlaceFor, type Suite } from '../model/distribution.ts';
import type { SnapshotId, SuiteName } from '../model/names.ts';
import { findSuite } from './accept.ts';
import type { Content } from './content.ts';
import { endReason, hasEnded } from './end-of-life.ts';
import { pointerTarget, repositoryDirectory, snapshotOfPointer, suitePaths, type SuitePaths } from './layout.ts';
import { listsTheSame } from './optional-indexes.ts';
import { changesSomething, planContent, type Plan } from './plan.ts';
import type { ArchiveDeps, Published } from './ports.ts';
import { releaseFields, saysTheSame } from './release.ts';
import { nextSnapshotTime } from './snapshot-time.ts';
import {
  beginPublications,
  deleteStaged,
  endPublications,
  insertStaged,
  latestSnapshots,
  liveContent,
  liveOutline,
  markPublished,
  movingSources,
  recordEvent,
  withSuiteLock,
  type Db,
  type SnapshotRow,
} from './store.ts';
import { findProblems } from './store-contents.ts';
import { writeTree } from './tree.ts';
import { lostIndex } from './write-index.ts';

export type PublishOptions = {
  /** Also when nothing has changed. */
  readonly force?: boolean;
  /** Writes every index anew from the database, instead of changing those of the last snapshot. */
  readonly whole?: boolean;
  /** Whose doing it is, for the event; undefined when nobody asked. */
  readonly by?: string | undefined;
};

export type Publication =
  | ({ readonly kind: 'published'; readonly reason: PublishReason } & Published)
  | { readonly kind: 'unchanged'; readonly number: number; readonly snapshotId: SnapshotId };

/** Why there is a new snapshot. */
export type PublishReason = 'first' | 'packages' | 'settings' | 'renewal' | 'forced';

/**
 * Makes the suite's next snapshot, if there is a reason for one. Safe to call at any time, from several processes, and
 * as often as one likes: Release files near the end of their validity are renewed. After the suite's end of life nothing
 * is renewed, and any other reason throws `end-of-life`. Throws `unknown-suite`, `clock-set-back`, `archive-ahead`.
 */
export async function publishSuite(
  deps: ArchiveDeps,
  name: string,
  now: Date,
  options: PublishOptions = {},
): Promise<Publication> {
  const suite = findSuite(deps, name);
  const paths = suitePaths(repositoryDirectory(deps.directory, suite.repository), suite.name);
  return withSuiteLock(deps.db, suite.name, async (db) => {
    try {
      return await publishNext(deps, db, suite, paths, now, options);
    } catch (error) {
      if (!(error instanceof SheafError) || error.code !== lostIndex) throw error;
      return publishNext(deps, db, suite, paths, now, { ...options, whole: true });
    }
  });
}

async function publishNext(
  deps: ArchiveDeps,
  db: Db,
  suite: Suite,
  paths: SuitePaths,
  now: Date,
  options: PublishOptions,
): Promise<Publication> {
  const last = await settle(deps, db, suite, paths);
  const staged = await stage(deps, db, suite, paths, last, now, options);
  if (staged.kind === 'unchanged') return staged;
  const { snapshot, plan, previousRelease } = staged;
  const inRelease = await writeTree(deps, {
    suite,
    paths,
    content: plan,
    before: staged.whole ? undefined : staged.content,
    time: snapshot,
    validUntil: snapshot.validUntil,
    previousRelease,
  });
  const published = await commit(deps, db, suite, staged, inRelease, now);
  await putInPlace(deps, suite, paths, snapshot);
  return { kind: 'published', reason: staged.reason, ...published };
}

/** At start: makes every suite's folder what the database says, whatever a crash has left. */
export async function reconcile(deps: ArchiveDeps): Promise<void> {
  for (const suite of deps.distribution.suites.values()) {
    const paths = suitePaths(repositoryDirectory(deps.directory, suite.repository), suite.name);
    await withSuiteLock(deps.db, suite.name, (db) => settle(deps, db, suite, paths));
  }
}

/** Ends what an earlier publication began. Returns the newest published snapshot. */
async function settle(deps: ArchiveDeps, db: Db, suite: Suite, paths: SuitePaths): Promise<SnapshotRow | undefined> {
  const { published, staged } = await latestSnapshots(db, suite.name);
  for (const snapshot of staged) {
    await deps.files.remove(paths.staged(snapshot.id));
    await deleteStaged(db, suite.name, snapshot.number);
  }
  refuseNewerDisk(suite, paths, await snapshotOnDisk(deps, suite, paths), published);
  if (published !== undefined) await putInPlace(deps, suite, paths, published);
  return published;
}

/** Throws `archive-ahead`. Changes nothing, and keeps no publication waiting. */
export async function checkDatabase(deps: ArchiveDeps, suites: Iterable<Suite>): Promise<void> {
  for (const suite of suites) {
    const paths = suitePaths(repositoryDirectory(deps.directory, suite.repository), suite.name);
    // The disk first: what is published meanwhile is in the database before it is there.
    const onDisk = await snapshotOnDisk(deps, suite, paths);
    if (onDisk !== undefined)
      refuseNewerDisk(suite, paths, onDisk, (await latestSnapshots(deps.db, suite.name)).published);
  }
}

async function snapshotOnDisk(deps: ArchiveDeps, suite: Suite, paths: SuitePaths): Promise<SnapshotId | undefined> {
  const target = await deps.files.readLink(paths.pointer(suite.name));
  return target === undefined ? undefined : snapshotOfPointer(target);
}

/** A folder that is ahead of the database belongs to another database, or to one restored from an old copy. */
function refuseNewerDisk(
  suite: Suite,
  paths: SuitePaths,
  onDisk: SnapshotId | undefined,
  published: SnapshotRow | undefined,
): void {
  if (onDisk === undefined || (published !== undefined && onDisk <= published.id)) return;
  throw new SheafError(
    'archive-ahead',
    `Cannot use the database for suite "${suite.name}": its folder is at snapshot ${onDisk}, the database only at ${published?.id ?? 'none'}`,
    {
      kind: 'environment',
      place: { file: paths.pointer(suite.name) },
      hint: `It is another database or an old copy: name the right one by SHEAF_DATABASE_URL, restore the newer copy, or ${
        published === undefined
          ? 'begin with an empty archive folder.'
          : 'go on without what was published since: remove that link, and publish.'
      }`,
    },
  );
}

type Staged = {
  readonly kind: 'staged';
  readonly reason: PublishReason;
  readonly snapshot: Omit<SnapshotRow, 'state' | 'packages'>;
  /** Everything in outline, or, unless `whole`, what can change since the last snapshot; so is the plan. */
  readonly content: Content;
  readonly plan: Plan;
  readonly whole: boolean;
  /** Binary packages that the last snapshot has and the content does not speak of. */
  readonly elsewhere: number;
  readonly previousRelease: string | undefined;
  readonly by: string | undefined;
};

async function stage(
  deps: ArchiveDeps,
  db: Db,
  suite: Suite,
  paths: SuitePaths,
  last: SnapshotRow | undefined,
  now: Date,
  options: PublishOptions,
): Promise<Staged | Extract<Publication, { kind: 'unchanged' }>> {
  const previousRelease = last && (await deps.files.read(releasePath(paths, suite.name, last.id)));
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (transaction) => {
      const changed =
        previousRelease === undefined ||
        !saysTheSame(previousRelease, releaseFields(deps.distribution, suite)) ||
        !listsTheSame(previousRelease, suite);
      const whole = last === undefined || changed || options.whole === true;
      const content = whole
        ? await liveOutline(transaction, suite.name)
        : await liveContent(transaction, suite.name, await movingSources(transaction, suite.name));
      const plan = planContent(suite, content);
      const reason = reasonToPublish(suite, last, changed, plan, now, options);
      if (reason === undefined) return { kind: 'unchanged', number: last!.number, snapshotId: last!.id };
      refuseAfterEnd(suite, now);
      const time = nextSnapshotTime(last, now, suite.name);
      const snapshot = {
        ...time,
        number: (last?.number ?? 0) + 1,
        validUntil: new Date(time.date.getTime() + suite.validFor),
      };
      await insertStaged(transaction, suite, snapshot);
      const shown = listed(suite, content.binaries).filter((binary) => binary.state === 'PUBLISHED').length;
      return {
        kind: 'staged',
        reason,
        snapshot,
        content,
        plan,
        whole,
        elsewhere: whole ? 0 : last.packages - shown,
        previousRelease,
        by: options.by,
      };
    });
}

function reasonToPublish(
  suite: Suite,
  last: SnapshotRow | undefined,
  /** Whether the settings say something else than the last Release. */
  changed: boolean,
  plan: Plan,
  now: Date,
  options: PublishOptions,
): PublishReason | undefined {
  if (last === undefined) return 'first';
  if (changesSomething(plan)) return 'packages';
  if (changed) return 'settings';
  const remaining = last.validUntil.getTime() - now.getTime();
  if (remaining < suite.validFor / 3 && !hasEnded(suite, now)) return 'renewal';
  return options.force === true || options.whole === true ? 'forced' : undefined;
}

function refuseAfterEnd(suite: Suite, now: Date): void {
  const reason = endReason(suite, now);
  if (reason === undefined) return;
  throw new SheafError('end-of-life', `Cannot publish suite "${suite.name}": ${reason}`, {
    kind: 'refused',
    hint: 'What was published stays as it is. To go on, set a later end-of-life.',
  });
}

async function commit(
  deps: ArchiveDeps,
  db: Db,
  suite: Suite,
  { snapshot, content, plan, elsewhere, by }: Staged,
  inRelease: string,
  now: Date,
): Promise<Published> {
  const { number } = snapshot;
  const leaving = new Set([...plan.superseded, ...plan.obsolete, ...plan.deleted]);
  const entering = [...plan.sources, ...plan.binaries].filter((entry) => entry.state === 'PENDING');
  const came = new Set(entering.map((entry) => entry.publication));
  const settled = new Set([...leaving, ...came]);
  const jobsOf = (publications: ReadonlySet<number>) =>
    distinct(newlySettled(content.binaries, publications).map((binary) => binary.job));
  const tagBuildsOf = (publications: ReadonlySet<number>) =>
    distinct(newlySettled(content.sources, publications).map((source) => source.tagBuild));
  const [jobs, tagBuilds] = [jobsOf(settled), tagBuildsOf(settled)];
  const [jobsThatCame, tagBuildsThatCame] = [new Set(jobsOf(came)), new Set(tagBuildsOf(came))];
  const published: Published = {
    suite: suite.name,
    repository: suite.repository,
    number,
    snapshotId: snapshot.id,
    validUntil: snapshot.validUntil,
    packages: elsewhere + listed(suite, plan.binaries).length,
    jobs,
    tagBuilds,
    passedOver: {
      jobs: jobs.filter((job) => !jobsThatCame.has(job)),
      tagBuilds: tagBuilds.filter((tagBuild) => !tagBuildsThatCame.has(tagBuild)),
    },
    ...(await findUnlisted(db, suite, plan)),
  };
  await db.transaction().execute(async (transaction) => {
    const facts = { inRelease, packages: published.packages };
    const counts = [
      await markPublished(transaction, suite.name, number, facts),
      await beginPublications(
        transaction,
        entering.map((entry) => entry.publication),
        number,
        now,
      ),
      await endPublications(transaction, plan.superseded, 'SUPERSEDED', number, now),
      await endPublications(transaction, plan.obsolete, 'OBSOLETE', number, now),
      await endPublications(transaction, plan.deleted, 'DELETED', number, now),
    ];
    const expected = [true, entering.length, plan.superseded.length, plan.obsolete.length, plan.deleted.length];
    if (counts.some((count, index) => count !== expected[index])) {
      throw new SheafError(
        'publication-overtaken',
        `Cannot publish ${suite.name}@${number}: another process has changed the suite meanwhile`,
      );
    }
    await recordEvent(transaction, deps.distribution, now, {
      kind: 'suite-published',
      message: `${describe(suite, published, plan, entering.length)}${by === undefined ? '' : `, by ${by}`}`,
      suite: suite.name,
      ...(by === undefined ? {} : { actor: by }),
    });
    await deps.onPublished?.(transaction, published, now);
  });
  return published;
}

/** Those that an index has: none has packages of an architecture or component that was taken out of the suite. */
function listed(suite: Suite, binaries: Content['binaries']): Content['binaries'] {
  return binaries.filter((binary) => hasPlaceFor(suite, binary));
}

async function findUnlisted(db: Db, suite: Suite, plan: Plan): Promise<Pick<Published, 'unlisted'>> {
  const entering = suite.contents === true ? plan.binaries.filter(({ state }) => state === 'PENDING') : [];
  if (entering.length === 0) return {};
  const digests = entering.map(({ sha256 }) => sha256);
  const problems = await findProblems(db, digests);
  if (problems.size === 0) return {};
  return {
    unlisted: entering
      .filter(({ sha256 }) => problems.has(sha256))
      .map(({ name, version, architecture, sha256 }) => ({
        package: `${name}_${version}_${architecture}`,
        problem: problems.get(sha256)!,
      })),
  };
}

/** Of the entries that were waiting, those that no longer are. */
function newlySettled<T extends { readonly publication: number; readonly state: string }>(
  entries: readonly T[],
  settled: ReadonlySet<number>,
): T[] {
  return entries.filter((entry) => entry.state === 'PENDING' && settled.has(entry.publication));
}

function distinct(ids: readonly (number | undefined)[]): number[] {
  return [...new Set(ids.filter((id) => id !== undefined))];
}

function describe(suite: Suite, { number, packages, unlisted }: Published, plan: Plan, entering: number): string {
  const ended = plan.superseded.length + plan.obsolete.length + plan.deleted.length;
  return `Suite ${suite.name} published as ${suite.name}@${number}: ${entering} packages new, ${ended} ended, ${packages} in all${describeUnlisted(unlisted)}`;
}

function describeUnlisted(unlisted: Published['unlisted']): string {
  const [first, ...others] = unlisted ?? [];
  if (first === undefined) return '';
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `; Contents lack the files of ${first.package}${more}: ${first.problem}`;
}

/** Every step may have been done before. The pointer comes last: it is what clients follow. */
async function putInPlace(
  deps: ArchiveDeps,
  suite: Suite,
  paths: SuitePaths,
  snapshot: Pick<SnapshotRow, 'id' | 'number'>,
): Promise<void> {
  const final = paths.snapshot(snapshot.id);
  if (!(await deps.files.exists(final))) {
    if (!(await deps.files.exists(paths.staged(snapshot.id)))) {
      throw new SheafError(
        'snapshot-missing',
        `Cannot put ${suite.name}@${snapshot.number} in place: its folder is missing`,
        {
          kind: 'environment',
          place: { file: final },
          hint: 'Restore the archive folder from a copy.',
        },
      );
    }
    await deps.files.rename(paths.staged(snapshot.id), final);
  }
  await point(deps, paths.number(snapshot.number), snapshot.id);
  await placeKey(deps, suite, paths);
  await deps.files.makeDirectory(paths.pointers);
  await point(deps, paths.pointer(suite.name), pointerTarget(suite.name, snapshot.id));
  if (ownsCodename(deps, suite)) await point(deps, paths.pointer(suite.codename), suite.name);
}

/** Synced at once, with the names that were made in the same directory before. */
async function point(deps: ArchiveDeps, path: string, target: string): Promise<void> {
  if ((await deps.files.readLink(path)) === target) return;
  await deps.files.symlink(target, path);
  await deps.files.sync(dirname(path));
}

/** `dists/CODENAME` is a second name, unless a suite is called so. */
function ownsCodename(deps: ArchiveDeps, suite: Suite): boolean {
  return suite.codename !== suite.name && deps.distribution.suites.get(suite.codename)?.repository !== suite.repository;
}

async function placeKey(deps: ArchiveDeps, suite: Suite, paths: SuitePaths): Promise<void> {
  const signer = await deps.signer(suite.repository);
  const path = join(paths.root, 'key.asc');
  if ((await deps.files.read(path)) === signer.publicKeyArmored) return;
  await deps.files.place(join(paths.root, 'key.gpg'), signer.publicKeyBinary);
  await deps.files.place(path, signer.publicKeyArmored);
}

function releasePath(paths: SuitePaths, suite: SuiteName, id: SnapshotId): string {
  return join(paths.snapshot(id), 'dists', suite, 'Release');
}
