import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { GpgHome, sshKey } from '../../../../test/signers.ts';
import { readOpenpgpKeys, readPersonKeys } from './person.ts';

test('readPersonKeys says of an SSH key what intake would say of its tags', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-person-'));
  try {
    for (const [bits, problems] of [
      [1024, ['RSA keys need 2048 bits, it has 1024']],
      [2048, []],
    ] as const) {
      const { file } = await sshKey(directory, `rsa${bits}`, 'rsa', bits);
      const { keys } = await readPersonKeys(`${file}.pub`, new Date());
      assert.deepEqual(keys[0]!.problems, problems);
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('readPersonKeys says of an OpenPGP key why none of its keys may sign', async () => {
  const home = await GpgHome.make();
  try {
    const now = new Date();
    for (const [name, algorithm, at, problem] of [
      ['weak', 'rsa1024', undefined, /^The OpenPGP key \w{40} has 1024 bits of RSA; 2048 are needed$/],
      ['early', 'ed25519', new Date(now.getTime() + 30 * 86_400_000), /^it was made on .*, which is in the future$/],
    ] as const) {
      const key = await home.key(`${name}@example.org`, { algorithm, ...(at && { at }) });
      const bytes = await home.exportKey(key, at && ['--ignore-time-conflict']);
      const [found] = await readOpenpgpKeys(`${name}.asc`, bytes, now);
      assert.equal(found!.problems.length, 1, found!.problems.join('; '));
      assert.match(found!.problems[0]!, problem);
    }
  } finally {
    await home.close();
  }
});
