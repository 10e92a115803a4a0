/** Which jobs a source package needs. Pure. */
import { matchesArchitecture } from '../formats/deb/architecture.ts';
import type { Suite } from '../model/distribution.ts';
import type { JobSpec } from '../model/job.ts';
import type { Architecture } from '../model/names.ts';

export type BinaryTask = { readonly architecture: Architecture; readonly builds: Exclude<JobSpec['builds'], 'source'> };

/**
 * One task for each of the suite's architectures that the source builds for; `all` packages exactly once, on the
 * suite's `archAll`. `architectures` is the Architecture field of a .dsc (deb-src-control(5)), split into words.
 */
export function planBinaryTasks(architectures: readonly string[], suite: Suite): BinaryTask[] {
  return suite.architectures.flatMap((architecture): BinaryTask[] => {
    const any = architectures.some((wildcard) => matchesArchitecture(wildcard, architecture));
    const all = architectures.includes('all') && architecture === suite.archAll;
    if (any && all) return [{ architecture, builds: 'any+all' }];
    if (any) return [{ architecture, builds: 'any' }];
    return all ? [{ architecture, builds: 'all' }] : [];
  });
}
