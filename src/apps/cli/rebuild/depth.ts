/** diffoscope's reports on the files that a first rebuild made otherwise: how programs differ, in instructions. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Rebuilt } from '../../../flows/rebuild.ts';
import type { Blobs } from '../../../plumbing/blobs.ts';
import { runDiffoscope, type DiffoscopeFormat } from '../../../plumbing/diffoscope.ts';
import type { Workshop } from './workshop.ts';

type Pair = { readonly file: string; readonly original: string; readonly rebuilt: string };

/** As one text, a report after the other; undefined where nothing can be compared. Throws what `runDiffoscope` throws. */
export async function lookDeeper(workshop: Workshop, rebuilt: Rebuilt): Promise<string | undefined> {
  const texts: string[] = [];
  for (const pair of await differingPairs(workshop.blobs, rebuilt)) {
    texts.push((await report(workshop, pair, 'text')).toString());
  }
  return texts.length === 0 ? undefined : texts.join('\n');
}

/** `NAME_VERSION_ARCH.deb.html` for each. */
export async function writePages(workshop: Workshop, rebuilt: Rebuilt, directory: string): Promise<void> {
  for (const pair of await differingPairs(workshop.blobs, rebuilt)) {
    await writeFile(join(directory, `${pair.file}.html`), await report(workshop, pair, 'html'));
  }
}

function report({ progress, signal, sandbox }: Workshop, pair: Pair, format: DiffoscopeFormat): Promise<Buffer> {
  progress.at(`Comparing ${pair.file} by diffoscope (${format})`);
  return runDiffoscope(pair.original, pair.rebuilt, { format, name: pair.file, signal }, sandbox);
}

async function differingPairs(blobs: Blobs, { result, differing }: Rebuilt): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const { name: file, path } of differing) {
    const original = result.files.find((each) => each.file === file)?.original.sha256;
    if (original === undefined || (await blobs.info(original)) === undefined) continue;
    pairs.push({ file, original: await blobs.bring(original), rebuilt: path });
  }
  return pairs;
}
