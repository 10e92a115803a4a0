/** What is in a lock. */
import { formatSize } from '../../../kit/bytes.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Lock, LockedPackage } from '../../../model/lock.ts';
import { formatFields, formatTable, text } from '../table.ts';
import { formatSources, formatTotals, totalsOf, type LockTotals } from './create.ts';
import { readLocks } from './read.ts';

export type Shown = {
  readonly file: string;
  readonly locks: readonly (Pick<Lock, 'request' | 'sources'> &
    Omit<LockTotals, 'packages'> & { readonly packages: readonly Omit<LockedPackage, 'fields'>[] })[];
};

/** Throws `no-lock`, `bad-lock`, and `no-such-architecture` for one that the lock is not for. */
export async function readShown(file: string, architecture: string | undefined): Promise<Shown> {
  const { locks } = await readLocks(file);
  const chosen = locks.filter((lock) => architecture === undefined || lock.architecture === architecture);
  if (chosen.length === 0) {
    throw new SheafError('no-such-architecture', `Cannot show ${file} for ${architecture}: it is not for that`, {
      kind: 'usage',
      hint: `It is for ${locks.map((lock) => lock.architecture).join(', ')}.`,
    });
  }
  return {
    file,
    locks: chosen.map((lock) => ({
      ...totalsOf(lock),
      ...(lock.request === undefined ? {} : { request: lock.request }),
      sources: lock.sources,
      packages: lock.packages.map(withoutFields),
    })),
  };
}

function withoutFields({
  name,
  version,
  architecture,
  sha256,
  size,
  url,
}: LockedPackage): Omit<LockedPackage, 'fields'> {
  return { name, version, architecture, sha256, size, url };
}

export function formatShown({ locks }: Shown): string[] {
  return locks.flatMap((lock, index) => [
    ...(index === 0 ? [] : ['']),
    formatTotals({ ...lock, packages: lock.packages.length }),
    ...formatRequest(lock.request),
    '',
    ...formatSources(lock.sources),
    '',
    ...formatTable(lock.packages, [
      text('package', (each) => each.name),
      text('version', (each) => each.version),
      text('arch', (each) => each.architecture),
      text('size', (each) => formatSize(each.size)),
    ]),
  ]);
}

function formatRequest(request: Lock['request']): string[] {
  if (request === undefined) return [];
  const { packages, variant, recommends, exclude } = request;
  return formatFields([
    ['packages', packages.length === 0 ? 'none' : packages.join(' ')],
    ['variant', variant],
    ['recommends', recommends ? 'yes' : 'no'],
    ['exclude', exclude.length === 0 ? undefined : exclude.join(' ')],
  ]);
}
