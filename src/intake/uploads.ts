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
 * Reserves the version and writes the way down as ACCEPTED; inside the transaction that accepts the source. A sentence
 * when the version was reserved for other content: then nothing is written.
 */
export async function admitUpload(
  transaction: Db,
  distribution: Pick<Distribution, 'notifiers'>,
  admission: UploadAdmission,
  now: Date,
): Promise<{ readonly id: TagBuildId } | { readonly reason: string }> {
  const { suite, source, version } = admission;
  const reserved = await store.reservedFor(transaction, source, version);
  const isOther = reserved !== undefined && reserved.tree !== store.treeOfUpload(admission.dsc);
  if (isOther && !(await store.wasMadeInto(transaction, source, version, admission.dsc))) {
    return {
      reason: `${source} ${version} was admitted before with other content (${reserved.tree}, tag build ${reserved.tagBuild}); release a new version`,
    };
  }
  const id = await store.insertUpload(transaction, admission, now);
  await store.recordEvent(transaction, distribution, now, {
    kind: 'tag-accepted',
    message: `${source} ${version}, uploaded as ${admission.name} and ${admission.by}, was admitted to ${suite}.`,
    ...{ tagBuild: id, suite, source },
  });
  await store.notify(transaction, 'tag_build', id);
  return { id };
}

/** Has the ways of this source looked at again: packages of it came from outside. */
export async function wakeUploads(db: Db, source: string, version: string): Promise<void> {
  for (const id of await store.listOpenUploads(db, source, version)) await store.notify(db, 'tag_build', id);
}
