/** Upstreams as the pages and the API tell of them: settings, what is kept of each suite, and the last look at it. */
import { listTrackedSuites, type TrackedSuite } from '../../history/mod.ts';
import type { Distribution, Upstream } from '../../model/distribution.ts';
import { listChecks, type UpstreamCheck } from '../../sync/mod.ts';
import type { Db } from '../../tracker/store.ts';

export type FollowedSuite = {
  readonly suite: string;
  readonly tracked: TrackedSuite | undefined;
  readonly check: UpstreamCheck | undefined;
};
export type FollowedUpstream = {
  readonly name: string;
  /** Undefined when sheaf.toml no longer names it: what was kept stays. */
  readonly settings: Upstream | undefined;
  readonly suites: readonly FollowedSuite[];
};

/** Upstreams by sheaf.toml first, then those of which only the past is known. */
export async function followedUpstreams(
  { db, distribution }: { readonly db: Db; readonly distribution: Distribution },
  only?: string,
): Promise<FollowedUpstream[]> {
  const tracked = (await listTrackedSuites(db)).filter((each) => each.origin !== '');
  const settings: ReadonlyMap<string, Upstream> = distribution.upstreams;
  const names = new Set([...settings.keys(), ...tracked.map((each) => each.origin)]);
  return Promise.all(
    [...names]
      .filter((name) => only === undefined || name === only)
      .map(async (name): Promise<FollowedUpstream> => {
        const own = tracked.filter((each) => each.origin === name);
        const suites = new Set([...(settings.get(name)?.suites ?? []), ...own.map((each) => each.suite)]);
        return {
          name,
          settings: settings.get(name),
          suites: await Promise.all(
            [...suites].map(async (suite) => ({
              suite,
              tracked: own.find((each) => each.suite === suite),
              check: (await listChecks(db, { upstream: name, suite, limit: 1 }))[0],
            })),
          ),
        };
      }),
  );
}
