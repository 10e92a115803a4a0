/** The report of diffoscope, beside the comparison of our own. */
import { writeFile } from 'node:fs/promises';

import { SheafError } from '../../../kit/error.ts';
import { runDiffoscope, type DiffoscopeFormat } from '../../../plumbing/diffoscope.ts';
import type { PlaceComparison } from './compare.ts';

/** Throws `many-packages` (kind usage) and what `runDiffoscope` throws. Equal packages have an empty report. */
export async function writeReport({ files }: PlaceComparison, file: string, format: DiffoscopeFormat): Promise<void> {
  const [pair, ...more] = files;
  if (pair === undefined || more.length > 0) {
    throw new SheafError('many-packages', `Cannot write ${file}: diffoscope compares one pair, not ${files.length}`, {
      kind: 'usage',
      hint: 'Name two .deb files.',
    });
  }
  // Where nothing can be written, nothing need be compared.
  await writeFile(file, '');
  await writeFile(file, await runDiffoscope(pair.left.file, pair.right.file, { format }));
}
