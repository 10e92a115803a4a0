import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { treeFiles } from './tree-files.ts';

const files = treeFiles;
const directory = mkdtempSync(join(tmpdir(), 'sheaf-tree-'));
test.after(() => rmSync(directory, { recursive: true }));
const at = (name: string) => join(directory, name);

test('place replaces a file in one step, with the time that was said', async () => {
  const modified = new Date('2026-11-21T03:00:00Z');
  await files.place(at('placed'), 'one');
  const before = statSync(at('placed')).ino;
  await files.place(at('placed'), 'two', modified);
  assert.equal(readFileSync(at('placed'), 'utf8'), 'two');
  assert.notEqual(statSync(at('placed')).ino, before);
  assert.equal(statSync(at('placed')).mtimeMs, modified.getTime());
});

test('place leaves nothing behind when it fails', async () => {
  await files.makeDirectory(at('taken/full'));
  await assert.rejects(files.place(at('taken'), 'bytes'));
  await assert.rejects(files.place(at('none/file'), 'bytes'), { code: 'ENOENT' });
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('link shares the bytes, again and again', async () => {
  writeFileSync(at('blob'), 'bytes');
  await files.link(at('blob'), at('linked'));
  await files.link(at('blob'), at('linked'));
  assert.equal(statSync(at('linked')).ino, statSync(at('blob')).ino);
});

test('copy has bytes of its own, again and again, and refuses other ones', async () => {
  writeFileSync(at('kept'), 'bytes');
  await files.copy(at('kept'), at('own'));
  await files.copy(at('kept'), at('own'));
  writeFileSync(at('own'), 'bytez');
  assert.equal(readFileSync(at('kept'), 'utf8'), 'bytes');
  await assert.rejects(files.copy(at('kept'), at('own')), { code: 'file-differs' });
});

test('link takes a copy for the same, and refuses other bytes', async () => {
  writeFileSync(at('source'), 'bytes');
  writeFileSync(at('same'), 'bytes');
  writeFileSync(at('other'), 'bytez');
  await files.link(at('source'), at('same'));
  await assert.rejects(files.link(at('source'), at('other')), { code: 'file-differs' });
  assert.equal(readFileSync(at('other'), 'utf8'), 'bytez');
});

test(
  'link copies where a hard link is not possible',
  { skip: !otherFileSystem() && 'there is no second file system' },
  async () => {
    const away = mkdtempSync('/dev/shm/sheaf-tree-');
    try {
      writeFileSync(join(away, 'blob'), 'far bytes');
      await files.link(join(away, 'blob'), at('copied'));
      assert.equal(readFileSync(at('copied'), 'utf8'), 'far bytes');
      await files.link(join(away, 'blob'), at('copied'));
    } finally {
      rmSync(away, { recursive: true });
    }
  },
);

function otherFileSystem(): boolean {
  try {
    return statSync('/dev/shm').dev !== statSync(directory).dev;
  } catch {
    return false;
  }
}

test('symlink replaces a link, also one to a directory, and never follows it', async () => {
  await files.makeDirectory(at('first'));
  await files.symlink('first', at('pointer'));
  await files.symlink('second', at('pointer'));
  assert.equal(readlinkSync(at('pointer')), 'second');
  assert.deepEqual(readdirSync(at('first')), []);
  assert.equal(await files.readLink(at('pointer')), 'second');
});

test('rename refuses a target that exists', async () => {
  await files.makeDirectory(at('from'));
  await files.makeDirectory(at('to'));
  await assert.rejects(files.rename(at('from'), at('to')), { code: 'file-exists' });
});

test('what is not there is undefined, not an error', async () => {
  assert.equal(await files.size(at('nothing')), undefined);
  assert.equal(await files.read(at('nothing')), undefined);
  assert.equal(await files.readLink(at('nothing')), undefined);
  assert.equal(await files.exists(at('nothing')), false);
  await files.remove(at('nothing'));
});
