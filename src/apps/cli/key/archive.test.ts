import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { generateKey } from 'openpgp';

import { makeDistribution } from '../init/make.ts';
import { formatKeys, listKeys, rotateArchiveKey } from './archive.ts';

test('rotateArchiveKey makes one key a day, and says of the second time which one signs already', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-rotate-'));
  t.after(() => rm(directory, { recursive: true }));
  const now = new Date();
  await makeDistribution(directory, {}, now);
  const suites = {
    testing: 'repository = "main"',
    gone: 'repository = "main"\nend-of-life = 2026-01-01',
    apart: 'repository = "other"',
  };
  const tables = Object.entries(suites).map(
    ([name, settings]) => `[suite.${name}]\nupstream = "debian"\narchitectures = ["amd64"]\n${settings}\n`,
  );
  await appendFile(join(directory, 'sheaf.toml'), `\n[repository.other]\n${tables.join('')}`);
  const { fingerprint, beside, suites: left } = await rotateArchiveKey(directory, 'main', now);
  assert.deepEqual(left, ['stable', 'testing'], 'those of this repository that live');
  assert.equal(beside.length, 1);
  await assert.rejects(rotateArchiveKey(directory, 'main', now), {
    code: 'key-exists',
    message: `Cannot make one more key for "main": ${fingerprint} is of today`,
  });
  const next = await rotateArchiveKey(directory, 'main', new Date(now.getTime() + 86_400_000));
  assert.ok(next.beside.includes(fingerprint));
});

test('listKeys says until when a key signs, and of one that has expired that it does not', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-expired-'));
  t.after(() => rm(directory, { recursive: true }));
  const now = new Date();
  await makeDistribution(directory, {}, now);
  assert.deepEqual(
    (await listKeys(directory, now)).map(({ problem }) => problem),
    [undefined],
  );
  const date = new Date('2024-03-01T00:00:00Z');
  const { privateKey } = await generateKey({ userIDs: [{ name: 'Old' }], date, keyExpirationTime: 86_400 * 31 });
  await writeFile(join(directory, 'secrets/main.old.asc'), privateKey, { mode: 0o600 });
  const keys = await listKeys(directory, now);
  assert.deepEqual(
    keys.map(({ problem }) => problem),
    [undefined, 'It expired on 2024-04-01'],
  );
  assert.match(
    formatKeys(keys).join('\n'),
    /^main +ok .* - .*\nmain +expired +[0-9A-F]{40} +2024-04-01 .*main\.old\.asc$/m,
  );
  assert.equal((await listKeys(directory, new Date('2024-03-15T00:00:00Z')))[1]?.problem, undefined);
});
