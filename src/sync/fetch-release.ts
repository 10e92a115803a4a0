/** The signed word of a suite: InRelease, or Release with Release.gpg where there is none. */
import { stripClearsign } from '../formats/deb/clearsign.ts';
import type { Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { Mirror, MirrorOptions, ReleaseFiles } from './ports.ts';

const largestRelease = 32 * 2 ** 20;
const largestSignature = 2 ** 20;

export type FetchedRelease =
  /** InRelease is still the file with the hash `known`. */
  { readonly kind: 'same' } | { readonly kind: 'files'; readonly files: ReleaseFiles };

/** Throws `release-missing`, and what the mirror throws. `base` is the folder, with a slash at its end. */
export async function fetchRelease(
  mirror: Mirror,
  base: string,
  options: MirrorOptions & { readonly known?: Sha256 | undefined },
): Promise<FetchedRelease> {
  const inRelease = await mirror.read(`${base}InRelease`, { ...options, limit: largestRelease });
  if (inRelease.kind === 'same') return inRelease;
  if (inRelease.kind === 'file') return { kind: 'files', files: { inRelease: inRelease.bytes } };
  const others = { ...options, known: undefined };
  const release = await mirror.read(`${base}Release`, { ...others, limit: largestRelease });
  if (release.kind !== 'file') {
    throw new SheafError(
      'release-missing',
      `Cannot follow ${base}: the mirror has neither InRelease nor Release (status ${inRelease.status})`,
      { kind: 'environment', hint: 'Check "url" and "suites" of the upstream in sheaf.toml.' },
    );
  }
  const signature = await mirror.read(`${base}Release.gpg`, { ...others, limit: largestSignature });
  const none = new Uint8Array();
  const files = { release: release.bytes, signature: signature.kind === 'file' ? signature.bytes : none };
  return { kind: 'files', files };
}

/** The file that is kept of it. */
export function releaseBytes(files: ReleaseFiles): Uint8Array {
  return 'inRelease' in files ? files.inRelease : files.release;
}

/** What a kept Release file says, whoever signed it: the same for InRelease and Release. */
export function releaseText(bytes: Uint8Array): string {
  const { text } = stripClearsign(new TextDecoder().decode(bytes), 'Release');
  return text.replaceAll(/[ \t\r]+$/gm, '').replace(/\n*$/, '\n');
}
