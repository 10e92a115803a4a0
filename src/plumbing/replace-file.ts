/** A small file of state as a whole: a reader sees what it was before or what it is now. */
import { rename, writeFile } from 'node:fs/promises';

/**
 * Writes beside the file first. Not flushed to the disk: for what can be found again. Writers of one file keep one another
 * away, or none minds whose content stays.
 */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, content);
  await rename(temporary, path);
}
