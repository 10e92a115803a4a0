/** What happened: the audit trail, the live pages and the notifiers all read these. */
import type { NotifierTopic } from './distribution.ts';

export type EventKind =
  | 'tag-received'
  | 'tag-refused'
  | 'tag-accepted'
  | 'tag-done'
  | 'job-created'
  | 'job-started'
  | 'job-built'
  | 'job-failed'
  | 'job-requeued'
  | 'job-cancelled'
  | 'job-uninstallable'
  | 'package-accepted'
  | 'result-refused'
  | 'suite-published'
  | 'packages-removed'
  | 'suite-rolled-back'
  | 'suite-frozen'
  | 'suite-thawed'
  | 'upload-held'
  | 'upload-accepted'
  | 'upload-rejected'
  | 'upload-commented'
  | 'signed-in'
  | 'signed-out'
  | 'worker-enrolled'
  | 'worker-approved'
  | 'worker-disabled'
  | 'rebuild-asked'
  | 'rebuild-given-up'
  | 'rebuild-recorded'
  | 'rebuild-refused';

export type Event = {
  readonly id: number;
  readonly at: Date;
  readonly kind: EventKind;
  /** One plain sentence. */
  readonly message: string;
  readonly tagBuild: number | undefined;
  readonly job: number | undefined;
  readonly suite: string | undefined;
  readonly source: string | undefined;
  /** Whose doing it is, when a person's: a name of sheaf.toml, or `USER on the command line`. */
  readonly actor: string | undefined;
  /** The upload of the NEW queue that it is about. */
  readonly upload: number | undefined;
};

export type NewEvent = Pick<Event, 'kind' | 'message'> & {
  readonly tagBuild?: number;
  readonly job?: number;
  readonly suite?: string;
  readonly source?: string;
  readonly actor?: string;
  readonly upload?: number;
};

/** Which events a notifier topic stands for. */
export const topicOfEvent: Partial<Record<EventKind, NotifierTopic>> = {
  'tag-refused': 'refusal',
  'result-refused': 'refusal',
  'job-failed': 'failure',
  'job-uninstallable': 'failure',
  'suite-published': 'publication',
  // The uploader is told what became of it, and of what is asked.
  'upload-held': 'refusal',
  'upload-rejected': 'refusal',
  'upload-commented': 'refusal',
  'upload-accepted': 'publication',
};
