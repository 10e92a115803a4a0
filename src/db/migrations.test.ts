import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, test } from 'node:test';

import { sql } from 'kysely';

import { testDatabase } from '../../test/database.ts';
import { sha256 } from '../kit/digest.ts';
import { migrate } from './connect.ts';

const fresh = await testDatabase();
after(() => fresh.close());

const migrations = new URL('migrations/', import.meta.url);

/** By the SHA-256 of each file: a new migration gets a line, and no line changes. */
const frozen = new URL('testdata/migrations.sha256', import.meta.url);

test('a migration that databases have behind them is never changed: they would not get what it says now', async () => {
  const names = (await readdir(migrations)).sort();
  const lines = names.map(async (name) => `${sha256(await readFile(new URL(name, migrations)))}  ${name}\n`);
  assert.equal((await Promise.all(lines)).join(''), await readFile(frozen, 'utf8'), 'add a migration instead');
});

/** What the changes of an earlier migration left out, for those who had it already. */
const between: readonly [when: string, statements: readonly string[]][] = [
  [
    'the ground of the history and its tables',
    [
      'drop table contents_piece',
      'alter table history_index_version drop column entries',
      'drop table relation',
      'create table relation (target text not null, piece int not null, field smallint not null, primary key (target, piece, field))',
      'alter table stanza alter column name type text collate "default"',
    ],
  ],
  [
    'the settings of managing and its tables',
    [
      'drop table package_contents, access, suite_freeze, upload_comment, lintian_report',
      'alter table event drop column actor, drop column upload',
      'alter table tag_build drop column upload',
      'drop index pool_file_by_sha256, job_by_lock, job_by_base_lock',
    ],
  ],
  [
    'own statements and those of others',
    [
      'alter table rebuild drop column origin',
      'alter table rebuild add constraint rebuild_rebuilder_invocation_key unique (rebuilder, invocation)',
    ],
  ],
];

for (const [when, statements] of between) {
  test(`migrate brings a database that was made between ${when} to the tables of a fresh one`, async () => {
    const old = await testDatabase();
    try {
      for (const statement of statements) await sql.raw(statement).execute(old.db);
      assert.notDeepEqual(await tablesOf(old.db), await tablesOf(fresh.db));
      await sql`delete from kysely_migration where name >= '0007'`.execute(old.db);
      await migrate(old.db);
      assert.deepEqual(await tablesOf(old.db), await tablesOf(fresh.db));
    } finally {
      await old.close();
    }
  });
}

test('migrate refuses a database that a later version has changed, and says so', async () => {
  const later = await testDatabase();
  try {
    await sql`insert into kysely_migration values ('9999-later', '2100-01-01T00:00:00.000Z')`.execute(later.db);
    await assert.rejects(migrate(later.db), {
      code: 'newer-database',
      kind: 'environment',
      message: /a later version of Sheaf has changed its tables \(9999-later\)/,
      hint: /^Use that version, or restore a copy/,
    });
  } finally {
    await later.close();
  }
});

async function tablesOf(db: typeof fresh.db): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
      || coalesce(column_default, '') || ' ' || coalesce(collation_name, '') as line
    from information_schema.columns where table_schema = 'public' and table_name not like 'kysely%'
    union all
    select indexdef from pg_indexes where schemaname = 'public' and tablename not like 'kysely%'
    union all
    select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace`.execute(db);
  return rows.map(({ line }) => line).sort();
}
