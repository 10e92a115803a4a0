/** The steps of a tag build: pure, from what the tables hold to words. */
import type { InputFile, JobState } from '../model/job.ts';
import type { Refusal } from '../model/tag-build.ts';
import { jobSentence, viewAttempt, type AttemptView } from './job.ts';
import type {
  AttemptRow,
  JobRow,
  PackageFileRow,
  PublicationRow,
  SnapshotRow,
  SourcePackageRow,
  TagBuildRow,
} from './store.ts';
import { passedOverReason, stalledSentence, viewTagBuild, type TagBuildView } from './tag-build.ts';
import { counted, keyKind, listed, purpose, reportedBy, utc } from './words.ts';

/** `waiting`: its turn has not come. `skipped`: it will not happen, because a step before it ended the way. */
export type StepState = 'done' | 'running' | 'waiting' | 'failed' | 'skipped';

/** A fact that backs a step. `kind` says how to show the value. */
export type Evidence = {
  readonly label: string;
  readonly value: string;
  readonly kind: 'text' | 'sha256' | 'git' | 'key';
  /** Where the thing itself can be read. */
  readonly at?:
    | { readonly kind: 'evidence'; readonly job: number; readonly sha256: string }
    | { readonly kind: 'snapshot'; readonly suite: string; readonly number: number };
};

type Common = {
  readonly state: StepState;
  /** When it began; undefined when it has not. */
  readonly at: Date | undefined;
  /** When it ended. */
  readonly until: Date | undefined;
  readonly title: string;
  /** One plain sentence. */
  readonly sentence: string;
  readonly evidence: readonly Evidence[];
};

export type Step =
  | (Common & { readonly kind: 'received' | 'verified' | 'admitted' | 'accepted' | 'published' })
  | (Common & { readonly kind: 'refused'; readonly refusals: readonly Refusal[] })
  | (Common & {
      readonly kind: 'job';
      readonly job: number | undefined;
      readonly jobState: JobState | undefined;
      readonly attempts: readonly AttemptView[];
      readonly files: readonly InputFile[];
    });

export type Timeline = TagBuildView & { readonly steps: readonly Step[] };

/** Everything known about one tag build. */
export type TimelineFacts = {
  readonly tagBuild: TagBuildRow;
  readonly duplicates: number;
  readonly jobs: readonly JobRow[];
  readonly attempts: readonly AttemptRow[];
  readonly sourcePackages: readonly SourcePackageRow[];
  readonly binaryPackages: readonly PackageFileRow[];
  readonly publications: readonly PublicationRow[];
  readonly snapshots: readonly SnapshotRow[];
  /** Number of packages in a lock, by its hash, where known. */
  readonly lockSizes: ReadonlyMap<string, number>;
};

export function toTimeline(facts: TimelineFacts): Timeline {
  const { tagBuild } = facts;
  const steps: Step[] = [received(facts), ...judged(tagBuild)];
  if (tagBuild.state === 'ACCEPTED' || tagBuild.state === 'DONE') {
    const jobs = jobSteps(facts);
    steps.push(...jobs, ...archiveSteps(facts, jobs));
  }
  const stalled = stalledSentence(tagBuild);
  const next = steps.findIndex((step) => step.state === 'waiting' && (step.kind !== 'job' || step.job === undefined));
  if (stalled !== undefined && next !== -1) steps[next] = { ...steps[next]!, sentence: stalled };
  return { ...viewTagBuild(tagBuild, tagBuild.state === 'DONE' && isPassedOver(facts)), steps };
}

function received({ tagBuild, duplicates }: TimelineFacts): Step {
  if (tagBuild.upload !== null) return uploaded(tagBuild, tagBuild.upload);
  const again = duplicates === 0 ? '' : ` It was reported ${counted(duplicates, 'more time')}; nothing was done twice.`;
  return {
    kind: 'received',
    state: 'done',
    at: tagBuild.received_at,
    until: undefined,
    title: 'Tag received',
    sentence: `Tag ${tagBuild.tag} was reported ${reportedBy(tagBuild.origin)} for suite ${tagBuild.suite}.${again}`,
    evidence: [
      { label: 'Repository', value: tagBuild.repository, kind: 'text' },
      ...(tagBuild.claimed_object === null
        ? []
        : [{ label: 'Reported object', value: tagBuild.claimed_object, kind: 'git' } as const]),
    ],
  };
}

function uploaded(row: TagBuildRow, upload: NonNullable<TagBuildRow['upload']>): Step {
  return {
    ...{ kind: 'received', state: 'done', at: row.received_at, until: undefined, title: 'Uploaded' },
    sentence: `${upload.name}, ${upload.by}, was uploaded for suite ${row.suite}.`,
    evidence: [{ label: upload.name, value: upload.sha256, kind: 'sha256' }],
  };
}

/** What a signature of nobody means. */
function vouched(row: TagBuildRow): string {
  return row.upload === null ? 'The signature was checked.' : `Nobody signed it: ${row.upload.by}.`;
}

function judged(row: TagBuildRow): Step[] {
  if (row.state === 'RECEIVED') {
    return [
      {
        kind: 'verified',
        state: row.obstacle === null ? 'running' : 'waiting',
        at: undefined,
        until: undefined,
        title: 'Signature',
        sentence: 'The tag is being fetched and its signature checked against the keys in sheaf.toml.',
        evidence: [],
      },
    ];
  }
  const at = row.judged_at ?? undefined;
  const objects: Evidence[] = [
    ['Tag object', row.tag_object] as const,
    ['Commit', row.commit_object] as const,
    ['Tree', row.tree_object] as const,
  ].flatMap(([label, value]) => (value === null ? [] : [{ label, value, kind: 'git' }]));
  const key: Evidence[] =
    row.signature === null
      ? []
      : [{ label: `${keyKind(row.signature.kind)} key`, value: row.signature.fingerprint, kind: 'key' }];
  if (row.state === 'REJECTED') {
    return [
      {
        kind: 'refused',
        state: 'failed',
        at,
        until: undefined,
        title: 'Refused',
        sentence: `Refused for ${counted(row.refusals.length, 'reason')}; nothing was built.`,
        evidence: [...key, ...objects],
        refusals: row.refusals,
      },
    ];
  }
  if (row.state === 'DUPLICATE') return [];
  return [
    {
      kind: 'verified',
      state: 'done',
      at,
      until: undefined,
      title: row.upload !== null && row.signer === null ? 'Without a signature' : 'Signature verified',
      sentence:
        row.signature === null || row.signer === null
          ? vouched(row)
          : `Signed by ${row.signer} with the ${keyKind(row.signature.kind)} key below, which was valid then and is now.`,
      evidence: [
        ...key,
        ...(row.signature === null
          ? []
          : [{ label: 'Signed', value: utc(new Date(row.signature.created)), kind: 'text' } as const]),
        ...objects,
      ],
    },
    {
      kind: 'admitted',
      state: 'done',
      at,
      until: undefined,
      title: 'Admitted',
      sentence: `${row.signer ?? (row.upload === null ? 'The signer' : 'The administrator')} may release ${row.source ?? 'this package'} into ${row.suite}; version ${row.version ?? '?'} is new there.`,
      evidence: [],
    },
  ];
}

type JobStep = Extract<Step, { kind: 'job' }>;

function jobSteps(facts: TimelineFacts): JobStep[] {
  const source = facts.jobs.filter((job) => job.kind === 'source');
  const binary = facts.jobs.filter((job) => job.kind === 'binary');
  const steps = [...source, ...binary].map((job) => jobStep(facts, job));
  const { upload, state } = facts.tagBuild;
  if (upload !== null) {
    if (binary.length === 0 && state !== 'DONE') {
      steps.push(futureJob('Binary packages', 'Those that did not come with it are about to be queued.', 'waiting'));
    }
    return steps;
  }
  if (source.length === 0) steps.push(futureJob('Source package', 'It is about to be queued.', 'waiting'));
  if (binary.length === 0) {
    const ended = source.some((job) => isEnded(job.state));
    steps.push(
      ended
        ? futureJob('Binary packages', 'There is no source package to build them from.', 'skipped')
        : futureJob('Binary packages', 'They are built once the source package is made.', 'waiting'),
    );
  }
  return steps;
}

function futureJob(title: string, words: string, state: StepState): JobStep {
  return {
    kind: 'job',
    state,
    at: undefined,
    until: undefined,
    title,
    sentence: words,
    evidence: [],
    job: undefined,
    jobState: undefined,
    attempts: [],
    files: [],
  };
}

function jobStep(facts: TimelineFacts, job: JobRow): JobStep {
  const attempts = facts.attempts.filter((row) => row.job === job.id);
  const name = purpose(job);
  const lockSize = job.lock === null ? undefined : facts.lockSizes.get(job.lock);
  const built = attempts.findLast((row) => row.outcome === 'built');
  return {
    kind: 'job',
    state: stateOfJob(job.state),
    at: attempts[0]?.started_at,
    until: attempts.length > 0 ? (attempts.at(-1)?.finished_at ?? undefined) : undefined,
    title: name[0]!.toUpperCase() + name.slice(1),
    sentence: jobSentence(job),
    evidence: [
      ...(job.lock === null
        ? []
        : [
            {
              label: lockSize === undefined ? 'Environment' : `Environment of ${counted(lockSize, 'package')}`,
              value: job.lock,
              kind: 'sha256',
              at: { kind: 'evidence', job: job.id, sha256: job.lock },
            } as const,
          ]),
      ...(built?.provenance_sha256 == null
        ? []
        : [
            {
              label: 'Signed provenance',
              value: built.provenance_sha256,
              kind: 'sha256',
              at: { kind: 'evidence', job: job.id, sha256: built.provenance_sha256 },
            } as const,
          ]),
    ],
    job: job.id,
    jobState: job.state,
    attempts: attempts.map(viewAttempt),
    files: built?.files ?? [],
  };
}

function stateOfJob(state: JobState): StepState {
  switch (state) {
    case 'Needs-Build':
      return 'waiting';
    case 'Building':
      return 'running';
    case 'Built':
    case 'Uploaded':
    case 'Installed':
      return 'done';
    case 'BD-Uninstallable':
    case 'Build-Attempted':
    case 'Failed':
    case 'Cancelled':
      return 'failed';
  }
}

/** Whether a job will not go on by itself. */
export function isEnded(state: JobState): boolean {
  return stateOfJob(state) === 'failed';
}

function archiveSteps(facts: TimelineFacts, jobs: readonly JobStep[]): Step[] {
  const failed = jobs.some((step) => step.state === 'failed');
  return [accepted(facts, failed), published(facts, failed)];
}

function accepted({ sourcePackages, binaryPackages }: TimelineFacts, failed: boolean): Step {
  const times = [...sourcePackages, ...binaryPackages].map((row) => row.accepted_at.getTime());
  const words = [
    ...(sourcePackages.length > 0 ? ['the source package'] : []),
    ...(binaryPackages.length > 0 ? [counted(binaryPackages.length, 'binary package')] : []),
  ];
  const repository = (sourcePackages[0] ?? binaryPackages[0])?.repository;
  return {
    kind: 'accepted',
    state: times.length === 0 ? (failed ? 'skipped' : 'waiting') : 'done',
    at: times.length === 0 ? undefined : new Date(Math.min(...times)),
    until: new Set(times).size < 2 ? undefined : new Date(Math.max(...times)),
    title: 'Accepted into the archive',
    sentence:
      times.length === 0
        ? failed
          ? 'Nothing was made that could be accepted.'
          : 'Results enter the archive as soon as a job brings them.'
        : `Names, versions and hashes were checked again: ${listed(words)} entered repository ${repository}.`,
    evidence: binaryPackages.map((row) => ({
      label: `${row.name} ${row.version} ${row.architecture}`,
      value: row.sha256,
      kind: 'sha256',
    })),
  };
}

/** Nothing of it ever was in the suite, nor waits for it. */
function isPassedOver({ tagBuild, publications }: TimelineFacts): boolean {
  const own = publications.filter((row) => row.suite === tagBuild.suite);
  return own.length > 0 && own.every((row) => row.published_at === null && row.ended_at !== null);
}

function published(facts: TimelineFacts, failed: boolean): Step {
  const passedOver = isPassedOver(facts);
  const live = facts.publications.filter((row) => row.published_at !== null);
  const times = live.map((row) => row.published_at!.getTime());
  const snapshots = facts.snapshots
    .filter((snapshot) => live.some((row) => row.suite === snapshot.suite && row.first_snapshot === snapshot.number))
    .toSorted((a, b) => a.number - b.number);
  const names = snapshots.map((snapshot) => `${snapshot.suite}@${snapshot.number}`);
  const ended = live.length > 0 && live.every((row) => row.ended_at !== null);
  const until = ended ? new Date(Math.max(...live.map((row) => row.ended_at!.getTime()))) : undefined;
  return {
    kind: 'published',
    state: live.length === 0 ? (failed || passedOver ? 'skipped' : 'waiting') : 'done',
    at: times.length === 0 ? undefined : new Date(Math.min(...times)),
    until: undefined,
    title: 'Published',
    sentence:
      live.length === 0
        ? passedOver
          ? `It is not published: ${passedOverReason(facts.tagBuild.suite)}.`
          : failed
            ? 'The suite stays as it was.'
            : `The suite ${facts.tagBuild.suite} is published again as soon as there is something new in it.`
        : `In the suite since snapshot ${listed(names)}.${until === undefined ? '' : ` Left it at ${utc(until)}: ${live[0]!.state.toLowerCase()}.`}`,
    evidence: snapshots.flatMap((snapshot): Evidence[] => [
      {
        label: `Snapshot ${snapshot.suite}@${snapshot.number}`,
        value: snapshot.snapshot_id,
        kind: 'text',
        at: { kind: 'snapshot', suite: snapshot.suite, number: snapshot.number },
      },
      ...(snapshot.in_release_sha256 === null
        ? []
        : [{ label: 'InRelease', value: snapshot.in_release_sha256, kind: 'sha256' } as const]),
    ]),
  };
}
