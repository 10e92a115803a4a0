/** What two files differ in, as far as their format tells. */
import { isStaticLibrary } from '../../formats/container/static-library.ts';
import { compressionKind } from '../../formats/container/compression-kind.ts';
import { isZip } from '../../formats/container/zip.ts';
import { isElf } from '../../formats/elf/elf.ts';
import { SheafError } from '../../kit/error.ts';
import { compareBinary } from './binary.ts';
import { compareElf } from './elf.ts';
import { compareGzip } from './gzip.ts';
import { compareLibraries } from './library.ts';
import { comparePacked } from './packed.ts';
import { comparePng, isPng } from './png.ts';
import { comparePython } from './python.ts';
import type { CompareDeps, CompareLimits } from './ports.ts';
import { compareTars, isTar } from './tar.ts';
import { compareTexts, isText } from './text.ts';
import type { ContentDetail, ContentFormat } from './types.ts';
import { compareZips } from './zip.ts';

export type Contents = { readonly name: string; readonly left: Uint8Array; readonly right: Uint8Array };

export type LookInside = (contents: Contents) => Promise<readonly ContentDetail[]>;

type Comparison = { readonly format: ContentFormat; readonly details: readonly ContentDetail[] };

/** Archives within archives are looked into so far. */
const deepest = 3;

/** Never throws for what is in the files: what does not keep to its format is compared as bytes. */
export async function compareContents(
  contents: Contents,
  deps: CompareDeps,
  limits: CompareLimits,
  depth = 0,
): Promise<Comparison> {
  const format = depth > deepest ? 'binary' : formatOf(contents);
  const inside: LookInside = async (part) => {
    const { details } = await compareContents(part, deps, limits, depth + 1);
    return details.slice(0, limits.details);
  };
  try {
    const details = await comparers[format](contents, inside, { deps, limits });
    return { format, details: details.length > 0 ? details : compareBinary(contents) };
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    return { format: 'binary', details: compareBinary(contents) };
  }
}

type Comparer = (
  contents: Contents,
  inside: LookInside,
  taken: { readonly deps: CompareDeps; readonly limits: CompareLimits },
) => readonly ContentDetail[] | Promise<readonly ContentDetail[]>;

const comparers: Readonly<Record<ContentFormat, Comparer>> = {
  text: compareTexts,
  elf: compareElf,
  gzip: compareGzip,
  xz: comparePacked('xz'),
  zstd: comparePacked('zstd'),
  bzip2: comparePacked('bzip2'),
  tar: compareTars,
  zip: compareZips,
  library: compareLibraries,
  python: comparePython,
  png: comparePng,
  binary: compareBinary,
};

const formats: readonly (readonly [ContentFormat, (bytes: Uint8Array, name: string) => boolean])[] = [
  ['elf', isElf],
  ...(['gzip', 'xz', 'zstd', 'bzip2'] as const).map(
    (kind) => [kind, (bytes: Uint8Array) => compressionKind(bytes) === kind] as const,
  ),
  ['tar', isTar],
  ['zip', isZip],
  ['library', isStaticLibrary],
  ['png', isPng],
  ['python', (_bytes, name) => name.endsWith('.pyc')],
  ['text', isText],
];

function formatOf({ name, left, right }: Contents): ContentFormat {
  return formats.find(([, is]) => is(left, name) && is(right, name))?.[0] ?? 'binary';
}
