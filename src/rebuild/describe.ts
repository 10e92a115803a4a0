/** Sentences about rebuilds, the same on every surface. */
import type { Cause, RebuildResult, Verdict } from '../model/rebuild.ts';
import type { Believed, Rebuild } from './store.ts';

const words: Record<Verdict, string> = {
  reproduced: 'was reproduced',
  differs: 'differs',
  unknown: 'could not be judged',
  failed: 'could not be built',
};

/** `hello 2.10-3 (amd64) differs: clock (the year of the build is in the program)`. */
export function describeRebuild(result: RebuildResult): string {
  const { source, version, architecture, verdict } = result;
  const why = describeWhy(result);
  return `${source} ${version} (${architecture}) ${words[verdict]}${why === undefined ? '' : `: ${why}`}`;
}

/** The reason, or the confirmed causes and the most plausible guess at what they leave open; undefined where nothing is known. */
export function describeWhy({
  reason,
  causes,
}: {
  readonly reason?: string | undefined;
  readonly causes: readonly Cause[];
}): string | undefined {
  if (reason !== undefined) return reason;
  // What one part of a package differed by, the other may have too.
  const confirmed = new Set(causes.filter((each) => each.confirmed).map(describeCause));
  const guess = causes.map(describeCause).find((each) => !confirmed.has(each));
  const all = [...confirmed, ...(guess === undefined ? [] : [`perhaps ${guess}`])];
  return all.length === 0 ? undefined : all.join(', ');
}

type Said = {
  readonly rebuilder: string;
  readonly verdict: Verdict;
  readonly others: readonly { readonly rebuilder: string; readonly verdict: Verdict }[];
};

/** Whether another rebuilder says something else of a file. */
export function isDisputed({ verdict, others }: Omit<Said, 'rebuilder'>): boolean {
  return others.some((each) => each.verdict !== verdict);
}

/** Who says so, and who something else: `Grove, Meadow, but Far: differs` */
export function describeRebuilders({ rebuilder, verdict, others }: Said): string {
  const same = others.filter((each) => each.verdict === verdict).map((each) => each.rebuilder);
  const different = others.filter((each) => each.verdict !== verdict);
  const but = different.map((each) => `${each.rebuilder}: ${each.verdict}`);
  return [[rebuilder, ...same].join(', '), ...(but.length === 0 ? [] : [`but ${but.join(', ')}`])].join(', ');
}

/** `clock (the year of the build is in the program)` */
export function describeCause({ kind, detail }: Cause): string {
  return detail === '' ? kind : `${kind} (${detail})`;
}

/** With what of the difference it explains, where that is not all: `clock (a year), of usr/bin/a` */
export function describeExplained(cause: Cause): string {
  return `${describeCause(cause)}${cause.explains === undefined ? '' : `, of ${cause.explains}`}`;
}

/**
 * `Grove`, and of another house whether its word counts: it does not once its key is revoked, or named no more. Its name is
 * that which its key has today.
 */
export function describeRebuilder(
  { origin, rebuilder, key }: Pick<Rebuild, 'origin' | 'rebuilder' | 'key'>,
  { foreign }: Believed,
): string {
  if (origin === 'own') return rebuilder;
  const name = key === undefined ? [...foreign.values()].find((each) => each === rebuilder) : foreign.get(key);
  return `${name ?? rebuilder}, another rebuilder${name === undefined ? ', whose word counts no longer' : ''}`;
}
