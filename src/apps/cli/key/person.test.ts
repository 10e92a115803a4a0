import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { sshKey } from '../../../../test/signers.ts';
import { readPersonKeys } from './person.ts';

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
