/** Every command ends with 2 when its options are wrong, and when it names something that is not there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../../test/database.ts';
import { seedTranscripts } from '../../../test/transcript-seed.ts';
import { describeCommands } from './completion/tree.ts';
import { exitCodeOf } from './exit.ts';
import { buildProgram } from './program.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-exit-'));
const grove = join(directory, 'grove');
const none = join(directory, 'none');
const lock = join(directory, 'hello.lock');
const changes = join(directory, 'empty.changes');
let database: TestDatabase;

before(async () => {
  database = await testDatabase();
  await seedTranscripts(database.db);
  Object.assign(process.env, { SHEAF_DATABASE_URL: database.url, SHEAF_DIR: grove });
  execFileSync(process.execPath, [join(import.meta.dirname, 'main.ts'), 'init', grove], { stdio: 'ignore' });
  const settings = join(grove, 'sheaf.toml');
  const upstream = '[upstream.other]\nurl = "http://127.0.0.1:1"\nsuites = ["sid"]\ncomponents = ["main"]\n';
  writeFileSync(settings, `${readFileSync(settings, 'utf8')}\n${upstream}`);
  const stanza = `Package: hello\nVersion: 1\nArchitecture: amd64\nSize: 1\nSHA256: ${'0'.repeat(64)}\nURL: http://h/h.deb\n`;
  writeFileSync(lock, `Package: sheaf-lock\nVersion: 2\nArchitecture: amd64\nRecommends: no\n\n${stanza}`);
  writeFileSync(changes, '');
  mkdirSync(join(directory, 'empty'));
});
after(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

/** What the process would end with, and why. */
async function run(words: readonly string[]): Promise<{ readonly code: number; readonly error: unknown }> {
  try {
    await buildProgram().parseAsync(['node', 'sheaf', ...words]);
    return { code: Number(process.exitCode ?? 0), error: undefined };
  } catch (error) {
    return { code: exitCodeOf(error), error };
  } finally {
    process.exitCode = 0;
  }
}

/** For each command that names something: words that name what is not there. */
const absent: readonly (readonly string[])[] = [
  ['worker', 'enroll', '--server', 'http://127.0.0.1:1', '--token-file', none],
  ['worker', 'approve', 'nobody'],
  ['worker', 'disable', 'nobody'],
  ['job', 'show', '99'],
  ['job', 'log', '99'],
  ['job', 'log', '2', '--attempt', '9'],
  ['job', 'retry', '99'],
  ['job', 'cancel', '99'],
  ['build', 'local', none],
  ['package', 'show', 'nothing'],
  ['package', 'history', 'nothing'],
  ['suite', 'show', 'nowhere'],
  ['suite', 'publish', 'nowhere'],
  ['suite', 'include', 'nowhere', changes],
  ['suite', 'include', 'stable', none],
  ['suite', 'remove', 'nowhere', 'hello'],
  ['suite', 'remove', 'stable', 'nothing'],
  ['suite', 'copy', 'nowhere', 'stable', 'hello'],
  ['suite', 'copy', 'stable', 'nowhere', 'hello'],
  ['suite', 'rollback', 'nowhere', '1'],
  ['suite', 'rollback', 'stable', '99'],
  ['suite', 'freeze', 'nowhere'],
  ['suite', 'thaw', 'nowhere'],
  ['new', 'show', '99'],
  ['new', 'accept', '99'],
  ['new', 'reject', '99', '--reason', 'none'],
  ['new', 'comment', '99', 'text'],
  ['web', 'sign-in', 'nobody'],
  ['web', 'token', 'nobody'],
  ['import', 'reprepro', none],
  ['import', 'aptly', none],
  ['import', 'tree', none],
  ['upstream', 'show', 'nowhere'],
  ['upstream', 'update', 'nowhere'],
  ['upstream', 'update', 'other', '--suite', 'nowhere'],
  ['upstream', 'files', 'nowhere'],
  ['upstream', 'import', none],
  ['archive', 'index', 'nowhere'],
  ['archive', 'export', join(directory, 'exported'), '--repository', 'nowhere'],
  ['mirror', 'push', 'nowhere'],
  ['mirror', 'status', 'nowhere'],
  ['diff', 'nowhere', 'stable'],
  ['diff', join(directory, 'empty'), 'stable'],
  ['diff', join(grove, 'sheaf.toml'), lock],
  ['manifest', '--root', none],
  ['device', 'diff', none, lock],
  ['device', 'diff', '--root', join(directory, 'empty'), none],
  ['lock', 'create', none],
  ['lock', 'update', none],
  ['lock', 'show', none],
  ['lock', 'show', lock, '--arch', 'riscv64'],
  ['lock', 'diff', lock, none],
  ['lock', 'explain', none, 'hello'],
  ['lock', 'explain', lock, 'nothing'],
  ['lock', 'verify', none],
  ['lock', 'from-buildinfo', none],
  ['lock', 'from-system', '--root', none],
  ['root', 'build', none, '--output', join(directory, 'root.tar')],
  ['root', 'run', none, '--', 'true'],
  ['root', 'shell', none],
  ['root', 'upgrade', lock, none],
  ['rebuild', 'run', none],
  ['rebuild', 'queue', '--from', 'nowhere', '*'],
  ['rebuild', 'compare', none, none],
  ['rebuild', 'show', 'nothing'],
  ['rebuild', 'cancel', '99'],
  ['rebuild', 'queue', '--wait', '--from', 'stable'],
  ['rebuild', 'queue', '--workers', '--again'],
  ['rebuild', 'accept', none],
  ['challenge', '--root', none],
  ['bisect', none, '--good', '1', '--bad', '2', '--', 'true'],
  ['key', 'show', none],
  ['key', 'export', 'nowhere'],
  ['key', 'create', 'nowhere'],
  ['key', 'rotate', 'nowhere'],
  ['key', 'retire', 'nowhere', 'F'.repeat(40)],
  ['key', 'retire', 'main', 'F'.repeat(40)],
  ['completion', 'nosh'],
];

for (const words of absent) {
  test(`sheaf ${words.join(' ').replaceAll(directory, '')} ends with 2`, async () => {
    const { code, error } = await run(words);
    assert.equal(code, 2, String(error));
  });
}

/** For each command that reads a lock or a manifest: where its name stands. */
const locking = (name: string): readonly (readonly string[])[] => [
  ['diff', name, lock],
  ['device', 'diff', name, lock],
  ['device', 'diff', '--root', join(directory, 'empty'), name],
  ['lock', 'update', name],
  ['lock', 'show', name],
  ['lock', 'diff', lock, name],
  ['lock', 'explain', name, 'hello'],
  ['lock', 'verify', name],
  ['root', 'build', name, '--output', join(directory, 'root.tar')],
  ['root', 'run', name, '--', 'true'],
  ['root', 'shell', name],
  ['root', 'upgrade', lock, name],
];

test('what reads a lock or a manifest ends with 2 when that is empty, cut, or has the line ends of other systems', async () => {
  const text = readFileSync(lock, 'utf8');
  const damaged = { empty: '', cut: text.slice(0, -20), crlf: text.replaceAll('\n', '\r\n') };
  for (const [kind, content] of Object.entries(damaged)) {
    const file = join(directory, `${kind}.lock`);
    writeFileSync(file, content);
    for (const words of locking(file)) {
      const { code, error } = await run(words);
      assert.equal(code, 2, `${words.join(' ')}: ${String(error)}`);
    }
  }
});

const commands = describeCommands(buildProgram()).filter(({ commands: below }) => below.length === 0);

/** Those that name nothing, or only what they make; a tag is looked for later, and whoever was taken out of sheaf.toml may still be signed in. */
const naming = [
  ...['init', 'serve', 'worker token', 'worker run', 'worker list', 'intake tag', 'job list', 'suite list', 'new list'],
  ...[
    'web sign-out',
    'web sessions',
    'upstream add',
    'upstream list',
    'archive show',
    'archive verify',
    'archive compact',
    'mirror add',
  ],
  ...['mirror list', 'storage status', 'storage tidy', 'key list', 'status', 'doctor'],
  ...['rebuild list', 'rebuild report', 'rebuild key', 'rebuild tidy'],
];

test('every command is either asked for what is not there, or names nothing', () => {
  for (const { path } of commands) {
    const isAsked = absent.some((words) => path.every((word, index) => words[index] === word));
    assert.equal(isAsked, !naming.includes(path.join(' ')), path.join(' '));
  }
});

for (const { path } of commands) {
  test(`sheaf ${path.join(' ')} --no-such-option ends with 2`, async () => {
    assert.equal((await run([...path, '--no-such-option'])).code, 2);
  });
}
