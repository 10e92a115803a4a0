/** What is left to build of a source that a person uploaded, perhaps with some of its packages. */
import { findAcceptedSource, findUploadedArchitectures, type EnteringSource, type Entered } from '../archive/mod.ts';
import { planBinaryTasks, type BinaryTask } from '../build/mod.ts';
import type { Db } from '../db/connect.ts';
import { admitUpload, type UploadAdmission } from '../intake/mod.ts';
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
  return tasksLeft(found.architectures, suite, await findUploadedArchitectures(db, suite.repository, source, version));
}

/** Who uploads what, as far as it is not in the source itself. */
export type Upload = Pick<UploadAdmission, 'by' | 'signer'> & {
  readonly signature?: UploadAdmission['signature'];
  /** The `.changes`; undefined for bare files. */
  readonly changes?: { readonly name: string; readonly sha256: string } | undefined;
  /** The date of the changelog entry, as the `.changes` repeats it. */
  readonly date?: Date | undefined;
};

/** For `acceptUpload`: the source goes on as a tag build that is admitted already. */
export function entering(distribution: Distribution, suite: Suite, upload: Upload, now: Date) {
  return async (transaction: Db, entered: EnteringSource): Promise<Entered> => {
    const { source, version, dsc } = entered;
    const { name, sha256 } = upload.changes ?? dsc;
    const { by, signer, signature } = upload;
    const sourceDateEpoch = Math.floor((upload.date ?? now).getTime() / 1000);
    const admission = {
      ...{ suite: suite.name, source, version, dsc: dsc.sha256, sourceDateEpoch },
      ...{ name, sha256, by, signer, signature },
    };
    const answer = await admitUpload(transaction, distribution, admission, now);
    return 'reason' in answer ? answer : { tagBuild: answer.id };
  };
}
