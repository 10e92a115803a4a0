/** What managing a distribution needs beside publishing it. */
import { sql, type Kysely } from 'kysely';

// Which files a package holds, for Contents; read once for each .deb.
const contentsStatements: string[] = [];

// Sessions of people on the web, and suites that somebody has frozen.
const managementStatements: string[] = [];

// What lintian says of an upload, and builds of sources that came without binaries.
const uploadStatements: string[] = [];

// Archives that others made and that go on here.
const importStatements: string[] = [];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...contentsStatements, ...managementStatements, ...uploadStatements, ...importStatements]) {
    await sql.raw(statement).execute(db);
  }
}
