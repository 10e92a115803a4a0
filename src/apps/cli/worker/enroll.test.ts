import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { parseArchitecture } from '../../../model/names.ts';
import { enroll } from './enroll.ts';

test('enroll refuses an architecture whose programs do not run here, before it makes a key', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sheaf-enroll-'));
  t.after(() => rm(home, { recursive: true }));
  const options = { server: 'http://127.0.0.1:9', token: 'x', pool: 'default', home };
  await assert.rejects(enroll({ ...options, architecture: [parseArchitecture('m68k')] }), {
    code: 'cannot-build',
    message: 'Cannot enrol for m68k: Cannot run programs of m68k: no emulator of it is known',
    hint: /arm64/,
  });
  assert.deepEqual(await readdir(home), []);
});

test('enroll takes the token of a file that has all that was printed, and sends nothing that is none', async (t) => {
  const home = await mkdtemp(join(tmpdir(), 'sheaf-enroll-'));
  t.after(() => rm(home, { recursive: true }));
  const tokenFile = join(home, 'token');
  const options = { server: 'http://127.0.0.1:9', tokenFile, pool: 'default', home: join(home, 'worker') };
  await writeFile(tokenFile, `${'x'.repeat(43)}\r\n\nUsable once.\n`);
  await assert.rejects(enroll(options), { code: 'server-unreachable' });
  await writeFile(tokenFile, 'Usable once.\n');
  await assert.rejects(enroll(options), { code: 'no-token', kind: 'usage' });
});
