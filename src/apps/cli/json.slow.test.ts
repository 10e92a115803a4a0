/** What --json prints is what docs/json.md says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { seedTranscripts } from '../../../test/transcript-seed.ts';

const checkout = join(import.meta.dirname, '../../..');
const documented = readFileSync(join(checkout, 'docs/json.md'), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'sheaf-json-'));
let database: TestDatabase;

before(async () => {
  database = await testDatabase();
  await seedTranscripts(database.db);
  sheaf('init', join(directory, 'grove'));
  const settings = join(directory, 'grove/sheaf.toml');
  writeFileSync(settings, `${readFileSync(settings, 'utf8')}[person.ada]\n[repository.apps]\n`);
});
after(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

function sheaf(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(join(checkout, 'sheaf'), args, {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, SHEAF_DATABASE_URL: database.url, SHEAF_DIR: join(directory, 'grove') },
  });
}

const commands: readonly (readonly string[])[] = [
  ['worker', 'token'],
  ['worker', 'list'],
  ['worker', 'approve', 'sapling'],
  ['worker', 'disable', 'sapling'],
  ['intake', 'tag', 'https://git.example.org/hello', 'debian/9', '--suite', 'stable', '--no-wait'],
  ['job', 'list'],
  ['job', 'show', '1'],
  ['job', 'log', '2'],
  ['job', 'retry', '2'],
  ['job', 'cancel', '2'],
  ['package', 'show', 'hello'],
  ['suite', 'list'],
  ['suite', 'show', 'stable'],
  ['suite', 'publish', 'stable'],
  ['suite', 'publish', 'stable'],
  ['upstream', 'add', 'other', 'http://127.0.0.1:1', '--suite', 'sid', '--every', '6h'],
  ['upstream', 'list'],
  ['upstream', 'show', 'debian'],
  ['archive', 'show'],
  ['archive', 'verify'],
  ['archive', 'compact'],
  ['archive', 'export', 'exported'],
  ['mirror', 'add', 'copy', '--folder', 'mirror-copy', '--repository', 'main'],
  ['mirror', 'list'],
  ['mirror', 'push'],
  ['mirror', 'status'],
  ['storage', 'status'],
  ['suite', 'freeze', 'stable', '--reason', 'a test'],
  ['suite', 'thaw', 'stable'],
  ['new', 'list'],
  ['web', 'sign-in', 'ada'],
  ['web', 'token', 'ada'],
  ['web', 'sessions'],
  ['web', 'sign-out', 'ada'],
  ['key', 'list'],
  ['key', 'list', '--people'],
  ['key', 'export', 'main'],
  ['key', 'create', 'apps'],
  ['status'],
  ['doctor'],
  ['completion', 'bash'],
];

for (const words of commands) {
  test(`sheaf ${words.join(' ')} --json prints one documented document`, () => {
    const { stdout, stderr } = sheaf(...words, '--json');
    const document = JSON.parse(stdout) as Record<string, unknown>;
    const row = rowOf(words);
    assert.ok(Object.keys(document).length > 0, stderr);
    for (const name of namesOf(document, row.includes('attempts') || row.includes('steps') ? 1 : 2)) {
      assert.ok(
        row.includes(`\`${name}\``) || hasAsAbove(row, name),
        `docs/json.md does not name ${name} of ${words.join(' ')}`,
      );
    }
  });
}

function rowOf(words: readonly string[]): string {
  const found = documented.split('\n').findLast((line) => {
    const command = /^\| `sheaf ([^`]*)`/.exec(line)?.[1];
    return command !== undefined && `${words.join(' ')} `.startsWith(`${command} `);
  });
  assert.notEqual(found, undefined, `docs/json.md has no row for ${words.join(' ')}`);
  return found!;
}

/** Members of the document, and of the objects in its lists. */
function namesOf(value: unknown, depth: number): string[] {
  if (depth === 0 || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((member) => namesOf(member, depth));
  return Object.entries(value).flatMap(([name, member]) => [
    name,
    ...(Array.isArray(member) ? namesOf(member, depth - 1) : []),
  ]);
}

/** `a job as above`, `a suite as above`: the row before it names the rest. Lists of whole jobs and tag builds too. */
function hasAsAbove(row: string, name: string): boolean {
  const others = [
    /a job as above/.test(row) ? ['job', 'list'] : [],
    /a suite as above/.test(row) ? ['suite', 'list'] : [],
    /`moving`/.test(row) ? ['intake', 'tag'] : [],
  ];
  if (/`moving`/.test(row)) others.push(['worker', 'list'], ['suite', 'list']);
  if (
    /`packages`, `snapshots`|`jobs`|`moving`/.test(row) &&
    /^(?:version|component|state|publishedAt|firstSnapshot|binaries|suite|repository|number|id|createdAt|validUntil|inRelease|packages|architecture|count|jobs)$/.test(
      name,
    )
  )
    return true;
  return others.some((words) => words.length > 0 && rowOf(words).includes(`\`${name}\``));
}
