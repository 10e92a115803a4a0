/** Bytes that a worker or uploader claims to have sent: looked at again before they mean anything. */
import { createHash } from 'node:crypto';

import { readDeb, skimDeb, type Deb } from '../formats/deb/deb.ts';
import type { InputFile } from '../model/job.ts';
import type { ArchiveDeps } from './ports.ts';
import type { Reasons } from './refusal.ts';

/** Bytes by their SHA-256 that this process has hashed itself while it stored them. */
export type Kept = ReadonlyMap<string, Uint8Array>;

export type CheckDeps = Pick<ArchiveDeps, 'compression'> & {
  readonly blobs: Pick<ArchiveDeps['blobs'], 'info' | 'read' | 'stream'>;
  /** These are not read again. */
  readonly kept?: Kept | undefined;
  /** Packages that were read before, by their SHA-256. */
  readonly debs?: Map<string, Deb> | undefined;
};

type Deps = Pick<CheckDeps, 'blobs' | 'kept'>;

/** More of a package than this is not read into memory: Debian's largest have over 1 GiB, and the format ends at 10 GB. */
const largestInMemory = 2 ** 23;

/** Adds a reason for every file that is not here, or whose bytes are not those of its size and hash. */
export async function checkBlobs(deps: Deps, files: readonly InputFile[], reasons: Reasons): Promise<void> {
  for (const file of files) {
    const size = deps.kept?.get(file.sha256)?.length ?? (await deps.blobs.info(file.sha256))?.size;
    if (size === undefined) {
      reasons.add(`${file.name}: its bytes (SHA-256 ${file.sha256}) were never received`);
    } else if (size !== file.size) {
      reasons.add(`${file.name}: it has ${size} bytes, ${file.size} were announced`);
    } else if (deps.kept?.has(file.sha256) !== true && (await digest(deps, file)) !== file.sha256) {
      reasons.add(`${file.name}: its bytes on disk no longer have the SHA-256 ${file.sha256}`);
    }
  }
}

/** Adds a reason for every name that comes twice. */
export function checkNames(files: readonly InputFile[], reasons: Reasons): void {
  const seen = new Set<string>();
  for (const { name } of files) {
    reasons.require(!seen.has(name), `${name}: the file is given twice`);
    seen.add(name);
  }
}

/** Throws `bad-text` (a reason) for what is not UTF-8. */
export async function readText(deps: Deps, file: InputFile, limit: number, reasons: Reasons): Promise<string> {
  if (file.size > limit) {
    reasons.add(`${file.name}: it is larger than ${limit} bytes`);
    return '';
  }
  const bytes = await readBytes(deps, file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    reasons.add(`${file.name}: it is not UTF-8`);
    return '';
  }
}

/** Adds what is wrong with its container or control file as a reason. */
export async function readPackage(deps: CheckDeps, file: InputFile, reasons: Reasons): Promise<Deb | undefined> {
  const before = deps.debs?.get(file.sha256);
  if (before !== undefined) return before;
  const inMemory = deps.kept?.has(file.sha256) === true || file.size <= largestInMemory;
  const bytes = inMemory ? await readBytes(deps, file) : deps.blobs.stream(file.sha256);
  const deb = await reasons.read(() =>
    bytes instanceof Uint8Array
      ? readDeb(bytes, deps.compression, file.name)
      : skimDeb(bytes, deps.compression, file.name),
  );
  if (deb !== undefined) deps.debs?.set(file.sha256, deb);
  return deb;
}

export async function readBytes(deps: Deps, file: InputFile): Promise<Uint8Array> {
  return deps.kept?.get(file.sha256) ?? deps.blobs.read(file.sha256);
}

async function digest(deps: Deps, file: InputFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of deps.blobs.stream(file.sha256)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
