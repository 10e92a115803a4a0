/** What is left to build of a source that a person uploaded, perhaps with some of its packages. */
import { findAcceptedSource, findUploadedArchitectures, type Enter } from '../archive/mod.ts';
import { planBinaryTasks, type BinaryTask } from '../build/mod.ts';
import type { Db } from '../db/connect.ts';
import { admitUploads, refuseUploads, type UploadAdmission } from '../intake/mod.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import { parsePackageName, parseVersion } from '../model/names.ts';

/** Never what came with the upload: an architecture of which any package was given counts as built. */
export function tasksLeft(architectures: readonly string[], suite: Suite, given: readonly string[]): BinaryTask[] {
  return planBinaryTasks(architectures, suite).flatMap((task): BinaryTask[] => {
    const any = task.builds !== 'all' && !given.includes(task.architecture);
    const all = task.builds !== 'any' && !given.includes('all');
    if (any && all) return [{ ...task, builds: 'any+all' }];
    if (any) return [{ ...task, builds: 'any' }];
    return all ? [{ ...task, builds: 'all' }] : [];
  });
}

/** Of an accepted source, by what the repository has of it. */
export async function leftToBuild(
  db: Db,
  suite: Suite,
  accepted: { readonly source: string; readonly version: string },
): Promise<BinaryTask[]> {
  const [source, version] = [parsePackageName(accepted.source), parseVersion(accepted.version)];
  const found = await findAcceptedSource(db, suite.repository, source, version);
  if (found === undefined) return [];
  const [given] = await findUploadedArchitectures(db, suite.repository, [accepted]);
  return tasksLeft(found.architectures, suite, given!);
}

/** Of these sources those of which something is left to build. */
export async function areLeftToBuild<T extends { readonly source: string; readonly version: string }>(
  db: Db,
  suite: Suite,
  accepted: readonly (T & { readonly architectures: readonly string[] })[],
): Promise<ReadonlySet<T>> {
  if (accepted.length === 0) return new Set();
  const given = await findUploadedArchitectures(db, suite.repository, accepted);
  return new Set(accepted.filter((each, at) => tasksLeft(each.architectures, suite, given[at]!).length > 0));
}

/** Who uploads what, as far as it is not in the source itself. */
export type Upload = Pick<UploadAdmission, 'by' | 'signer'> & {
  readonly signature?: UploadAdmission['signature'];
  /** The `.changes`; undefined for bare files. */
  readonly changes?: { readonly name: string; readonly sha256: string } | undefined;
  /** The date of the changelog entry, as the `.changes` repeats it. */
  readonly date?: Date | undefined;
};

/** The sources of these uploads go on as tag builds that are admitted already. */
export function entering(distribution: Distribution, suite: Suite, uploads: readonly Upload[], now: Date): Enter {
  return {
    refuse: (transaction, sources) =>
      refuseUploads(
        transaction,
        sources.map(({ source, version, dsc }) => ({ source, version, dsc: dsc.sha256 })),
      ),
    admit: (transaction, sources) => {
      const admissions = sources.map(({ upload, source, version, dsc }) => {
        const { by, signer, signature, changes, date } = uploads[upload]!;
        const { name, sha256 } = changes ?? dsc;
        const sourceDateEpoch = Math.floor((date ?? now).getTime() / 1000);
        return {
          ...{ suite: suite.name, source, version, dsc: dsc.sha256, sourceDateEpoch },
          ...{ name, sha256, by, signer, signature },
        };
      });
      return admitUploads(transaction, distribution, admissions, now);
    },
  };
}
