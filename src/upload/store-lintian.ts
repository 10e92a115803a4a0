/** What lintian said of uploads, by exactly which files they were. */
import type { Db } from '../db/connect.ts';
import type { InputFile } from '../model/job.ts';
import type { LintianReport } from '../model/lintian.ts';
import { digestOf } from './store.ts';

/** The newest report about the same files counts. */
export async function saveLintian(db: Db, files: readonly InputFile[], report: LintianReport, now: Date) {
  const values = { looked_at: now, lintian_version: report.version, tags: JSON.stringify(report.tags) };
  await db
    .insertInto('lintian_report')
    .values({ files_sha256: digestOf(files), ...values })
    .onConflict((conflict) => conflict.column('files_sha256').doUpdateSet(values))
    .execute();
}

export async function findLintian(db: Db, files: readonly InputFile[]): Promise<LintianReport | undefined> {
  const row = await db
    .selectFrom('lintian_report')
    .select(['lintian_version', 'tags'])
    .where('files_sha256', '=', digestOf(files))
    .executeTakeFirst();
  return row === undefined ? undefined : { version: row.lintian_version, tags: row.tags };
}
