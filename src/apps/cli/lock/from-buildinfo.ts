/** `sheaf lock from-buildinfo`: what a build was made in, as a lock. */
import { stat, readFile } from 'node:fs/promises';

import { lockFromBuildinfo } from '../../../flows/lock-from-buildinfo.ts';
import { SheafError } from '../../../kit/error.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatKnown, writeKnown, type KnownDocument } from './known.ts';

export type FromBuildinfoOptions = { readonly output?: string | undefined; readonly partial?: true | undefined };

export type BuildinfoDocument = KnownDocument & {
  readonly source: string;
  readonly version: string;
  /** Whether the file is wrapped in a signature, which is not verified. */
  readonly signed: boolean;
};

/** A real one has a few hundred lines. */
const largest = 16 * 2 ** 20;

/** Throws `no-buildinfo`, and what reading it throws. */
export async function fromBuildinfo(
  { history, distribution }: Pick<House, 'history' | 'distribution'>,
  file: string,
  { output, partial }: FromBuildinfoOptions,
): Promise<BuildinfoDocument> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || !found.isFile() || found.size > largest) {
    const why = found === undefined ? 'there is none' : found.isFile() ? 'it is larger than 16 MiB' : 'it is no file';
    throw new SheafError('no-buildinfo', `Cannot read ${file}: ${why}`, { kind: 'usage' });
  }
  const known = await lockFromBuildinfo({ ...history, distribution }, await readFile(file, 'utf8'), file);
  const { source, version, signed } = known;
  const target = output ?? `${file.replace(/\.buildinfo$/, '')}.lock`;
  const document = await writeKnown(known, target, { isWhole: true, partial: partial === true });
  return { source, version, signed, ...document };
}

export function formatBuildinfo(document: BuildinfoDocument): string[] {
  const { source, version, signed } = document;
  const signature = signed ? 'it is signed, which was not verified' : 'it is not signed';
  return [clean(`The build of ${source} ${version}; ${signature}`), '', ...formatKnown(document)];
}
