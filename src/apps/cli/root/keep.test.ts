import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { parseLock } from '../../../lock/mod.ts';
import { keepOver } from './keep.ts';

const lockOf = (...packages: string[]) =>
  parseLock(
    [
      'Package: sheaf-lock\nVersion: 2\nArchitecture: amd64\n',
      ...packages.map((name, index) => {
        const hash = String(index + 1).repeat(64);
        return `Package: ${name}\nVersion: 1\nArchitecture: amd64\nSize: 1\nSHA256: ${hash}\nURL: http://h/${name}.deb\n`;
      }),
    ].join('\n'),
  );

test('what is kept goes on over the root that it was begun over, by whichever lock, and over no other', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-keep-'));
  t.after(() => rm(directory, { recursive: true }));
  const keep = join(directory, 'kept');
  assert.equal(await keepOver(keep, { lock: lockOf('hello', 'toy') }, 'image.lock'), keep);
  assert.equal(await keepOver(keep, { lock: { ...lockOf('hello', 'toy'), sources: [] } }, 'copy.lock'), keep);
  await assert.rejects(keepOver(keep, { lock: lockOf('hello') }, 'fewer.lock'), {
    ...{ code: 'other-root', kind: 'usage' },
    message: `Cannot go on in ${keep} with fewer.lock: it is over another root`,
    hint: /^It was begun with \S+\/image\.lock as that was then/,
  });
});
