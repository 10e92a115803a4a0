/**
 * Encoders that archives make their compressed indexes with. Each makes the same bytes for the same input; a name in
 * the database stands for these bytes for ever.
 */
import { SheafError } from '../../kit/error.ts';
import { gzip, xz } from '../compression.ts';
import { run } from '../process.ts';

export type Encoder = {
  readonly name: string;
  readonly mayHaveMade: (file: Uint8Array) => boolean;
  readonly encode: (index: Uint8Array) => Promise<Uint8Array>;
};

/** The likeliest first. */
export const encoders: readonly Encoder[] = [
  {
    // Debian's: threads cut the input into blocks of three times the dictionary, and note their sizes. How many threads
    // there are makes no difference, as long as the encoder is the one with threads ("+1": with one).
    name: 'xz -6e, blocks of 24 MiB',
    mayHaveMade: (file) => isXz(file) && hasBlockSizes(file),
    encode: (index) => filter(['xz', '-6e', '-T+1', '--block-size=24MiB', '--format=xz', '--stdout'], index),
  },
  {
    name: 'xz -6, one block, liblzma',
    mayHaveMade: (file) => isXz(file) && !hasBlockSizes(file),
    encode: xz,
  },
  {
    name: 'gzip -9n --rsyncable',
    mayHaveMade: isGzip,
    encode: (index) => filter(['gzip', '-9n', '--rsyncable', '--stdout'], index),
  },
  { name: 'gzip -9, zlib', mayHaveMade: isGzip, encode: gzip },
  {
    name: 'gzip -9n',
    mayHaveMade: isGzip,
    encode: (index) => filter(['gzip', '-9n', '--stdout'], index),
  },
  {
    name: 'bzip2 -9',
    // "BZh9"
    mayHaveMade: (file) => startsWith(file, [0x42, 0x5a, 0x68, 0x39]),
    encode: (index) => filter(['bzip2', '-9', '--stdout'], index),
  },
];

function isXz(file: Uint8Array): boolean {
  return startsWith(file, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]);
}

/** The flags of the first block (xz file format, 3.1.2): both sizes are given. */
function hasBlockSizes(file: Uint8Array): boolean {
  return ((file[13] ?? 0) & 0xc0) === 0xc0;
}

/** With no name and no time in it (RFC 1952, 2.3): no encoder here writes those. */
function isGzip(file: Uint8Array): boolean {
  return startsWith(file, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
}

function startsWith(file: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => file[index] === byte);
}

/** The output of a program for this input. */
async function filter(argv: readonly [string, ...string[]], input: Uint8Array): Promise<Uint8Array> {
  const limit = input.length + 2 ** 20;
  const { code, stdout, stderr } = await run(argv, { input, limit, timeout: 60 * 60_000 });
  if (code === 0) return stdout;
  throw new SheafError('program-failed', `Cannot run ${argv[0]}: it ended with exit code ${code}: ${stderr.trim()}`);
}
