/** Sources that people upload: from here on they go the way of an admitted tag. */
import type { Distribution } from '../model/distribution.ts';
import type { TagBuildId, UploadedSource } from '../model/tag-build.ts';
import * as store from './store.ts';
import type { Db } from './store.ts';

/** What an uploaded source brings along, beside itself. */
export type UploadAdmission = UploadedSource & {
  readonly suite: string;
  /** SHA-256 of its `.dsc`: what the version means from now on. */
  readonly dsc: string;
  /** Undefined when the administrator vouched for it. */
  readonly signer: string | undefined;
  readonly signature: store.Verdict['signature'];
};

/**
 * For each source a sentence when its version was reserved for other content: such a one must not be admitted. What this
 * has looked at, nobody changes before the transaction ends.
 */
export async function refuseUploads(
  transaction: Db,
  sources: readonly Pick<UploadAdmission, 'source' | 'version' | 'dsc'>[],
): Promise<readonly (string | undefined)[]> {
  const reserved = await store.reservedForAll(transaction, sources);
  const reasons: (string | undefined)[] = [];
  for (const [at, { source, version, dsc }] of sources.entries()) {
    const found = reserved[at];
    const isOther = found !== undefined && found.tree !== store.treeOfUpload(dsc);
    reasons.push(
      isOther && !(await store.wasMadeInto(transaction, source, version, dsc))
        ? `${source} ${version} was admitted before with other content (${found.tree}, tag build ${found.tagBuild}); release a new version`
        : undefined,
    );
  }
  return reasons;
}

/**
 * Reserves the versions and writes the ways down as ACCEPTED; inside the transaction that accepts the sources, which
 * `refuseUploads` has nothing against.
 */
export async function admitUploads(
  transaction: Db,
  distribution: Pick<Distribution, 'notifiers'>,
  admissions: readonly UploadAdmission[],
  now: Date,
): Promise<readonly TagBuildId[]> {
  const ids = await store.insertUploads(transaction, admissions, now);
  await store.recordEvents(
    transaction,
    distribution,
    now,
    admissions.map(({ source, version, name, by, suite }, at) => ({
      kind: 'tag-accepted',
      message: `${source} ${version}, uploaded as ${name} and ${by}, was admitted to ${suite}.`,
      ...{ tagBuild: ids[at]!, suite, source },
    })),
  );
  await store.notifyAll(transaction, 'tag_build', ids);
  return ids;
}

/** Has the ways of these sources looked at again: packages of them came from outside. */
export async function wakeUploads(
  db: Db,
  sources: readonly { readonly source: string; readonly version: string }[],
): Promise<void> {
  await store.notifyAll(db, 'tag_build', await store.listOpenUploads(db, sources));
}
