/** Upstream tarballs: which ones the next revision of a package is made with. */
import { withoutRevision } from '../formats/deb/version.ts';
import type { Db } from '../db/connect.ts';
import type { Label } from '../model/names.ts';

export type OrigTarball = { readonly name: string; readonly sha256: string; readonly size: number };

export type OrigQuestion = {
  readonly source: string;
  /** Without epoch and revision. */
  readonly version: string;
  /** The suite's repository; undefined when there is no such suite. */
  readonly repository: Label | undefined;
};

/**
 * Those of a source package that the repository has, however it came there; else the one that was made for a source
 * package on its way. Empty when there are none.
 */
export async function findOrigs(db: Db, question: OrigQuestion): Promise<readonly OrigTarball[]> {
  const accepted = await findAccepted(db, question);
  if (accepted.length > 0) return accepted;
  const made = await readMade(db, question);
  return made === undefined ? [] : [made];
}

/** The same, but one that was made for a source package that never was does not count. */
export async function hasOrigs(db: Db, question: OrigQuestion): Promise<boolean> {
  if ((await findAccepted(db, question)).length > 0) return true;
  return (await readMade(db, question)) !== undefined && (await isUsed(db, question));
}

/** Keeps the first one recorded, and gives that back. */
export async function recordOrig(db: Db, question: OrigQuestion, tarball: OrigTarball): Promise<OrigTarball> {
  await db
    .insertInto('orig_tarball')
    .values({ source: question.source, upstream_version: question.version, ...tarball })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return (await readMade(db, question))!;
}

/** Forgets the one of a source package that never was: the upstream tag may have been put right since. */
export async function forgetUnusedOrig(db: Db, question: OrigQuestion): Promise<void> {
  const made = await readMade(db, question);
  if (made === undefined || (await isUsed(db, question))) return;
  await db
    .deleteFrom('orig_tarball')
    .where('source', '=', question.source)
    .where('upstream_version', '=', question.version)
    .where('sha256', '=', made.sha256)
    .execute();
}

async function findAccepted(db: Db, { source, version, repository }: OrigQuestion): Promise<readonly OrigTarball[]> {
  if (repository === undefined) return [];
  const rows = await db
    .selectFrom('source_package')
    .select(['version', 'files'])
    .where('repository', '=', repository)
    .where('name', '=', source)
    .orderBy('id', 'desc')
    .execute();
  const start = `${source}_${version}.orig`;
  const found = rows
    .filter((row) => withoutRevision(row.version) === version)
    .map(({ files }) => files.filter(({ name }) => name.startsWith(`${start}.`) || name.startsWith(`${start}-`)));
  return found.find((files) => files.length > 0) ?? [];
}

async function readMade(db: Db, { source, version }: OrigQuestion): Promise<OrigTarball | undefined> {
  return db
    .selectFrom('orig_tarball')
    .select(['name', 'sha256', 'size'])
    .where('source', '=', source)
    .where('upstream_version', '=', version)
    .executeTakeFirst();
}

/** Whether a source package was made with it, or may still be. */
async function isUsed(db: Db, { source, version }: OrigQuestion): Promise<boolean> {
  const rows = await db
    .selectFrom('tag_build')
    .select('version')
    .where('source', '=', source)
    .where('state', 'in', ['ACCEPTED', 'DONE'])
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('job')
            .select('job.id')
            .whereRef('job.tag_build', '=', 'tag_build.id')
            .where('job.kind', '=', 'source')
            .where('job.state', 'in', ['Build-Attempted', 'Failed', 'Cancelled']),
        ),
      ),
    )
    .execute();
  return rows.some((row) => row.version !== null && withoutRevision(row.version) === version);
}
