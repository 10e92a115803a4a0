/** What people say about uploads of the NEW queue. */
import type { Db } from '../db/connect.ts';
import { recordEvent } from '../db/events.ts';
import type { Distribution } from '../model/distribution.ts';
import type { NewUpload } from './store.ts';

export type UploadComment = {
  readonly id: number;
  readonly at: Date;
  readonly author: string;
  readonly text: string;
};

/** The oldest first. */
export async function listComments(db: Db, upload: number): Promise<UploadComment[]> {
  return db
    .selectFrom('upload_comment')
    .select(['id', 'at', 'author', 'text'])
    .where('upload', '=', upload)
    .orderBy('id')
    .limit(1000)
    .execute();
}

/** The uploader is told of it by the notifiers, whatever was decided. */
export async function addComment(
  { db, distribution }: { readonly db: Db; readonly distribution: Distribution },
  upload: NewUpload,
  { by, text }: { readonly by: string; readonly text: string },
  now: Date,
): Promise<UploadComment> {
  return db.transaction().execute(async (transaction) => {
    const comment = await transaction
      .insertInto('upload_comment')
      .values({ upload: upload.id, at: now, author: by, text })
      .returning(['id', 'at', 'author', 'text'])
      .executeTakeFirstOrThrow();
    const whose = upload.signer === undefined ? '' : ` of ${upload.signer}`;
    await recordEvent(transaction, distribution, now, {
      kind: 'upload-commented',
      message: `${by} about NEW ${upload.id}, the upload${whose} of ${upload.source} ${upload.version} for ${upload.suite}: ${text}`,
      suite: upload.suite,
      source: upload.source,
      actor: by,
      upload: upload.id,
    });
    return comment;
  });
}
