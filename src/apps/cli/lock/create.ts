/** Locks from wishes. */
import { resolve } from 'node:path';

import { createLock } from '../../../flows/create-lock.ts';
import { recordPublications } from '../../../flows/record-publication.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { SheafError } from '../../../kit/error.ts';
import { formatLock } from '../../../lock/mod.ts';
import { checkLockSpec, readLockSpec, type LockSpec } from '../../../lock/spec.ts';
import { installedSize, type Lock, type LockSource } from '../../../model/lock.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { writeOutputFile } from '../output-file.ts';
import { startProgress } from '../progress.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { count } from '../upstream/words.ts';

export type CreateOptions = {
  readonly package?: string[] | undefined;
  readonly from?: string[] | undefined;
  readonly arch?: string[] | undefined;
  readonly variant?: string | undefined;
  readonly recommends?: true | undefined;
  readonly exclude?: string[] | undefined;
  readonly output?: string | undefined;
};

export type LockTotals = {
  readonly architecture: string;
  readonly packages: number;
  /** Bytes of all `.deb` files, and what they say they need when installed. */
  readonly size: number;
  readonly installedSize: number;
};

export type Created =
  | {
      readonly kind: 'created' | 'unchanged';
      readonly file: string;
      readonly locks: readonly LockTotals[];
      readonly sources: readonly LockSource[];
      /** Excluded names that no package has. */
      readonly unknown: readonly string[];
    }
  | { readonly kind: 'unsatisfiable'; readonly explanation: string };

type LockHouse = Pick<House, 'lock' | 'publications'>;

/** Throws `no-lock-spec`, `bad-settings`, `output-unwritable`, and what `createLock` throws. */
export async function create(
  house: LockHouse,
  what: string,
  options: CreateOptions & { readonly json?: boolean },
): Promise<Created> {
  const { spec, file } = await chooseSpec(what, options);
  if (spec.from.some((place) => !place.includes('/'))) await recordPublications(house.publications);
  const result = await choose(house, spec, options.json ?? true);
  if (result.kind === 'unsatisfiable') return result;
  const content = formatLock(...result.locks);
  const isSame = !(await writeOutputFile(file, content));
  return {
    kind: isSame ? 'unchanged' : 'created',
    file,
    locks: result.locks.map(totalsOf),
    sources: result.locks[0]!.sources,
    unknown: result.unknown,
  };
}

/** The first time a snapshot is asked, its indexes are restored and apt makes a cache of them: that takes seconds. */
async function choose({ lock }: LockHouse, spec: LockSpec, json: boolean) {
  const progress = startProgress({ json });
  progress.at(`Asking apt for ${spec.architectures.join(', ')}`);
  try {
    return await createLock(lock, spec);
  } finally {
    progress.end();
  }
}

/** The name of the lock alone; packages have an option. Throws `usage`. */
export function refuseWords([what = 'NAME', ...others]: readonly string[]): void {
  if (others.length === 0) return;
  throw new SheafError('usage', `Cannot lock ${what}: ${others.join(', ')} is too much`, {
    kind: 'usage',
    hint: `Packages and suites have options: sheaf lock create ${what.replace(/\.toml$/, '')} --package ${others.join(' ')} --from debian/trixie`,
  });
}

async function chooseSpec(what: string, options: CreateOptions): Promise<{ spec: LockSpec; file: string }> {
  const { output, package: packages, from, arch, variant, recommends, exclude } = options;
  const words = { packages, from, arch, variant, recommends, exclude };
  const named = Object.values(words).some((value) => value !== undefined);
  if (!named) return { spec: await readLockSpec(what), file: resolve(output ?? `${what.replace(/\.toml$/, '')}.lock`) };
  if (what.endsWith('.toml')) {
    throw new SheafError('usage', `Cannot lock ${what}: options say what to lock too`, {
      kind: 'usage',
      hint: 'Write everything into the file, or give the lock a name without ".toml".',
    });
  }
  const architectures = arch ?? ['amd64'];
  if (from === undefined) {
    throw new SheafError('usage', `Cannot lock ${what}: it is not said from which suites`, {
      kind: 'usage',
      hint: 'Name them by --from: debian/trixie, debian/trixie@2026-09-12, stable@142.',
    });
  }
  const spec = checkLockSpec({ packages, variant, from, architectures, recommends, exclude });
  return { spec, file: resolve(output ?? `${what.replace(/\.lock$/, '')}.lock`) };
}

export function totalsOf({ architecture, packages }: Lock): LockTotals {
  const sum = (of: (each: Lock['packages'][number]) => number) => packages.reduce((total, each) => total + of(each), 0);
  return { architecture, packages: packages.length, size: sum(({ size }) => size), installedSize: sum(installedSize) };
}

export function formatCreated(created: Created): string[] {
  if (created.kind === 'unsatisfiable') {
    return [style('red', 'apt finds no set of packages that fits:'), ...formatReasons(created.explanation)];
  }
  const { kind, file, locks, sources, unknown } = created;
  return [
    clean(kind === 'created' ? `Wrote ${file}` : `${file} is as it was`),
    ...locks.map(formatTotals),
    ...unknown.map((name) => style('yellow', `No package is called ${name}: to exclude it changes nothing.`)),
    '',
    ...formatSources(sources),
  ];
}

function formatReasons(explanation: string): string[] {
  return explanation.split('\n').map((line) => `  ${clean(line)}`);
}

export function formatTotals({ architecture, packages, size, installedSize: installed }: LockTotals): string {
  return `${architecture}: ${count(packages, 'package')}, ${formatSize(size)} to fetch, ${formatSize(installed)} installed`;
}

export function formatSources(sources: readonly LockSource[]): string[] {
  return formatTable(sources, [
    text('from', (each) => each.snapshot ?? `${each.url} ${each.suite}`),
    text('release of', (each) => each.date),
    text('vouched by', (each) => each.keys?.join(' ')),
  ]);
}
