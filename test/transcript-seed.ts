/** For the transcripts: two tags with jobs and logs, one refusal, one worker that waits for approval. */
import { seedAttempt, seedJob, seedTag } from './seed.ts';
import { approvedWorker } from './jobs.ts';
import type { Db } from '../src/db/connect.ts';

const at = (time: string) => new Date(`2026-11-20T${time}Z`);

export async function seedTranscripts(db: Db): Promise<void> {
  await approvedWorker(db, 'sapling');
  await db
    .updateTable('worker')
    .set({ last_seen_at: at('10:00:00') })
    .execute();

  const hello = { source: 'hello', version: '2.10-3' };
  const tag = await seedTag(db, { ...hello, state: 'ACCEPTED', at: at('09:00:00') });
  const source = await seedJob(db, {
    ...hello,
    tag,
    kind: 'source',
    state: 'Uploaded',
    at: at('09:00:01'),
    worker: 'sapling',
  });
  await seedAttempt(db, {
    job: source,
    worker: 'sapling',
    at: at('09:00:02'),
    outcome: 'built',
    files: ['hello_2.10-3.dsc'],
    log: 'dpkg-source: info: done\n',
  });
  const binary = await seedJob(db, {
    ...hello,
    tag,
    state: 'Failed',
    reason: 'dpkg-buildpackage ended with 2',
    at: at('09:01:00'),
    worker: 'sapling',
  });
  await seedAttempt(db, {
    job: binary,
    worker: 'sapling',
    at: at('09:01:01'),
    outcome: 'failed',
    fault: 'package',
    reason: 'dpkg-buildpackage ended with 2',
    log: 'dh binary\n\u001b[31mmake: *** [all] Error 1\u001b[0m\n',
  });
  await seedJob(db, { ...hello, tag, architecture: 'arm64', state: 'Needs-Build', at: at('09:01:00') });

  await seedTag(db, {
    source: 'hello',
    version: '2.10-2',
    state: 'REJECTED',
    at: at('08:00:00'),
    refusals: [
      { code: 'unsigned-tag', message: 'The tag is not signed.', hint: 'Sign it: git tag --sign.' },
      {
        code: 'version-not-greater',
        message: 'Version 2.10-2 is not greater than 2.10-3.',
        hint: 'Raise the version.',
      },
    ],
  });
}
