/** What keeps a tag build from going on, in words: a git server or a mirror that does not answer, a full disk. */
import { sql, type Kysely } from 'kysely';

const statements = [`alter table tag_build add column if not exists obstacle text`];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
