/**
 * The way of a tag, as an order of steps: judged, made a source package, accepted, built for each architecture, accepted,
 * published. A source that was uploaded goes the same way once it is accepted. Every step is written down before the next
 * begins and is a no-op when it has happened before, so that recovery is this same function called again.
 */
import { acceptBinaries, acceptSource, findAcceptedSource, publishSuite } from '../archive/mod.ts';
import type { AcceptedSource, ArchiveDeps } from '../archive/mod.ts';
import {
  addJob,
  buildNeeds,
  cancelJob,
  listJobs,
  planBinaryTasks,
  setJobState,
  showJob,
  toSentence,
  withoutUdebs,
} from '../build/mod.ts';
import type { BinaryTask, JobSummary, NewJob } from '../build/mod.ts';
import { withTagBuildLock } from '../db/locks.ts';
import type { Db } from '../db/connect.ts';
import { exportSource, findTagBuild, finishTagBuild, judgeTag, noteObstacle, type IntakeDeps } from '../intake/mod.ts';
import type { Clock } from '../kit/clock.ts';
import { describeError, SheafError } from '../kit/error.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import type { JobSpec } from '../model/job.ts';
import { parseLabel, parseSuiteName } from '../model/names.ts';
import type { Admission, TagBuild, TagBuildId, UploadedSource } from '../model/tag-build.ts';
import type { Environment, Environments } from './environment.ts';
import { leftToBuild } from './upload-build.ts';

export type TagToSuite = {
  readonly db: Db;
  readonly distribution: Distribution;
  readonly clock: Clock;
  readonly intake: IntakeDeps;
  readonly archive: ArchiveDeps;
  readonly environments: Environments;
};

/** An admitted tag build, or an uploaded source, on its way into its suite. */
type Way = {
  readonly flow: TagToSuite;
  readonly tagBuild: TagBuild;
  readonly subject: Admission | UploadedSource;
  readonly suite: Suite;
};

/**
 * Takes a tag build as far as it can go now. Throws what may pass by itself (a mirror or a git server that does not
 * answer): the caller tries again later, and meanwhile the tag build says why it waits.
 */
export async function advance(flow: TagToSuite, id: TagBuildId): Promise<void> {
  await withTagBuildLock(flow.db, id, async () => {
    try {
      await goOn(flow, id);
    } catch (error) {
      // Where the database is what fails, this fails too.
      await noteObstacle(flow.db, id, toObstacle(error)).catch(() => {});
      throw error;
    }
    await noteObstacle(flow.db, id, undefined);
  });
}

function toObstacle(error: unknown): string {
  const hint = error instanceof SheafError && error.hint !== undefined ? ` ${error.hint}` : '';
  return toSentence(`${describeError(error).replace(/[.]?$/, '.')}${hint}`, 1000);
}

async function goOn(flow: TagToSuite, id: TagBuildId): Promise<void> {
  const way = await judge(flow, id);
  if (way === undefined) return;
  const source = await takeSource(way);
  if (source === undefined) return;
  const binaries = await takeBinaries(way, source);
  if (binaries.every(({ state }) => !isArchived(state)) && binaries.length > 0) return;
  const { kind } = await publishSuite(flow.archive, way.suite.name, flow.clock.now());
  await finish(way, source);
  // The next build may need what has just been published.
  if (kind === 'published') way.suite.architectures.forEach((each) => flow.environments.prepare(way.suite, each));
}

/** Received → refused, or admitted. Undefined when there is nothing more to do. */
async function judge(flow: TagToSuite, id: TagBuildId): Promise<Way | undefined> {
  const received = await findTagBuild(flow.db, id);
  if (received?.state === 'RECEIVED') {
    const judgement = await judgeTag(flow.intake, id);
    if (judgement.kind === 'PENDING') {
      throw new SheafError('tag-pending', `Cannot judge tag "${received.tag}" now: ${judgement.reason}`);
    }
  }
  const tagBuild = await findTagBuild(flow.db, id);
  const subject = tagBuild?.admission ?? tagBuild?.upload;
  if (tagBuild?.state !== 'ACCEPTED' || subject === undefined) return undefined;
  const suite = flow.distribution.suites.get(parseSuiteName(tagBuild.suite));
  if (suite === undefined) {
    throw new SheafError(
      'suite-gone',
      `Cannot go on with tag build ${id}: suite "${tagBuild.suite}" is not in sheaf.toml`,
      { hint: 'It goes on when the suite is there again; another suite needs a tag or an upload of its own.' },
    );
  }
  return { flow, tagBuild, subject, suite };
}

/** Admitted → source package in the archive. An uploaded one is there. */
async function takeSource(way: Way): Promise<AcceptedSource | undefined> {
  const { flow, subject, suite } = way;
  const find = () => findAcceptedSource(flow.db, suite.repository, subject.source, subject.version);
  if (way.tagBuild.admission === undefined) return find();
  const job = (await jobsOf(way)).find(({ kind }) => kind === 'source');
  if (job === undefined) await askForSource(way, way.tagBuild.admission);
  else if (job.state === 'Built') await archive(way, job, acceptSource);
  const accepted = (await jobsOf(way)).some(({ kind, state }) => kind === 'source' && isArchived(state));
  return accepted ? find() : undefined;
}

async function askForSource(way: Way, admission: Admission): Promise<void> {
  const { flow, suite } = way;
  const architecture = suite.archAll;
  const [{ inputs, control }, environment] = await Promise.all([
    exportSource(flow.intake, admission, way.tagBuild),
    flow.environments.base(suite, architecture),
  ]);
  // While the source package is made, apt already looks at what the binaries will need.
  for (const task of planBinaryTasks(control.architectures, suite)) {
    flow.environments.prepare(suite, task.architecture, buildNeeds(control.source, task.builds));
  }
  await ask(way, { kind: 'source', builds: 'source', architecture, inputs, environment });
}

/** Source package → binary packages in the archive, as far as they are built. */
async function takeBinaries(way: Way, source: AcceptedSource): Promise<JobSummary[]> {
  const tasks = await tasksOf(way, source);
  const asked = await jobsOf(way);
  for (const task of tasks) {
    const job = asked.find(({ kind, architecture }) => kind === 'binary' && architecture === task.architecture);
    if (job !== undefined && job.state !== 'BD-Uninstallable') continue;
    const needs = buildNeeds(source.stanza, task.builds);
    const environment = await way.flow.environments.build(way.suite, task.architecture, needs);
    await ask(way, { kind: 'binary', ...task, inputs: source.files, environment, ...withoutUdebs(source.stanza) });
  }
  for (const job of await jobsOf(way)) {
    if (job.kind === 'binary' && job.state === 'Built') await archive(way, job, acceptBinaries);
  }
  return (await jobsOf(way)).filter((job) => job.kind === 'binary' && isNeeded(tasks, job));
}

async function tasksOf(way: Way, source: AcceptedSource): Promise<BinaryTask[]> {
  const { flow, subject, suite, tagBuild } = way;
  const tasks =
    tagBuild.upload === undefined
      ? planBinaryTasks(source.architectures, suite)
      : await leftToBuild(flow.db, suite, subject);
  for (const job of await jobsOf(way)) {
    if (job.kind !== 'binary' || isNeeded(tasks, job) || !isWaiting(job.state)) continue;
    await cancelJob(flow.db, job.id, whyUnneeded(suite, job), flow.clock.now(), flow.distribution);
  }
  return tasks;
}

function whyUnneeded({ name, architectures }: Suite, { architecture }: JobSummary): string {
  // Somebody has built it elsewhere while it waited: two builds of one version would differ.
  if (architectures.some((each) => each === architecture)) return 'the upload of its packages';
  return `sheaf.toml, where suite ${name} has no ${architecture} any more`;
}

async function finish(way: Way, source: AcceptedSource): Promise<void> {
  const tasks = await tasksOf(way, source);
  const jobs = (await jobsOf(way)).filter((job) => job.kind === 'source' || isNeeded(tasks, job));
  if (jobs.every(({ state }) => state === 'Installed')) {
    await finishTagBuild(way.flow.db, way.flow.distribution, way.tagBuild.id, way.flow.clock.now());
  }
}

/** Offers a built job's files to the archive; what the archive refuses, fails. */
async function archive(way: Way, job: JobSummary, accept: typeof acceptSource | typeof acceptBinaries): Promise<void> {
  const { flow, tagBuild, suite } = way;
  const attempt = (await showJob(flow.db, job.id))!.attempts.find(({ number }) => number === job.attempt)!;
  const now = flow.clock.now();
  const offer = { tagBuild: tagBuild.id, job: job.id, attempt: job.attempt, suite: suite.name, files: attempt.files };
  const answer = await accept(flow.archive, offer, now);
  const [state, reason] =
    answer.kind === 'accepted'
      ? (['Uploaded', 'The archive has accepted its files'] as const)
      : (['Failed', `The archive refused its files: ${answer.reasons.join('; ')}`] as const);
  await setJobState(flow.db, job.id, state, reason, now, flow.distribution);
}

type Asked = Pick<JobSpec, 'kind' | 'builds' | 'architecture' | 'inputs' | 'conditions'> & {
  readonly environment: Environment;
};

/** Adds a job; one whose build dependencies cannot be installed waits as BD-Uninstallable with apt's words. */
async function ask(way: Way, { environment, ...asked }: Asked): Promise<void> {
  const { flow, tagBuild, subject, suite } = way;
  const base = await flow.environments.base(suite, asked.architecture);
  if (base.kind === 'uninstallable') {
    throw new SheafError('no-base', `Cannot make the build environment of suite "${suite.name}": ${base.explanation}`);
  }
  const solved = environment.kind === 'solved';
  const { source, version, sourceDateEpoch } = subject;
  const job: NewJob = {
    tagBuild: tagBuild.id,
    pool: parseLabel('default'),
    priority: asked.kind === 'source' ? 10 : 0,
    maxAttempts: flow.distribution.build.attempts,
    state: solved ? 'Needs-Build' : 'BD-Uninstallable',
    reason: solved ? 'Waits for a worker' : environment.explanation,
    spec: {
      ...asked,
      source,
      version,
      sourceDateEpoch,
      origin: originOf(tagBuild, subject, suite),
      lock: solved ? environment.lock : base.lock,
      baseLock: base.lock,
      limits: flow.distribution.build.limits,
    },
  };
  await addJob(flow.db, job, flow.clock.now(), flow.distribution);
}

function originOf({ repository, tag }: TagBuild, subject: Way['subject'], suite: Suite): JobSpec['origin'] {
  if ('by' in subject) {
    const { name, sha256, by } = subject;
    return { upload: { name, sha256 }, signer: by.slice(0, 200), suite: suite.name };
  }
  const { tagObject, commit, tree, signer } = subject;
  return { repository, tag, tagObject, commit, tree, signer, suite: suite.name };
}

function jobsOf({ flow, tagBuild }: Way): Promise<JobSummary[]> {
  return listJobs(flow.db, { tagBuild: tagBuild.id });
}

function isNeeded(tasks: readonly BinaryTask[], job: JobSummary): boolean {
  return tasks.some(({ architecture }) => architecture === job.architecture);
}

function isWaiting(state: JobSummary['state']): boolean {
  return state === 'Needs-Build' || state === 'BD-Uninstallable' || state === 'Building';
}

/** Whether the archive has its files. */
function isArchived(state: JobSummary['state']): boolean {
  return state === 'Uploaded' || state === 'Installed';
}
