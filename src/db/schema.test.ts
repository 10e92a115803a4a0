import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { sql } from 'kysely';

import { testDatabase } from '../../test/database.ts';

test('schema.ts names exactly the tables and columns of a migrated database', async () => {
  const database = await testDatabase();
  try {
    const { rows } = await sql<{ table_name: string; column_name: string }>`
      select table_name, column_name from information_schema.columns
      where table_schema = 'public' and table_name not like 'kysely%'`.execute(database.db);
    const migrated = rows.map((row) => `${row.table_name}.${row.column_name}`).sort();
    assert.deepEqual(columnsOf(await readFile(new URL('schema.ts', import.meta.url), 'utf8')), migrated);
  } finally {
    await database.close();
  }
});

function columnsOf(source: string): string[] {
  const columnsByType = new Map<string, string[]>();
  for (const match of source.matchAll(/^export type (\w+Table) = \{([^}]*)\};/gms)) {
    columnsByType.set(
      match[1]!,
      [...match[2]!.matchAll(/(?:^|[;\s])(\w+):/g)].map((column) => column[1]!),
    );
  }
  const database = /export type Database = \{([^}]*)\}/s.exec(source)![1]!;
  return [...database.matchAll(/(\w+): (\w+);/g)]
    .flatMap((table) => columnsByType.get(table[2]!)!.map((column) => `${table[1]}.${column}`))
    .sort();
}
