/** What a person reads who names a PostgreSQL server of their own, and names it wrong. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { sql } from 'kysely';

import { testDatabase, type TestDatabase } from '../../test/database.ts';

const sheaf = join(import.meta.dirname, '../../sheaf');
const names = { latin: `sheaf_latin_${process.pid}`, guest: `sheaf_guest_${process.pid}` };
let directory: string;
let database: TestDatabase;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-address-'));
  database = await testDatabase();
  const { db } = database;
  await sql`create database ${sql.raw(names.latin)} encoding 'LATIN1' template template0`.execute(db);
  await sql`create role ${sql.raw(names.guest)} login`.execute(db);
  assert.equal(ask('init', join(directory, 'grove')).status, 0);
});
after(async () => {
  await sql`drop database ${sql.raw(names.latin)}`.execute(database.db);
  await sql`drop role ${sql.raw(names.guest)}`.execute(database.db);
  await database.close();
  await rm(directory, { recursive: true });
});

function ask(...args: string[]) {
  return askWith(undefined, ...args);
}

function askWith(address: string | undefined, ...args: string[]) {
  const { SHEAF_DATABASE_URL: _, ...env } = process.env;
  return spawnSync(sheaf, args, {
    encoding: 'utf8',
    env: address === undefined ? env : { ...env, SHEAF_DATABASE_URL: address },
  });
}

/** The same server, with another database or user. */
const changed = (change: (text: string) => string) => change(database.url);

const wrong: readonly [what: string, address: () => string, message: RegExp, code: number][] = [
  ['no address', () => 's3cret', /^sheaf: Cannot use SHEAF_DATABASE_URL: it is not the address of a Postgr/m, 2],
  ['another kind of address', () => 'http://u:s3cret@h/d', /^sheaf: Cannot use SHEAF_DATABASE_URL: it is not/m, 2],
  ['a password as it is', () => 'postgres://u:s3cret/x@h/d', /^sheaf: Cannot reach the database: Invalid URL$/m, 3],
  [
    'another encoding',
    () => changed((url) => url.replace(/sheaf_test_\w+/, names.latin)),
    /^sheaf: Cannot use the database: its encoding is LATIN1, UTF8 is needed$/m,
    3,
  ],
  [
    'a user who owns nothing there',
    () => changed((url) => url.replace(/\/\/\w+/, `//${names.guest}`)),
    /^sheaf: Cannot bring the database to the version of this program: permission denied for .*\nhint: Its user must be/m,
    3,
  ],
];

for (const [what, address, message, code] of wrong) {
  test(`SHEAF_DATABASE_URL with ${what} is explained`, () => {
    const { status, stderr } = askWith(address(), '-C', join(directory, 'grove'), 'suite', 'list');
    assert.match(stderr, message);
    assert.match(stderr, /^hint: /m);
    assert.doesNotMatch(stderr, /s3cret/);
    assert.equal(status, code, stderr);
  });
}

test('an empty SHEAF_DATABASE_URL is none', () => {
  const { status, stderr } = askWith('', '-C', join(directory, 'grove'), 'suite', 'list');
  assert.equal(status, 0, stderr);
});
