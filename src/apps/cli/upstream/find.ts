/** Upstreams and their suites by name. */
import { SheafError } from '../../../kit/error.ts';
import type { Upstream } from '../../../model/distribution.ts';
import type { House } from '../../house.ts';

/** Throws `unknown-upstream`, naming those there are. */
export function findUpstream({ distribution }: Pick<House, 'distribution'>, name: string): Upstream {
  const upstream = distribution.upstreams.get(name as Upstream['name']);
  if (upstream !== undefined) return upstream;
  throw new SheafError('unknown-upstream', `Cannot find upstream "${name}": sheaf.toml has none of this name`, {
    kind: 'usage',
    hint: `The upstreams there are: ${[...distribution.upstreams.keys()].join(', ')}`,
  });
}

/** All suites of an upstream, or those that were asked for. Throws `unknown-suite`. */
export function findSuites(upstream: Upstream, asked: readonly string[] | undefined): readonly string[] {
  for (const suite of asked ?? []) {
    if (!upstream.suites.includes(suite)) {
      throw new SheafError('unknown-suite', `Cannot find suite "${suite}" of upstream ${upstream.name}`, {
        kind: 'usage',
        hint: `Those that are followed: ${upstream.suites.join(', ')}. More can be added to "suites" in sheaf.toml.`,
      });
    }
  }
  return asked ?? upstream.suites;
}
