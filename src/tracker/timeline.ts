/** The whole way of a package: from the report of its tag to its snapshot, each step with its time and evidence. */
import { limitOf, numberAfter, toPage, type Page, type PageRequest } from './page.ts';
import { toTimeline, type Timeline, type TimelineFacts } from './steps.ts';
import * as store from './store.ts';
import type { Db, SnapshotRow, SourcePackageRow, TagBuildRow } from './store.ts';

/** How many packages a lock names, or undefined when it cannot be read. */
export type CountLocked = (sha256: string) => Promise<number | undefined>;

/** The tag builds of a source package with their steps, newest first. */
export async function packageTimeline(
  db: Db,
  source: string,
  countLocked: CountLocked,
  request: PageRequest = {},
): Promise<Page<Timeline>> {
  const limit = Math.min(limitOf(request), 20);
  const states = ['RECEIVED', 'REJECTED', 'ACCEPTED', 'DONE'] as const;
  const rows = await store.listTagBuilds(db, { source, states }, numberAfter(request), limit + 1);
  const facts = new Map(
    (await readFacts(db, rows.slice(0, limit), countLocked)).map((each) => [each.tagBuild.id, each]),
  );
  return toPage(
    rows,
    limit,
    (row) => row.id,
    (row) => toTimeline(facts.get(row.id)!),
  );
}

export async function tagBuildTimeline(db: Db, id: number, countLocked: CountLocked): Promise<Timeline | undefined> {
  const row = await store.readTagBuild(db, id);
  if (row === undefined) return undefined;
  const [facts] = await readFacts(db, [row], countLocked);
  return facts === undefined ? undefined : toTimeline(facts);
}

async function readFacts(
  db: Db,
  tagBuilds: readonly TagBuildRow[],
  countLocked: CountLocked,
): Promise<TimelineFacts[]> {
  const ids = tagBuilds.map((row) => row.id);
  const [jobs, sourcePackages, duplicates] = await Promise.all([
    store.readJobsOf(db, ids),
    store.readSourcePackages(db, ids),
    store.countDuplicates(db, ids),
  ]);
  const jobIds = jobs.map((row) => row.id);
  const [attempts, binaryPackages, uploaded] = await Promise.all([
    store.readAttempts(db, jobIds),
    store.readBinaryPackages(db, jobIds),
    store.readUploadedPackages(db, uploadedSources(tagBuilds, sourcePackages)),
  ]);
  const publications = await store.readPublications(
    db,
    sourcePackages.map((row) => row.id),
    [...binaryPackages, ...uploaded].map((row) => row.id),
  );
  const lockSizes = new Map<string, number>();
  for (const lock of new Set(jobs.flatMap((job) => job.lock ?? []))) {
    const count = await countLocked(lock);
    if (count !== undefined) lockSizes.set(lock, count);
  }
  const snapshots: SnapshotRow[] = [];
  for (const suite of new Set(publications.map((row) => row.suite))) {
    const numbers = publications.filter((row) => row.suite === suite).flatMap((row) => row.first_snapshot ?? []);
    snapshots.push(...(await store.readSnapshots(db, suite, [...new Set(numbers)])));
  }
  return tagBuilds.map((tagBuild) => {
    const own = jobs.filter((job) => job.tag_build === tagBuild.id);
    const ownIds = new Set(own.map((job) => job.id));
    const sources = sourcePackages.filter((row) => row.tag_build === tagBuild.id);
    const binaries = [
      ...uploaded.filter((row) => row.tag_build === tagBuild.id),
      ...binaryPackages.filter((row) => row.job !== null && ownIds.has(row.job)),
    ];
    const [sourceIds, binaryIds] = [new Set(sources.map((row) => row.id)), new Set(binaries.map((row) => row.id))];
    return {
      tagBuild,
      duplicates: (duplicates.get(tagBuild.id) ?? 0) + tagBuild.repeats,
      jobs: own,
      attempts: attempts.filter((row) => ownIds.has(row.job)),
      sourcePackages: sources,
      binaryPackages: binaries,
      publications: publications.filter(
        (row) => sourceIds.has(row.source_package ?? -1) || binaryIds.has(row.binary_package ?? -1),
      ),
      snapshots,
      lockSizes,
    };
  });
}

function uploadedSources(tagBuilds: readonly TagBuildRow[], sources: readonly SourcePackageRow[]): number[] {
  const uploads = new Set(tagBuilds.filter((row) => row.upload !== null).map((row) => row.id));
  return sources.filter((row) => row.tag_build !== null && uploads.has(row.tag_build)).map((row) => row.id);
}
