/** Secrets in files that only their owner may read. */
import { randomUUID } from 'node:crypto';
import { link, open, unlink } from 'node:fs/promises';

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
      hint: `To write it: (umask 077; cat > '${file}')`,
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

/**
 * Makes a file of mode 0600 that others see whole or not at all. Written under another name first; `link` refuses an
 * existing file, so that no key is ever lost. Throws `key-exists`.
 */
export async function createSecretFile(file: string, text: string | Buffer): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await link(temporary, file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    const hint = 'No key is ever overwritten: move the file away if nothing uses it any more.';
    throw new SheafError('key-exists', `Cannot write key ${file}: the file exists`, { hint, cause });
  } finally {
    await handle.close();
    await unlink(temporary);
  }
}
