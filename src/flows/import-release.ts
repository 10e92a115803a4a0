/** The Release file of a saved suite: as it lies there, and once it is believed. */
import { parseRelease } from '../formats/deb/release.ts';
import type { Upstream } from '../model/distribution.ts';
import type { SavedTree } from '../plumbing/import-sources.ts';
import type { ParsedRelease } from '../sync/choose-indexes.ts';
import { releaseBytes, type ReleaseFiles, type VerifyRelease } from '../sync/mod.ts';
import { Refusal } from './import-report.ts';
import type { SavedSuite } from './import-tree.ts';

/** Nobody has looked at its signature. */
export type SavedRelease = {
  readonly release: ParsedRelease;
  readonly files: ReleaseFiles;
  /** Its name in the tree. */
  readonly path: string;
};

/** A Release file that is believed; by `signedBy`, or empty when nobody signed it and that was agreed to. */
export type Vouched = SavedRelease & { readonly signedBy: readonly string[] };

const largestRelease = 32 * 2 ** 20;
const day = 86_400_000;

/** Undefined where there is none. Throws as `parseRelease` does. */
export async function readSavedRelease(tree: SavedTree, { files }: SavedSuite): Promise<SavedRelease | undefined> {
  const inRelease = files.get('InRelease');
  const path = inRelease ?? files.get('Release');
  if (path === undefined) return undefined;
  const bytes = await tree.read(path, largestRelease);
  const release = parseRelease(new TextDecoder().decode(bytes), path);
  if (inRelease !== undefined) return { path, release, files: { inRelease: bytes } };
  const gpg = files.get('Release.gpg');
  const signature = gpg === undefined ? new Uint8Array() : await tree.read(gpg, largestRelease);
  return { path, release, files: { release: bytes, signature } };
}

export type VouchOptions = {
  readonly verifyRelease: VerifyRelease;
  readonly upstream: Upstream;
  /** Whether a file without any signature is taken. A wrong signature never is. */
  readonly unsigned: boolean;
};

/** Verified as of the day after its date: what has expired since was good then. Throws a refusal. */
export async function vouch(
  { release: { date }, files, path }: SavedRelease,
  { verifyRelease, upstream, unsigned }: VouchOptions,
): Promise<Vouched> {
  const { text, signedBy, problems } = await verifyRelease(files, upstream.keyring, new Date(date.getTime() + day));
  const nobodySigned =
    'inRelease' in files ? problems.some(({ code }) => code === 'unsigned') : files.signature.length === 0;
  if (nobodySigned && !unsigned) {
    throw new Refusal('unsigned', 'Its Release file is not signed.', 'To take it all the same: --unsigned', path);
  }
  // An unknown key says less than what is wrong with a known one.
  const worst = problems.find(({ code }) => code !== 'unknown-key') ?? problems[0];
  if (!nobodySigned && worst !== undefined) throw new Refusal(worst.code, worst.message, worst.hint, path);
  const release = parseRelease(nobodySigned ? new TextDecoder().decode(releaseBytes(files)) : text, path);
  if (release.date.getTime() !== date.getTime()) {
    throw new Refusal('bad-signature', 'What is signed is not what the file seems to say.', undefined, path);
  }
  return { release, files, path, signedBy: nobodySigned ? [] : signedBy };
}
