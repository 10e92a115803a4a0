/** `.deb`: a binary package. deb(5), deb-control(5). */
import { SheafError } from '../../kit/error.ts';
import { readAr, type ArMember } from '../container/ar.ts';
import { readTar } from '../container/tar.ts';
import { field, parseStanza, requireField, type Stanza } from './deb822.ts';
import { badField, checkPackageName, requireSource, requireVersion, shown } from './words.ts';

/** Gives the decompressed bytes; must stop and throw when they would be more than `limit`. */
export type Decompress = (bytes: Uint8Array, limit: number) => Uint8Array;

export type Decompressors = { readonly gunzip: Decompress; readonly unxz: Decompress; readonly unzstd: Decompress };

export type Deb = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source package, which is of the same name and version where the control file does not say. */
  readonly source: string;
  readonly sourceVersion: string;
  /** The text of the control file. */
  readonly control: string;
  readonly stanza: Stanza;
  /** Paths of the files in the control archive, without the leading `./`. */
  readonly controlFiles: readonly string[];
  readonly dataMember: { readonly name: string; readonly offset: number; readonly size: number };
};

const largestControlArchive = 64 * 2 ** 20;
const largestControlFile = 4 * 2 ** 20;
const controlLimits = { entries: 10_000, bytes: largestControlArchive, path: 4096 };

const dataNames = /^data\.tar(?:\.gz|\.xz|\.zst|\.bz2|\.lzma)?$/;

/**
 * Reads the control part; the data is only located. Throws `bad-deb`, `bad-ar`, `bad-tar`, `bad-control-file`,
 * `missing-field` or `bad-field`, with the file and a byte or line.
 */
export function readDeb(bytes: Uint8Array, decompressors: Decompressors, file = '.deb'): Deb {
  const { control: member, data } = findMembers(bytes, file);
  const tar = decompress(bytes.subarray(member.offset, member.offset + member.size), member, decompressors, file);
  const entries = readTar(tar, controlLimits, `${file}: ${member.name}`);
  const files = entries.filter((entry) => entry.type !== 'directory');
  const named = files.filter((entry) => withoutDot(entry.path) === 'control');
  const [found] = named;
  if (found === undefined || named.length > 1 || found.type !== 'file') {
    throw bad(file, member.offset, `${member.name} must hold one regular file "control"`);
  }
  if (found.size > largestControlFile) {
    throw bad(file, member.offset, `its control file is larger than ${largestControlFile} bytes`);
  }
  const control = decodeUtf8(tar.subarray(found.offset, found.offset + found.size), file, member.offset);
  const place = `${file}: control`;
  const stanza = parseStanza(control, place);
  const name = checkPackageName(requireField(stanza, 'Package', place), 'Package', stanza, place);
  const version = requireVersion(stanza, place);
  const architecture = requireField(stanza, 'Architecture', place);
  if (!/^[a-z0-9][a-z0-9-]{1,39}$/.test(architecture)) {
    throw badField(stanza, 'Architecture', place, `${shown(architecture)} is not an architecture`);
  }
  const source = field(stanza, 'Source') === undefined ? undefined : requireSource(stanza, place);
  return {
    name,
    version,
    architecture,
    source: source?.name ?? name,
    sourceVersion: source?.version ?? version,
    control,
    stanza,
    controlFiles: files.map((entry) => withoutDot(entry.path)),
    dataMember: { name: data.name, offset: data.offset, size: data.size },
  };
}

/**
 * deb(5): `debian-binary` ("2.x" and LF), then the control archive, then the data archive; members between them that
 * an old reader may pass over begin with `_`, and members behind them are ignored. A second member of one of the
 * three names is refused, because readers would differ in which one they take.
 */
function findMembers(bytes: Uint8Array, file: string): { readonly control: ArMember; readonly data: ArMember } {
  const members = readAr(bytes, file);
  const first = members[0];
  if (first?.name !== 'debian-binary') throw bad(file, 8, 'its first member is not "debian-binary"');
  const format = latin1(bytes.subarray(first.offset, first.offset + Math.min(first.size, 20)));
  if (!/^2\.\d+\n/.test(format)) throw bad(file, first.offset, `its format version ${shown(format)} is not 2.x`);
  const [control, data, ...rest] = members.slice(1).filter((member) => !member.name.startsWith('_'));
  if (control === undefined || !/^control\.tar(?:\.gz|\.xz|\.zst)?$/.test(control.name)) {
    throw bad(file, control?.headerOffset ?? bytes.length, 'the member "control.tar" is missing or misplaced');
  }
  if (data === undefined || !dataNames.test(data.name)) {
    throw bad(file, data?.headerOffset ?? bytes.length, 'the member "data.tar" is missing or misplaced');
  }
  const again = rest.find((member) => /^(?:debian-binary|control\.tar|data\.tar)/.test(member.name));
  if (again !== undefined) throw bad(file, again.headerOffset, `a second member "${again.name}" follows`);
  return { control, data };
}

function decompress(bytes: Uint8Array, member: ArMember, decompressors: Decompressors, file: string): Uint8Array {
  const { gunzip, unxz, unzstd } = decompressors;
  const byName: Readonly<Record<string, Decompress>> = { gz: gunzip, xz: unxz, zst: unzstd };
  const decoder = byName[member.name.slice('control.tar.'.length)];
  if (decoder === undefined) return bytes;
  let result: Uint8Array;
  try {
    result = decoder(bytes, largestControlArchive);
  } catch (cause) {
    throw bad(
      file,
      member.offset,
      `${member.name} does not decompress to at most ${largestControlArchive} bytes`,
      cause,
    );
  }
  if (result.length > largestControlArchive) {
    throw bad(file, member.offset, `${member.name} is larger than ${largestControlArchive} bytes`);
  }
  return result;
}

function withoutDot(path: string): string {
  return path.replace(/^(?:\.\/)+/, '');
}

/** Policy 5.1: control files are UTF-8. */
function decodeUtf8(bytes: Uint8Array, file: string, offset: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw bad(file, offset, 'its control file is not UTF-8', cause);
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function bad(file: string, offset: number, state: string, cause?: unknown): SheafError {
  return new SheafError('bad-deb', `Cannot read ${file}: ${state}`, { place: { file, offset }, cause });
}
