/** Secrets in files: one line of text that only its owner may read. */
import { open } from 'node:fs/promises';

import { SheafError } from '../kit/error.ts';

const longest = 64 * 1024;

/**
 * The text without the white space around it. Throws `no-secret` when the file cannot be read or holds nothing, and
 * `open-secret` when others may read it. Never shows what it holds.
 */
export async function readSecretFile(file: string): Promise<string> {
  let handle;
  try {
    handle = await open(file, 'r');
  } catch (cause) {
    throw new SheafError('no-secret', 'Cannot read a secret: its file is missing or not readable', {
      kind: 'environment',
      place: { file },
      cause,
    });
  }
  try {
    const { mode, size } = await handle.stat();
    if ((mode & 0o077) !== 0) {
      throw new SheafError('open-secret', 'Cannot use a secret: other users may read its file', {
        kind: 'environment',
        place: { file },
        hint: `Run: chmod 600 ${file}`,
      });
    }
    const text = size > longest ? '' : (await handle.readFile('utf8')).trim();
    if (text !== '') return text;
    throw new SheafError('no-secret', 'Cannot use a secret: its file is empty or far too long', {
      kind: 'environment',
      place: { file },
    });
  } finally {
    await handle.close();
  }
}
