import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { makeDistribution } from '../init/make.ts';
import { rotateArchiveKey } from './archive.ts';

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
