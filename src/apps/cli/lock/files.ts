/** Whether the files of locks can be had: here, by their hash, or at their address. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import type { LockProblem } from '../../../flows/verify-lock.ts';
import { describeError } from '../../../kit/error.ts';
import type { Lock, LockedPackage } from '../../../model/lock.ts';
import type { Blobs } from '../../../plumbing/blobs.ts';
import type { DebCache } from '../../../plumbing/deb-cache.ts';

export type FileCounts = { readonly here: number; readonly elsewhere: number; readonly missing: number };

export type CheckFilesOptions = {
  readonly blobs: Pick<Blobs, 'info' | 'path'>;
  readonly debs: Pick<DebCache, 'path'>;
  readonly signal: AbortSignal;
  readonly lineOf: (locked: LockedPackage) => number;
  readonly onProgress: (done: number, total: number) => void;
};

const parallel = 8;
/** Milliseconds for one answer. */
const patience = 30_000;

type Found = { readonly kind: 'here' | 'elsewhere' } | { readonly kind: 'missing'; readonly message: string };

/** Files that several architectures share are asked for once. */
export async function checkFiles(
  locks: readonly Lock[],
  options: CheckFilesOptions,
): Promise<{ readonly counts: FileCounts; readonly problems: LockProblem[] }> {
  const all = locks.flatMap(({ architecture, packages }) => packages.map((each) => ({ architecture, each })));
  const files = [...new Map(all.map((entry) => [entry.each.sha256, entry])).values()];
  const problems: LockProblem[] = [];
  const counts = { here: 0, elsewhere: 0, missing: 0 };
  let next = 0;
  let done = 0;
  const lane = async () => {
    for (let entry = files[next++]; entry !== undefined; entry = files[next++]) {
      options.signal.throwIfAborted();
      const found = await find(entry.each, options);
      counts[found.kind] += 1;
      if (found.kind === 'missing') {
        const { architecture, each } = entry;
        problems.push({ line: options.lineOf(each), architecture, package: each.name, message: found.message });
      }
      options.onProgress(++done, files.length);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return { counts, problems: problems.toSorted((a, b) => a.line - b.line) };
}

async function find(each: LockedPackage, { blobs, debs, signal }: CheckFilesOptions): Promise<Found> {
  const paths = [...((await blobs.info(each.sha256)) === undefined ? [] : [blobs.path(each.sha256)]), debs.path(each.sha256)]; // prettier-ignore
  for (const path of paths) {
    if ((await stat(path).catch(() => undefined)) === undefined) continue;
    // What is spoilt here may still be whole elsewhere.
    if ((await hashOf(path)) === each.sha256) return { kind: 'here' };
  }
  return ask(each, signal);
}

async function ask({ url, size }: LockedPackage, signal: AbortSignal): Promise<Found> {
  try {
    const response = await fetch(url, {
      method: 'HEAD',
      signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
    });
    await response.body?.cancel();
    if (!response.ok) return { kind: 'missing', message: `cannot be had: ${url} answers ${response.status}` };
    const length = response.headers.get('content-length');
    if (length === null || Number(length) === size) return { kind: 'elsewhere' };
    return { kind: 'missing', message: `is another file now: ${url} has ${length} bytes, the lock says ${size}` };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'missing', message: `cannot be had: ${url}: ${describeError(error)}` };
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
