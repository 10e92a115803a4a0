/**
 * The compressed forms of an index: one .xz stream of many blocks and one .gz file of many members, both of which every
 * apt reads. Blocks that an earlier version of the index has too are taken from its files instead of compressed again.
 */
import { splitGzipMembers, type GzipMember } from '../formats/container/gzip-members.ts';
import { joinXz, splitXz, type XzBlock } from '../formats/container/xz-stream.ts';
import { SheafError } from '../kit/error.ts';
import { sha256, type Sha256 } from '../kit/digest.ts';
import { blockEnds } from './index-runs.ts';
import type { PackBlock } from './ports.ts';

/** Bytes of a block on average: larger ones pack better, smaller ones pack sooner. */
const blockSize = 512 * 1024;

/** Section 2.1.1.2 of the .xz format: CRC64, which every block of ours ends with. */
const crc64 = 4;

export type Packed = { readonly gzip: Uint8Array; readonly xz: Uint8Array };

type Block = { readonly gzip: GzipMember; readonly xz: XzBlock };

/** By the hash of a block's content. */
export type KnownBlocks = ReadonlyMap<Sha256, Block>;

/** The blocks of an index that was packed before; none when its files are of another kind. */
export function knownBlocks(index: Uint8Array, packed: Packed): KnownBlocks {
  const known = new Map<Sha256, Block>();
  try {
    const members = splitGzipMembers(packed.gzip);
    const { check, blocks } = splitXz(packed.xz);
    if (check !== crc64 || index.length === 0 || members.length !== blocks.length) return known;
    let position = 0;
    for (const [number, xz] of blocks.entries()) {
      const gzip = members[number]!;
      if (gzip.uncompressedSize !== xz.uncompressedSize) return new Map();
      known.set(sha256(index.subarray(position, (position += xz.uncompressedSize))), { gzip, xz });
    }
    return position === index.length ? known : new Map();
  } catch (error) {
    if (error instanceof SheafError) return new Map();
    throw error;
  }
}

/** The same bytes for the same index, whatever is known. */
export async function packIndex(index: Uint8Array, known: KnownBlocks, pack: PackBlock): Promise<Packed> {
  const blocks: Block[] = [];
  let start = 0;
  for (const end of blockEnds(index, blockSize)) {
    const bytes = index.subarray(start, end);
    blocks.push(known.get(sha256(bytes)) ?? (await packOne(bytes, pack)));
    start = end;
  }
  // A .gz file without any member would be an error to its readers.
  const members = blocks.length > 0 ? blocks.map(({ gzip }) => gzip) : [(await pack(new Uint8Array())).gzip];
  return {
    gzip: Buffer.concat(members.map((member) => member.bytes)),
    xz: Buffer.concat(joinXz({ check: crc64, blocks: blocks.map(({ xz }) => xz) })),
  };
}

async function packOne(bytes: Uint8Array, pack: PackBlock): Promise<Block> {
  const { gzip, xz } = await pack(bytes);
  if (xz.check !== crc64 || xz.blocks.length !== 1)
    throw new SheafError('bad-xz', 'Cannot pack an index: the encoder gave something else than one block with CRC64');
  return { gzip, xz: xz.blocks[0]! };
}
