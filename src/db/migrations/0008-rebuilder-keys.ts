/** By which key another rebuilder's word was taken: it counts for as long as sheaf.toml names that key. */
import { sql, type Kysely } from 'kysely';

// What was taken before has none, and counts by the rebuilder's name.
const statements = [`alter table rebuild add column if not exists key text`];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
