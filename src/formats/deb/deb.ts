/** `.deb`: a binary package of which only the control part is wanted. deb(5), deb-control(5). */
import { concat } from '../../kit/concat.ts';
import type { SheafError } from '../../kit/error.ts';
import { readAr, streamAr, type ArMember, type StreamedArMember } from '../container/ar.ts';
import { readTar } from '../container/tar.ts';
import { parseDebControl, type DebControl } from './deb-control.ts';
import { badDeb, memberCompression, MemberOrder } from './deb-members.ts';

/** Gives the decompressed bytes; must stop and throw when they would be more than `limit`. */
export type Decompress = (bytes: Uint8Array, limit: number) => Uint8Array;

export type Decompressors = { readonly gunzip: Decompress; readonly unxz: Decompress; readonly unzstd: Decompress };

export type Deb = DebControl & {
  /** Paths of the files in the control archive, without the leading `./`. */
  readonly controlFiles: readonly string[];
  readonly dataMember: { readonly name: string; readonly offset: number; readonly size: number };
};

export const largestControlArchive = 64 * 2 ** 20;
export const largestControlFile = 4 * 2 ** 20;
export const controlLimits = { entries: 10_000, bytes: largestControlArchive, path: 4096 };

/**
 * Reads the control part; the data is only located. Throws `bad-deb`, `bad-ar`, `bad-tar`, `bad-control-file`,
 * `missing-field` or `bad-field`, with the file and a byte or line.
 */
export function readDeb(bytes: Uint8Array, decompressors: Decompressors, file = '.deb'): Deb {
  const { control, data } = findMembers(bytes, file);
  const content = bytes.subarray(control.offset, control.offset + control.size);
  return { ...readControlPart(content, control, decompressors, file), dataMember: locate(data) };
}

/** The same for a package that comes piece by piece: the data is passed over, and its size compared with what comes. */
export async function skimDeb(
  source: AsyncIterable<Uint8Array>,
  decompressors: Decompressors,
  file = '.deb',
): Promise<Deb> {
  const order = new MemberOrder(file);
  let control: Omit<Deb, 'dataMember'> | undefined;
  let data: ArMember | undefined;
  let end = 0;
  for await (const member of streamAr(source, file)) {
    const role = order.role(member);
    if (role === 'format') order.checkFormat(await collect(member, 20), member.offset);
    if (role === 'control') {
      if (member.size > largestControlArchive) throw tooLarge(member, file);
      control = readControlPart(await collect(member, member.size), member, decompressors, file);
    }
    if (role === 'data') data = member;
    end = member.offset + member.size;
  }
  order.end(end);
  return { ...control!, dataMember: locate(data!) };
}

function locate({ name, offset, size }: ArMember): Deb['dataMember'] {
  return { name, offset, size };
}

/** No more than `most` bytes. */
async function collect({ content }: StreamedArMember, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of content) {
    parts.push(Uint8Array.from(part.subarray(0, most - size)));
    size += parts.at(-1)!.length;
    if (size === most) break;
  }
  return concat(parts);
}

/** `bytes` are the member's, as they stand in the package. */
function readControlPart(
  bytes: Uint8Array,
  member: ArMember,
  decompressors: Decompressors,
  file: string,
): Omit<Deb, 'dataMember'> {
  const tar = decompress(bytes, member, decompressors, file);
  const entries = readTar(tar, controlLimits, `${file}: ${member.name}`);
  const files = entries.filter((entry) => entry.type !== 'directory');
  const named = files.filter((entry) => withoutDot(entry.path) === 'control');
  const [found] = named;
  if (found === undefined || named.length > 1 || found.type !== 'file') {
    throw badDeb(file, member.offset, `${member.name} must hold one regular file "control"`);
  }
  if (found.size > largestControlFile) {
    throw badDeb(file, member.offset, `its control file is larger than ${largestControlFile} bytes`);
  }
  return {
    ...parseDebControl(tar.subarray(found.offset, found.offset + found.size), file, member.offset),
    controlFiles: files.map((entry) => withoutDot(entry.path)),
  };
}

function findMembers(bytes: Uint8Array, file: string): { readonly control: ArMember; readonly data: ArMember } {
  const order = new MemberOrder(file);
  const found: { control?: ArMember; data?: ArMember } = {};
  for (const member of readAr(bytes, file)) {
    const role = order.role(member);
    if (role === 'format') order.checkFormat(bytes.subarray(member.offset, member.offset + member.size), member.offset);
    if (role === 'control' || role === 'data') found[role] = member;
  }
  order.end(bytes.length);
  return { control: found.control!, data: found.data! };
}

function decompress(bytes: Uint8Array, member: ArMember, decompressors: Decompressors, file: string): Uint8Array {
  const { gunzip, unxz, unzstd } = decompressors;
  const byKind: Readonly<Record<string, Decompress>> = { gzip: gunzip, xz: unxz, zstd: unzstd };
  const decoder = byKind[memberCompression(member.name)];
  if (decoder === undefined) return bytes;
  let result: Uint8Array;
  try {
    result = decoder(bytes, largestControlArchive);
  } catch (cause) {
    throw badDeb(
      file,
      member.offset,
      `${member.name} does not decompress to at most ${largestControlArchive} bytes`,
      cause,
    );
  }
  if (result.length > largestControlArchive) throw tooLarge(member, file);
  return result;
}

function tooLarge({ name, offset }: ArMember, file: string): SheafError {
  return badDeb(file, offset, `${name} is larger than ${largestControlArchive} bytes`);
}

export function withoutDot(path: string): string {
  return path.replace(/^(?:\.\/)+/, '');
}
