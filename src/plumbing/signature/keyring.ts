/** Keyring files as apt takes them: many certificates, in binary or in one or more armored blocks. */
import { open } from 'node:fs/promises';

import { readKeys, type Key } from 'openpgp';

import { SheafError } from '../../kit/error.ts';
import { armoredBlocks } from './armored-blocks.ts';

const largestKeyring = 32 * 2 ** 20;

/** Throws `keyring-unreadable`, of kind environment, when the file is missing, too large or holds no certificate. */
export async function readKeyring(file: string): Promise<Key[]> {
  try {
    const bytes = await readBounded(file);
    if (bytes.subarray(8, 12).toString('latin1') === 'KBXf') {
      throw new Error('it is a keybox; export its certificates with gpg --export');
    }
    const blocks = armoredBlocks(bytes);
    if (blocks === undefined) return await readKeys({ binaryKeys: new Uint8Array(bytes) });
    const keys = await Promise.all(blocks.map((armoredKeys) => readKeys({ armoredKeys })));
    return keys.flat();
  } catch (cause) {
    throw new SheafError('keyring-unreadable', `Cannot read keyring ${file}: ${(cause as Error).message}`, {
      kind: 'environment',
      hint: 'Name a file with the archive’s certificates under "keyring" of the upstream in sheaf.toml.',
      cause,
    });
  }
}

async function readBounded(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    if ((await handle.stat()).size > largestKeyring) throw new Error(`it is larger than ${largestKeyring} bytes`);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
