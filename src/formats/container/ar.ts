/**
 * `ar` archives, as far as packages need them: the common format with names of up to 16 characters. deb(5); ar(5).
 *
 * `!<arch>` LF, then for each member a header of 60 bytes (name 16, mtime 12, uid 6, gid 6, octal mode 8, size 10,
 * "`" LF), the content, and one LF of padding after an odd size. Numbers are ASCII, left-justified, padded with spaces.
 */
import { SheafError } from '../../kit/error.ts';
import { ByteSource } from './byte-source.ts';

export type ArMember = {
  /** Without the `/` that GNU ar puts behind a name. */
  readonly name: string;
  readonly headerOffset: number;
  /** Of the content, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
};

const magic = '!<arch>\n';
const headerSize = 60;
/** A package has three or four. */
const mostMembers = 1000;

/** The members in their order; their contents are `bytes.subarray(offset, offset + size)`. Throws `bad-ar`. */
export function readAr(bytes: Uint8Array, file = 'archive'): ArMember[] {
  if (text(bytes, 0, magic.length) !== magic) throw bad(file, 0, 'it does not begin as an ar archive');
  const members: ArMember[] = [];
  let position = magic.length;
  while (position < bytes.length) {
    if (members.length === mostMembers) throw bad(file, position, `it has more than ${mostMembers} members`);
    const member = readHeader(bytes, position, file);
    members.push(member);
    position = member.offset + member.size;
    // The padding behind the last member may be missing.
    if (member.size % 2 === 1 && position < bytes.length) {
      if (bytes[position] !== 0x0a) throw bad(file, position, `"${member.name}" is not padded with a line feed`);
      position++;
    }
  }
  return members;
}

/** A member of a stream; its content may be read until the next member is asked for. */
export type StreamedArMember = ArMember & { readonly content: AsyncIterable<Uint8Array> };

/** The same for an archive that comes piece by piece: contents that are not read are passed over. */
export async function* streamAr(pieces: AsyncIterable<Uint8Array>, file = 'archive'): AsyncGenerator<StreamedArMember> {
  const source = new ByteSource(pieces);
  try {
    const start = await source.take(magic.length);
    if (text(start, 0, magic.length) !== magic) throw bad(file, 0, 'it does not begin as an ar archive');
    for (let count = 0; !(await source.atEnd()); count++) {
      if (count === mostMembers) throw bad(file, source.position, `it has more than ${mostMembers} members`);
      const { position } = source;
      const member = parseHeader(await source.take(headerSize), position, file);
      const end = member.offset + member.size;
      yield { ...member, content: contentOf(source, member, file) };
      await source.skip(end - source.position);
      checkSize(member, source.position - member.offset, file);
      const padding = await source.take(member.size % 2);
      if (padding.length === 1 && padding[0] !== 0x0a) {
        throw bad(file, end, `"${member.name}" is not padded with a line feed`);
      }
    }
  } finally {
    await source.close();
  }
}

async function* contentOf(source: ByteSource, member: ArMember, file: string): AsyncGenerator<Uint8Array> {
  yield* source.stream(member.offset + member.size - source.position);
  checkSize(member, source.position - member.offset, file);
}

function readHeader(bytes: Uint8Array, position: number, file: string): ArMember {
  const member = parseHeader(bytes.subarray(position, position + headerSize), position, file);
  checkSize(member, bytes.length - member.offset, file);
  return member;
}

function checkSize({ name, size, headerOffset }: ArMember, left: number, file: string): void {
  if (size <= left) return;
  throw bad(file, headerOffset + 48, `"${name}" says ${size} bytes, but only ${left} are left`);
}

/** The member whose header this is; `position` is where the header stands. */
function parseHeader(bytes: Uint8Array, position: number, file: string): ArMember {
  if (bytes.length < headerSize) throw bad(file, position, 'it ends inside the header of a member');
  const header = text(bytes, 0, headerSize);
  if (!header.endsWith('`\n')) throw bad(file, position, 'the header of a member does not end in "`" and a line feed');
  const name = header.slice(0, 16).trimEnd().replace(/\/$/, '');
  // Also keeps out the tables "/" and "//" and names of BSD's "#1/", which no package has.
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/.test(name)) {
    throw bad(file, position, `the member name ${JSON.stringify(name)} is not a plain file name`);
  }
  const size = decimal(header.slice(48, 58));
  if (size === undefined) throw bad(file, position + 48, `the size of "${name}" is not a number`);
  const mtime = decimal(header.slice(16, 28));
  if (mtime === undefined) throw bad(file, position + 16, `the time of "${name}" is not a number`);
  return { name, headerOffset: position, offset: position + headerSize, size, mtime };
}

function decimal(padded: string): number | undefined {
  const digits = padded.trimEnd();
  return /^\d+$/.test(digits) ? Number(digits) : undefined;
}

function text(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}

function bad(file: string, offset: number, state: string): SheafError {
  return new SheafError('bad-ar', `Cannot read ${file}: ${state}`, { place: { file, offset } });
}
