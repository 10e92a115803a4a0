/** Which of a suite's architectures a source package builds for. */
import { matchesArchitecture } from '../formats/deb/architecture.ts';
import type { Suite } from '../model/distribution.ts';

/**
 * `patterns` is the Architecture field of the `.dsc`. What a source builds for `all` is built on, and counted as, the
 * suite's architecture for that.
 */
export function architecturesBuilt(
  patterns: readonly string[],
  suite: Pick<Suite, 'architectures' | 'archAll'>,
): ReadonlySet<string> {
  const built = suite.architectures.filter((architecture) =>
    patterns.some((pattern) => matchesArchitecture(pattern, architecture)),
  );
  return new Set(patterns.includes('all') ? [...built, suite.archAll] : built);
}
