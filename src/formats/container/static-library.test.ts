import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { isStaticLibrary, readStaticLibrary } from './static-library.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-library-'));
after(() => rmSync(directory, { recursive: true }));

const members = ['a.txt', 'odd.txt', 'a-name-of-more-than-fifteen-characters.txt', 'another-name-as-long-as-that.txt'];
for (const name of members) writeFileSync(join(directory, name), `the content of ${name}`);
execFileSync('objcopy', ['--input-target=binary', '--output-target=elf64-little', '/etc/hostname', 'x.o'], {
  cwd: directory,
});
// U: with times and owners; D, which Debian builds with: without.
for (const [name, flag] of [
  ['u.a', 'U'],
  ['d.a', 'D'],
] as const) {
  execFileSync('ar', [`rcs${flag}`, name, ...members, 'x.o'], { cwd: directory });
}

for (const name of ['u.a', 'd.a']) {
  test(`readStaticLibrary finds in ${name} what ar lists and prints`, () => {
    const file = join(directory, name);
    const found = readStaticLibrary(readFileSync(file)).filter((member) => member.name !== '/');
    const table = execFileSync('ar', ['tv', file], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
    const month = (time: Date) => time.toLocaleString('en', { month: 'short', timeZone: 'UTC' });
    const rows = found.map(({ name: member, mtime, uid, gid, content }) => {
      const time = new Date(mtime * 1000);
      const day = `${month(time)} ${String(time.getUTCDate()).padStart(2)} ${time.toISOString().slice(11, 16)} ${time.getUTCFullYear()}`;
      return `${uid}/${gid} ${String(content.length).padStart(6)} ${day} ${member}\n`;
    });
    assert.equal(table.replaceAll(/^\S+ /gm, ''), rows.join(''));
    for (const { name: member, content } of found) {
      assert.deepEqual(Buffer.from(content), execFileSync('ar', ['p', file, member]));
    }
  });
}

test('readStaticLibrary refuses what is cut off, and fails in no other way', () => {
  const bytes = readFileSync(join(directory, 'u.a'));
  assert.ok(isStaticLibrary(bytes));
  assert.throws(() => readStaticLibrary(bytes.subarray(0, -10)), { code: 'bad-ar' });
  const edits = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)));
  const property = fc.property(edits, (all) => {
    const changed = Buffer.from(bytes);
    for (const [at, value] of all) changed[at] = value;
    try {
      readStaticLibrary(changed);
    } catch (error) {
      assert.ok(error instanceof SheafError && error.code === 'bad-ar', String(error));
    }
  });
  fc.assert(property, { numRuns: 300 });
});
