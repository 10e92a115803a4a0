/** Packages for the installer, which no suite takes: what builds for a suite leaves them out. */
import { field, type Stanza } from '../formats/deb/deb822.ts';
import type { BuildSpec } from '../model/job.ts';

/**
 * `dsc` lists its packages as `name type section priority …` (deb-src-control(5), Package-List). Only where some are
 * udebs is anything said, for tools note the profile in every package that they make.
 */
export function withoutUdebs(dsc: Stanza): Pick<BuildSpec, 'conditions'> {
  const types = (field(dsc, 'Package-List') ?? '').split('\n').map((line) => line.trim().split(/\s+/)[1]);
  return types.includes('udeb') ? { conditions: { environment: { DEB_BUILD_PROFILES: 'noudeb' } } } : {};
}
