/**
 * The compressed files that Release files name. A file is kept as it came until an encoder is found that makes it of
 * its index again, byte for byte; from then on only the encoder's name is kept.
 */
import { sha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import type { CompressedDeps } from './compressed-ports.ts';
import { addCompressed, findCompressed, listCompressed, setEncoder, type CompressedRow } from './store/compressed.ts';

/** The bytes are a blob: no encoder was tried yet, or none gives them. */
const unproved = 'unproved';
const kept = 'kept';

export type CompressedFile = {
  readonly sha256: Sha256;
  readonly bytes: Uint8Array;
  /** The index that it is a compressed form of. It must be in the store. */
  readonly of: Sha256;
};

/** Keeps a compressed file. Throws `index-mismatch` when the bytes have another hash. */
export async function keepCompressed(
  { db, blobs }: Pick<CompressedDeps, 'db' | 'blobs'>,
  file: CompressedFile,
): Promise<void> {
  if ((await findCompressed(db, file.sha256)) !== undefined) return;
  const found = sha256(file.bytes);
  if (found !== file.sha256) {
    throw new SheafError('index-mismatch', `Cannot keep a file: its SHA-256 is ${found}, expected ${file.sha256}`);
  }
  await blobs.putBytes(file.bytes);
  await addCompressed(db, { sha256: found, indexSha256: file.of, size: file.bytes.length, encoder: unproved });
}

/**
 * The bytes of a compressed file, or undefined when there is none with this hash. Throws `compressed-differs` when its
 * encoder makes other bytes now than when it was proved.
 */
export async function readCompressed(deps: CompressedDeps, digest: Sha256): Promise<Uint8Array | undefined> {
  const row = await findCompressed(deps.db, digest);
  return row === undefined ? undefined : readRow(deps, row);
}

export async function readRow(deps: CompressedDeps, row: CompressedRow): Promise<Uint8Array> {
  if (hasBytes(row)) return deps.blobs.read(row.sha256);
  const encoder = deps.encoders.find(({ name }) => name === row.encoder);
  const bytes = await encoder?.encode(await deps.store.read(row.indexSha256));
  if (bytes !== undefined && sha256(bytes) === row.sha256) return bytes;
  throw new SheafError(
    'compressed-differs',
    `Cannot make the compressed file ${row.sha256} again: "${row.encoder}" makes other bytes on this machine`,
    {
      kind: 'environment',
      hint: 'Use the version of the program that the file was proved with; the index itself is not concerned.',
    },
  );
}

export function hasBytes({ encoder }: CompressedRow): boolean {
  return encoder === unproved || encoder === kept;
}

export type ProveOptions = {
  /** No further file is begun after so many milliseconds. */
  readonly milliseconds?: number;
  readonly signal?: AbortSignal;
  /** Tries again also files for which no encoder was found before: after a change of the encoders. */
  readonly again?: boolean;
};

export type ProveReport = {
  /** Files whose bytes are no longer needed, and how many bytes those are. */
  readonly proved: number;
  readonly bytes: number;
  /** Files that no encoder gives back. */
  readonly kept: number;
  /** Files that were not tried for want of time. */
  readonly left: number;
};

/**
 * Tries the encoders on files that were kept as they came, and drops the bytes of those that an encoder gives back.
 * Each file is a step of its own: whoever stops it, or runs it again, loses nothing.
 */
export async function proveCompressed(
  deps: CompressedDeps,
  onProgress?: (done: number, total: number) => void,
  options: ProveOptions = {},
): Promise<ProveReport> {
  const until = options.milliseconds === undefined ? Infinity : performance.now() + options.milliseconds;
  const rows = await listCompressed(deps.db, unproved);
  if (options.again === true) rows.push(...(await listCompressed(deps.db, kept)));
  const report = { proved: 0, bytes: 0, kept: 0, left: rows.length };
  for (const [index, row] of rows.entries()) {
    if (performance.now() > until || options.signal?.aborted === true) break;
    if (await proveRow(deps, row)) {
      report.proved++;
      report.bytes += row.size;
    } else report.kept++;
    report.left--;
    onProgress?.(index + 1, rows.length);
  }
  return report;
}

async function proveRow(deps: CompressedDeps, row: CompressedRow): Promise<boolean> {
  const file = await deps.blobs.read(row.sha256);
  const candidates = deps.encoders.filter((encoder) => encoder.mayHaveMade(file));
  const index = candidates.length === 0 ? new Uint8Array() : await deps.store.read(row.indexSha256);
  for (const encoder of candidates) {
    if (sha256(await encoder.encode(index)) !== row.sha256) continue;
    await setEncoder(deps.db, row.sha256, encoder.name);
    await deps.blobs.remove?.(row.sha256);
    return true;
  }
  await setEncoder(deps.db, row.sha256, kept);
  return false;
}
