/** `.deb`: a binary package that comes piece by piece, in bounded memory, with its data. deb(5), deb-control(5). */
import { SheafError } from '../../kit/error.ts';
import { streamAr, type StreamedArMember } from '../container/ar.ts';
import { streamTar, type StreamedTarEntry } from '../container/tar.ts';
import { controlLimits, largestControlArchive, largestControlFile, type Deb } from './deb.ts';
import { decodeUtf8, parseDebControl } from './deb-control.ts';
import { badDeb, memberCompression, MemberOrder, type MemberCompression } from './deb-members.ts';
import { DebPaths, pathHint, plainPath, type DebEntryType } from './deb-paths.ts';

/**
 * Decompresses a stream, of `size` bytes where that is known; throws `bad-compression`, and `over-limit` before more than
 * `limit` bytes came out.
 */
export type DecompressStream = (
  bytes: AsyncIterable<Uint8Array>,
  options: {
    readonly kind: MemberCompression;
    readonly limit: number;
    readonly file: string;
    readonly size?: number;
  },
) => AsyncIterable<Uint8Array>;

export type DebLimits = {
  /** Most bytes of the data archive, decompressed. */
  readonly bytes: number;
  /** Most entries of the data archive. */
  readonly entries: number;
};

export type OpenDeb = Deb & {
  /** The texts of these control files, where the package has them. */
  readonly md5sums: string | undefined;
  readonly conffiles: string | undefined;
  /** The maintainer scripts, which may be programs, and triggers; without those larger than a control file may be. */
  readonly scripts: readonly Uint8Array[];
  /** What the package unpacks, once; throws as `openDeb` does. It reads the source to its end. */
  entries(): AsyncGenerator<DebEntry, void, undefined>;
  /** For whoever does not read the entries to their end: lets go of the source. */
  close(): Promise<void>;
};

export type DebEntry = {
  /** Relative to the root, without `./` and without a `/` at its end; empty for the root itself. */
  readonly path: string;
  readonly type: DebEntryType;
  readonly mode: number;
  readonly size: number;
  readonly user: string;
  readonly group: string;
  readonly mtime: number;
  /** Target of a link: a symbolic one's as written, a hard one's in the form of `path`. */
  readonly link: string;
  /** May be read until the next entry is asked for; passed over otherwise. */
  readonly content: AsyncIterable<Uint8Array>;
};

/**
 * Reads the control part and stops before the data. Throws `bad-deb`, `bad-ar`, `bad-tar`, `bad-control-file`,
 * `missing-field` or `bad-field`, with the file and a byte or line; the source is closed then.
 */
export async function openDeb(
  source: AsyncIterable<Uint8Array>,
  decompress: DecompressStream,
  limits: DebLimits,
  file = '.deb',
): Promise<OpenDeb> {
  const reader = new DebReader(source, decompress, limits, file);
  try {
    return await reader.open();
  } catch (error) {
    await reader.close();
    throw error;
  }
}

class DebReader {
  readonly #members: AsyncGenerator<StreamedArMember>;
  readonly #order: MemberOrder;
  readonly #decompress: DecompressStream;
  readonly #limits: DebLimits;
  readonly #file: string;
  /** Where the members read until now end. */
  #end = 0;

  constructor(source: AsyncIterable<Uint8Array>, decompress: DecompressStream, limits: DebLimits, file: string) {
    this.#members = streamAr(source, file);
    this.#order = new MemberOrder(file);
    this.#decompress = decompress;
    this.#limits = limits;
    this.#file = file;
  }

  async open(): Promise<OpenDeb> {
    let control: ControlPart | undefined;
    for (;;) {
      const { role, member } = await this.#next();
      if (role === 'format') this.#order.checkFormat(await this.#collect(member.content, 20), member.offset);
      if (role === 'control') control = await this.#readControl(member);
      if (role !== 'data') continue;
      const { name, offset, size } = member;
      return {
        ...control!,
        dataMember: { name, offset, size },
        entries: () => this.#entries(member),
        close: () => this.close(),
      };
    }
  }

  async close(): Promise<void> {
    await this.#members.return(undefined);
  }

  async #next(): Promise<{ readonly role: ReturnType<MemberOrder['role']>; readonly member: StreamedArMember }> {
    const next = await this.#members.next();
    if (next.done === true) {
      this.#order.end(this.#end);
      throw badDeb(this.#file, this.#end, 'it ends before its data');
    }
    this.#end = next.value.offset + next.value.size;
    return { role: this.#order.role(next.value), member: next.value };
  }

  async #readControl(member: StreamedArMember): Promise<ControlPart> {
    const texts = new Map<string, Uint8Array>();
    const names: string[] = [];
    const scripts: Uint8Array[] = [];
    for await (const entry of this.#unpack(member, controlLimits, largestControlArchive)) {
      if (entry.type === 'directory') continue;
      const name = plainPath(entry.path);
      names.push(name);
      if (maintainerScripts.has(name) && entry.type === 'file' && entry.size <= largestControlFile) {
        scripts.push(await this.#collect(entry.content, entry.size));
      }
      if (!wanted.has(name)) continue;
      if (texts.has(name) || entry.type !== 'file') throw this.#notOne(member, name);
      if (entry.size > largestControlFile) {
        throw badDeb(this.#file, member.offset, `its ${name} file is larger than ${largestControlFile} bytes`);
      }
      texts.set(name, await this.#collect(entry.content, entry.size));
    }
    const control = texts.get('control');
    if (control === undefined) throw this.#notOne(member, 'control');
    const text = (name: string) => {
      const bytes = texts.get(name);
      return bytes === undefined ? undefined : decodeUtf8(bytes, this.#file, member.offset, name);
    };
    return {
      ...parseDebControl(control, this.#file, member.offset),
      controlFiles: names,
      md5sums: text('md5sums'),
      conffiles: text('conffiles'),
      scripts,
    };
  }

  async *#entries(member: StreamedArMember): AsyncGenerator<DebEntry, void, undefined> {
    const paths = new DebPaths();
    const { bytes, entries } = this.#limits;
    try {
      for await (const entry of this.#unpack(member, { entries, bytes, path: 4096 }, bytes)) {
        const path = plainPath(entry.path);
        const state = paths.fault(path, entry.type, entry.link);
        if (state !== undefined) {
          const where = `${member.name}, at byte ${entry.offset} of the archive: ${state}`;
          throw badDeb(this.#file, member.offset, where, undefined, pathHint(entry.type));
        }
        const type = entry.type as DebEntryType;
        const { mode, size, user, group, mtime, content } = entry;
        const link = type === 'hardlink' ? plainPath(entry.link) : entry.link;
        yield { path, type, mode, size, user, group, mtime, link, content };
      }
      for await (const later of this.#members) this.#order.role(later);
    } finally {
      await this.close();
    }
  }

  async *#unpack(
    member: StreamedArMember,
    limits: typeof controlLimits,
    limit: number,
  ): AsyncGenerator<StreamedTarEntry> {
    const name = `${this.#file}: ${member.name}`;
    const options = { kind: memberCompression(member.name), limit, file: member.name };
    yield* streamTar(this.#named(this.#decompress(member.content, options), member), limits, name);
  }

  /** Says where in the package the bytes lie that do not decompress. */
  async *#named(bytes: AsyncIterable<Uint8Array>, member: StreamedArMember): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes;
    } catch (cause) {
      if (!(cause instanceof SheafError) || !['bad-compression', 'over-limit'].includes(cause.code)) throw cause;
      throw badDeb(this.#file, member.offset, cause.message, cause);
    }
  }

  /** No more than `most` bytes. */
  async #collect(content: AsyncIterable<Uint8Array>, most: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(most);
    let size = 0;
    for await (const part of content) {
      const room = part.subarray(0, most - size);
      bytes.set(room, size);
      size += room.length;
      if (size === most) break;
    }
    return bytes.subarray(0, size);
  }

  #notOne(member: StreamedArMember, name: string): SheafError {
    return badDeb(this.#file, member.offset, `${member.name} must hold one regular file "${name}"`);
  }
}

type ControlPart = Omit<OpenDeb, 'dataMember' | 'entries' | 'close'>;

const wanted = new Set(['control', 'md5sums', 'conffiles']);
const maintainerScripts = new Set(['preinst', 'postinst', 'prerm', 'postrm', 'triggers']);
