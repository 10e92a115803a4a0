/** Where a package is now: for each suite and architecture exactly one state, and one plain sentence saying why. */
import { matchesArchitecture } from '../formats/deb/architecture.ts';
import type { JobState } from '../model/job.ts';
import { jobSentence, type JobFacts } from './job.ts';
import { limitOf, toPage, type Page, type PageRequest } from './page.ts';
import * as store from './store.ts';
import type { Db, JobRow, LivePackageRow, TagBuildRow } from './store.ts';
import { refusalSentence, stalledSentence } from './tag-build.ts';
import { isEnded } from './steps.ts';
import { sentence } from './words.ts';

/** wanna-build's words, upload states and publication states. */
export type PackageState =
  | JobState
  | 'Not-For-Us'
  | 'ACCEPTED'
  | 'REJECTED'
  | 'PENDING'
  | 'PUBLISHED'
  | 'SUPERSEDED'
  | 'DELETED'
  | 'OBSOLETE';

export type PackageStatus = {
  readonly source: string;
  readonly suite: string;
  readonly architecture: string;
  readonly state: PackageState;
  readonly sentence: string;
  /** The version that the state is about. */
  readonly version: string | undefined;
  /** The version that clients of the suite get now. */
  readonly published: string | undefined;
  readonly since: Date | undefined;
  readonly job: number | undefined;
  readonly tagBuild: number | undefined;
};

/** What one suite knows of one source package. */
export type StatusFacts = {
  readonly source: string;
  readonly suite: string;
  /** The newest admitted tag build, and its jobs. */
  readonly admitted: TagBuildRow | undefined;
  readonly jobs: readonly JobFactsRow[];
  /** The newest refused one. */
  readonly refused: TagBuildRow | undefined;
  /** Newest first, and only those of components that the suite has. */
  readonly publications: readonly LivePackageRow[];
  /** The newest that would be in the suite if that had its component. */
  readonly outside: LivePackageRow | undefined;
};

type JobFactsRow = JobFacts & Pick<JobRow, 'id' | 'created_at' | 'finished_at'>;

/** The suites to report about: their names, architectures and components. */
export type SuiteAxes = ReadonlyMap<
  string,
  { readonly architectures: readonly string[]; readonly components: readonly string[] }
>;

export type PackageListItem = { readonly source: string; readonly statuses: readonly PackageStatus[] };

/** Source packages by name, each with its states. `part` must be in the name. */
export async function listPackages(
  db: Db,
  suites: SuiteAxes,
  filters: { readonly part?: string | undefined },
  request: PageRequest = {},
): Promise<Page<PackageListItem>> {
  const limit = limitOf(request);
  const names = await store.listSourceNames(db, filters.part, request.after, limit + 1);
  const statuses = await packageStatuses(db, suites, names.slice(0, limit));
  return toPage(
    names,
    limit,
    (name) => name,
    (source) => ({ source, statuses: statuses.filter((status) => status.source === source) }),
  );
}

/** States of these packages in every suite that ever heard of them, by suite and architecture in the suites' order. */
export async function packageStatuses(db: Db, suites: SuiteAxes, sources: readonly string[]): Promise<PackageStatus[]> {
  const [admitted, refused, publications] = await Promise.all([
    store.readNewestTagBuilds(db, sources, ['ACCEPTED', 'DONE']),
    store.readNewestTagBuilds(db, sources, ['REJECTED']),
    store.readLivePackages(db, sources),
  ]);
  const jobs = await store.readJobsOf(
    db,
    admitted.map((row) => row.id),
  );
  return sources.flatMap((source) =>
    [...suites].flatMap(([suite, { architectures, components }]) => {
      const here = <T extends { readonly source: string | null; readonly suite: string }>(row: T) =>
        row.source === source && row.suite === suite;
      const newest = admitted.find(here);
      const own = publications.filter(here);
      const facts: StatusFacts = {
        source,
        suite,
        admitted: newest,
        jobs: jobs.filter((job) => job.tag_build === newest?.id),
        refused: refused.find(here),
        publications: own.filter(({ component }) => components.includes(component)),
        outside: own.find(({ component, state }) => state === 'PUBLISHED' && !components.includes(component)),
      };
      if (facts.admitted === undefined && facts.refused === undefined && own.length === 0) return [];
      return architectures.map((architecture) => statusOf(facts, architecture));
    }),
  );
}

/** Pure: the one state of a package on one architecture of one suite. */
export function statusOf(facts: StatusFacts, architecture: string): PackageStatus {
  const inSuite = facts.publications.find(
    (row) => row.state === 'PUBLISHED' && (row.architecture === architecture || row.architecture === 'all'),
  );
  const common = {
    source: facts.source,
    suite: facts.suite,
    architecture,
    published: inSuite?.version,
    tagBuild: facts.admitted?.id,
    job: undefined,
  };
  const { admitted } = facts;
  if (admitted?.state === 'ACCEPTED' && !cameAlong(facts, admitted, inSuite, architecture)) {
    return { ...common, ...underWay(facts, admitted, architecture) };
  }
  if (inSuite !== undefined) return { ...common, ...published(facts, inSuite) };
  if (facts.outside !== undefined) return { ...common, ...withoutPlace(facts.outside) };
  if (admitted !== undefined) return { ...common, ...underWay(facts, admitted, architecture) };
  const last = facts.publications.find((row) => row.architecture === architecture || row.architecture === 'all');
  if (last !== undefined) {
    return {
      ...common,
      state: last.state,
      version: last.version,
      since: last.ended_at ?? last.created_at,
      sentence: `Version ${last.version} was in the suite and is no longer.`,
    };
  }
  if (facts.refused !== undefined) {
    return {
      ...common,
      tagBuild: facts.refused.id,
      state: 'REJECTED',
      version: facts.refused.version ?? undefined,
      since: facts.refused.judged_at ?? undefined,
      sentence: `The newest tag was refused. ${refusalSentence(facts.refused.refusals)}`,
    };
  }
  return {
    ...common,
    state: 'Not-For-Us',
    version: facts.publications[0]?.version,
    since: undefined,
    sentence: whyNothing(facts, architecture),
  };
}

/** Packages for this architecture were uploaded, with their source or after it, and nothing for it is under way. */
function cameAlong(
  { jobs, publications }: StatusFacts,
  admitted: TagBuildRow,
  inSuite: LivePackageRow | undefined,
  architecture: string,
): boolean {
  if (admitted.upload === null || inSuite?.version !== admitted.version) return false;
  if (jobs.length === 0) return inSuite.architecture === architecture;
  // Who has built it elsewhere meanwhile ends the wait for a build.
  const isInSuite = (name: string) =>
    publications.some(
      (row) => row.state === 'PUBLISHED' && row.version === admitted.version && row.architecture === name,
    );
  return jobs
    .filter((job) => job.architecture === architecture || job.builds === 'all' || job.builds === 'any+all')
    .every(({ state, builds }) => state === 'Cancelled' && isInSuite(builds === 'all' ? 'all' : architecture));
}

type Part = Pick<PackageStatus, 'state' | 'sentence' | 'version' | 'since'> & {
  readonly job?: number;
  readonly tagBuild?: number;
};

function underWay(facts: StatusFacts, admitted: TagBuildRow, architecture: string): Part {
  const stalled = stalledSentence(admitted);
  const part = onItsWay(facts, admitted, architecture);
  return stalled === undefined ? part : { ...part, sentence: `${part.sentence} ${stalled}` };
}

function onItsWay(facts: StatusFacts, admitted: TagBuildRow, architecture: string): Part {
  const version = admitted.version ?? undefined;
  const source = facts.jobs.find((job) => job.kind === 'source');
  const binaries = facts.jobs.filter((job) => job.kind === 'binary');
  const job =
    binaries.find((each) => each.architecture === architecture && each.builds !== 'all') ??
    binaries.find((each) => each.builds === 'all' || each.builds === 'any+all') ??
    undefined;
  if (job !== undefined && (job.architecture === architecture || job.builds === 'all')) {
    return ofJob(job, version, job.builds === 'all' ? 'The packages are the same for every architecture. ' : '');
  }
  if (binaries.length > 0) {
    return {
      state: 'Not-For-Us',
      version,
      since: admitted.judged_at ?? undefined,
      sentence: whyNothing(facts, architecture),
    };
  }
  if (source === undefined && admitted.upload !== null) {
    return {
      state: 'ACCEPTED',
      version,
      since: admitted.received_at,
      sentence: 'Its source package was uploaded; its build is about to be queued.',
    };
  }
  if (source === undefined) {
    return {
      state: 'ACCEPTED',
      version,
      since: admitted.judged_at ?? undefined,
      sentence: 'The tag is admitted; its source package is about to be queued.',
    };
  }
  if (isEnded(source.state)) return ofJob(source, version, 'The source package could not be made. ');
  return {
    state: 'Needs-Build',
    version,
    since: source.created_at,
    job: source.id,
    sentence:
      source.state === 'Building'
        ? 'Waits for its source package, which is being made now.'
        : source.state === 'Needs-Build'
          ? 'Waits for its source package, which waits for a free worker.'
          : 'Its source package is made; its build is about to be queued.',
  };
}

/** It comes back with its component. */
function withoutPlace({ suite, version, component }: LivePackageRow): Part {
  const sentence = `Version ${version} is of component ${component}, which suite ${suite} does not have: no index lists it.`;
  return { state: 'Not-For-Us', version, since: undefined, sentence };
}

/** A source that makes packages for it may have come before the suite had the architecture. */
function whyNothing({ publications, admitted }: StatusFacts, architecture: string): string {
  const source = publications.find((row) => row.architecture === 'source');
  const patterns = source?.builds_for?.trim().split(/\s+/) ?? [];
  return admitted?.state !== 'ACCEPTED' && patterns.some((pattern) => matchesArchitecture(pattern, architecture))
    ? `Version ${source!.version} came without packages for ${architecture}. Release the next one to have them built.`
    : `The source package makes nothing for ${architecture}.`;
}

function ofJob(job: JobFactsRow, version: string | undefined, prefix: string): Part {
  return {
    state: job.state,
    version,
    since: job.finished_at ?? job.created_at,
    job: job.id,
    sentence: prefix + jobSentence(job),
  };
}

function published(facts: StatusFacts, row: LivePackageRow): Part {
  const { refused, admitted } = facts;
  const newerRefused = refused !== undefined && refused.id > (admitted?.id ?? 0);
  const where = row.first_snapshot === null ? facts.suite : `${facts.suite}@${row.first_snapshot}`;
  const tail = newerRefused ? ` A newer tag, ${refused.tag}, was refused. ${refusalSentence(refused.refusals)}` : '';
  return {
    state: 'PUBLISHED',
    version: row.version,
    since: row.published_at ?? row.created_at,
    sentence: sentence(`Version ${row.version} is in the suite since ${where}`) + tail,
    ...(newerRefused ? { tagBuild: refused.id } : {}),
  };
}
