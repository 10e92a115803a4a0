/** `sheaf lock diff`: two files of locks, compared and told. */
import {
  compareLocks,
  type ArchitectureChange,
  type LockComparison,
  type LockSizes,
  type LockSourceChange,
} from '../../../flows/compare-locks.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { clean } from '../clean.ts';
import { formatAlarms, formatChangelog, formatCounts, formatGroup } from '../diff/text.ts';
import { interruptible } from '../interrupt.ts';
import { style } from '../style.ts';
import { lockChangelogs } from './changelogs.ts';
import { readLocks } from './read.ts';

export type LockDiff = LockComparison & { readonly left: string; readonly right: string };

export type LockDiffOptions = { readonly changelogs: boolean; readonly json: boolean };

export async function diffLocks(left: string, right: string, { changelogs, json }: LockDiffOptions): Promise<LockDiff> {
  const [old, now] = [(await readLocks(left)).locks, (await readLocks(right)).locks];
  const compare = async (signal?: AbortSignal) =>
    compareLocks(
      old,
      now,
      signal &&
        lockChangelogs(
          now.flatMap(({ packages }) => packages),
          { json, signal },
        ),
    );
  return { left, right, ...(await (changelogs ? interruptible(compare) : compare())) };
}

export function formatLockDiff(diff: LockDiff): string[] {
  return [
    ...formatAlarms(diff.alarms),
    `${style('bold', clean(diff.left))} → ${style('bold', clean(diff.right))}`,
    ...formatLockChanges(diff),
  ];
}

/** Without alarms and heading. */
export function formatLockChanges({ architectures, places, requests }: LockComparison): string[] {
  const told = new Set<string>();
  return [
    ...(places === undefined ? [] : formatBoth('from', places.left, places.right)),
    ...(requests === undefined
      ? []
      : formatBoth('asked', requests.left.flatMap(wordsOf), requests.right.flatMap(wordsOf), ' ')),
    ...architectures.flatMap((each) => formatArchitecture(each, told)),
  ];
}

/** Only what one side has; each on a line of its own, or with `join` on one. */
function formatBoth(label: string, left: readonly string[], right: readonly string[], join?: string): string[] {
  const gone = left.filter((each) => !right.includes(each));
  const came = right.filter((each) => !left.includes(each));
  const lines = (words: readonly string[]) => (join === undefined || words.length === 0 ? words : [words.join(join)]);
  return [...lines(gone).map((each) => ['-', each] as const), ...lines(came).map((each) => ['+', each] as const)].map(
    ([sign, each]) => `${style('dim', `${label}:`.padEnd(10))} ${sign} ${clean(each)}`,
  );
}

/** As the options of `sheaf lock create` say it. */
function wordsOf({ packages, variant, recommends, exclude }: LockRequests[number]): string[] {
  return [
    ...packages,
    ...(variant === undefined ? [] : [`--variant=${variant}`]),
    ...(recommends ? ['--recommends'] : []),
    ...exclude.map((each) => `--exclude=${each}`),
  ];
}

type LockRequests = NonNullable<LockComparison['requests']>['left'];

/** `told`: changelogs that were shown already, of another architecture. */
function formatArchitecture(change: ArchitectureChange, told: Set<string>): string[] {
  const { architecture, only, counts, sizes, sources } = change;
  const whole = only === undefined ? '' : only === 'left' ? ' (no longer)' : ' (new)';
  return [
    `${style('dim', `${architecture}:`.padEnd(10))} ${formatCounts(counts)}${whole}`,
    ...(sources.length === 0
      ? []
      : [
          `${style('dim', 'download:'.padEnd(10))} ${formatTotal(sizes.left.download, sizes.right.download)}`,
          `${style('dim', 'installed:')} ${formatTotal(sizes.left.installed, sizes.right.installed)}`,
        ]),
    ...sources.flatMap((group) => ['', ...formatSource(group, architecture, told)]),
    ...(sources.length === 0 ? [] : ['']),
  ];
}

function formatTotal(left: number, right: number): string {
  return `${formatSize(right)} (${formatDifference(right - left)})`;
}

function formatSource(group: LockSourceChange, architecture: string, told: Set<string>): string[] {
  const { changelog, fixed, ...plain } = group;
  const key = `${group.source} ${group.oldVersion} ${group.newVersion}`;
  const isTold = told.has(key);
  told.add(key);
  return [
    ...formatGroup(plain, { architectures: [architecture] }),
    `  ${style('dim', 'size'.padEnd(10))} ${formatSizes(sumOf(group))}`,
    ...(fixed === undefined ? [] : [`  ${style('green', 'fixed'.padEnd(10))} ${clean(fixed.join(', '))}`]),
    ...(isTold || changelog === undefined ? [] : formatChangelog({ changelog })),
  ];
}

function sumOf({ changes }: LockSourceChange): LockSizes {
  return {
    download: changes.reduce((sum, { sizes }) => sum + sizes.download, 0),
    installed: changes.reduce((sum, { sizes }) => sum + sizes.installed, 0),
  };
}

function formatSizes({ download, installed }: LockSizes): string {
  return `${formatDifference(download)} to download, ${formatDifference(installed)} installed`;
}

function formatDifference(bytes: number): string {
  if (bytes === 0) return '±0';
  return `${bytes < 0 ? '-' : '+'}${formatSize(Math.abs(bytes))}`;
}
