/** Sentences about rebuilds, the same on every surface. */
import type { Cause, RebuildResult, Verdict } from '../model/rebuild.ts';

const words: Record<Verdict, string> = {
  reproduced: 'was reproduced',
  differs: 'differs',
  unknown: 'could not be judged',
  failed: 'could not be built',
};

/** `hello 2.10-3 (amd64) differs: clock (the year of the build is in the program)`. */
export function describeRebuild(result: RebuildResult): string {
  const { source, version, architecture, verdict, causes, reason } = result;
  const why =
    reason ??
    causes
      .filter(({ confirmed }) => confirmed)
      .map(describeCause)
      .join(', ');
  return `${source} ${version} (${architecture}) ${words[verdict]}${why === '' ? '' : `: ${why}`}`;
}

/** `clock (the year of the build is in the program)` */
export function describeCause({ kind, detail }: Cause): string {
  return detail === '' ? kind : `${kind} (${detail})`;
}
