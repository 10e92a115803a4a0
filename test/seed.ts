/**
 * A distribution in the middle of its day: packages in every state, refusals, workers, logs. For tests of what reads
 * the tables, and to look at the pages (test/web-preview.ts).
 */
import { sha256 } from '../src/kit/digest.ts';
import type { Db } from '../src/db/connect.ts';
import type { Distribution, Suite } from '../src/model/distribution.ts';
import type { EventKind } from '../src/model/event.ts';
import type { JobSpec, JobState } from '../src/model/job.ts';
import { parseArchitecture, parseLabel, parsePackageName, parseSuiteName, parseVersion } from '../src/model/names.ts';
import type { Refusal, TagBuildState } from '../src/model/tag-build.ts';
import { unjudged } from './tag-build-row.ts';

export const seedNow = new Date('2026-11-21T10:00:00Z');

const minute = 60_000;
const limits = { wall: 3_600_000, silence: 600_000, memory: 2 ** 31, disk: 2 ** 33, log: 2 ** 26, processes: 500 };

function suite(name: string, changes: Partial<Suite> = {}): Suite {
  return {
    name: parseSuiteName(name),
    repository: parseLabel('main'),
    description: 'What devices run',
    codename: parseSuiteName(name),
    upstream: parseLabel('debian'),
    components: ['main'],
    architectures: ['amd64', 'arm64'].map(parseArchitecture),
    archAll: parseArchitecture('amd64'),
    packages: ['*'],
    distributions: [name],
    frozen: false,
    validFor: 7 * 86_400_000,
    ...changes,
  };
}

export function seedDistribution(changes: Partial<Distribution> = {}): Distribution {
  const suites = [
    suite('stable'),
    suite('next', { description: 'What devices will run' }),
    suite('classic', { description: 'Kept for devices in the field', frozen: true }),
  ];
  return {
    name: 'fieldos',
    title: 'FieldOS',
    url: 'http://packages.example.org',
    listen: { host: '127.0.0.1', port: 0 },
    git: {
      tagFormat: 'debian/%(version)s',
      upstreamTagFormat: 'upstream/%(version)s',
      addresses: ['https://*'],
      directories: [],
      limits: { fetch: 2 ** 30, file: 2 ** 28, tree: 2 ** 30, files: 100_000, tag: 2 ** 16, time: 300_000 },
    },
    upstreams: new Map(),
    repositories: new Map(
      [
        ['main', 'FieldOS main'],
        ['apps', 'FieldOS apps'],
      ].map(([name, title]) => [parseLabel(name!), { name: parseLabel(name!), title: title! }]),
    ),
    suites: new Map(suites.map((each) => [each.name, each])),
    people: new Map(),
    build: { limits, lease: 60_000, attempts: 3, environment: [] },
    webhooks: new Map(),
    notifiers: new Map(),
    directory: '/nonexistent',
    ...changes,
  };
}

const before = (milliseconds: number): Date => new Date(seedNow.getTime() - milliseconds);
const git = (text: string): string => sha256(text).slice(0, 40);

type SeedTag = {
  readonly source: string;
  readonly version: string;
  readonly state: TagBuildState;
  readonly at: Date;
  readonly origin?: string;
  readonly suite?: string;
  readonly kind?: 'openpgp' | 'ssh';
  readonly refusals?: readonly Refusal[];
  readonly repeats?: number;
};

export async function seedTag(db: Db, tag: SeedTag): Promise<number> {
  const name = `${tag.source} ${tag.version}`;
  const isAdmitted = tag.state === 'ACCEPTED' || tag.state === 'DONE';
  const isKnown = isAdmitted || tag.state === 'REJECTED';
  const ssh = tag.kind === 'ssh';
  const { id } = await db
    .insertInto('tag_build')
    .values({
      ...unjudged,
      repository: `https://git.example.org/packages/${tag.source}.git`,
      tag: `debian/${tag.version}`,
      suite: tag.suite ?? 'stable',
      origin: tag.origin ?? 'gitlab',
      received_at: tag.at,
      state: tag.state,
      refusals: JSON.stringify(tag.refusals ?? []),
      repeats: tag.repeats ?? 0,
      ...(isKnown
        ? {
            source: tag.source,
            version: tag.version,
            judged_at: new Date(tag.at.getTime() + 900),
            tag_object: git(`tag ${name}`),
          }
        : {}),
      ...(isAdmitted
        ? {
            claimed_object: git(`tag ${name}`),
            commit_object: git(`commit ${name}`),
            tree_object: git(`tree ${name}`),
            signer: ssh ? 'bo' : 'ann',
            signature: JSON.stringify({
              kind: ssh ? 'ssh' : 'openpgp',
              fingerprint: ssh ? 'SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM' : git('ann').toUpperCase(),
              created: before(70 * minute).toISOString(),
            }),
          }
        : {}),
      ...(tag.state === 'DONE' ? { done_at: new Date(tag.at.getTime() + 41_000) } : {}),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

type SeedJob = {
  readonly tag: number;
  readonly source: string;
  readonly version: string;
  readonly kind?: 'source' | 'binary';
  readonly architecture?: string;
  readonly builds?: JobSpec['builds'];
  readonly state: JobState;
  readonly reason?: string;
  readonly at: Date;
  readonly worker?: string;
};

export async function seedJob(db: Db, job: SeedJob): Promise<number> {
  const kind = job.kind ?? 'binary';
  const architecture = job.architecture ?? 'amd64';
  const builds = job.builds ?? (kind === 'source' ? 'source' : 'any');
  const name = `${job.source} ${job.version}`;
  const spec: JobSpec = {
    kind,
    source: parsePackageName(job.source),
    version: parseVersion(job.version),
    architecture: parseArchitecture(architecture),
    builds,
    inputs:
      kind === 'source'
        ? [{ name: 'tree.tar', sha256: sha256(`tree ${name}`), size: 1_433_600 }]
        : [
            { name: `${job.source}_${job.version}.dsc`, sha256: sha256(`dsc ${name}`), size: 1_652 },
            { name: `${job.source}_${job.version}.tar.xz`, sha256: sha256(`tar ${name}`), size: 742_100 },
          ],
    lock: sha256(`lock ${kind} ${architecture}`),
    baseLock: sha256(`base ${architecture}`),
    limits,
    sourceDateEpoch: 1_760_000_000,
    origin: {
      repository: `https://git.example.org/packages/${job.source}.git`,
      tag: `debian/${job.version}`,
      tagObject: git(`tag ${name}`),
      commit: git(`commit ${name}`),
      tree: git(`tree ${name}`),
      signer: 'ann',
      suite: 'stable',
    },
  };
  const isRunning = job.state === 'Building';
  const isOpen = isRunning || job.state === 'Needs-Build';
  const { id } = await db
    .insertInto('job')
    .values({
      tag_build: job.tag,
      kind,
      architecture,
      builds,
      state: job.state,
      reason: job.reason ?? '',
      spec: JSON.stringify(spec),
      max_attempts: 3,
      attempt: job.worker === undefined ? 0 : 1,
      worker: job.worker ?? null,
      lease_expires_at: isRunning ? new Date(seedNow.getTime() + 48_000) : null,
      not_before: null,
      created_at: job.at,
      finished_at: isOpen ? null : new Date(job.at.getTime() + 17_300),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

type SeedAttempt = {
  readonly job: number;
  readonly number?: number;
  readonly worker: string;
  readonly at: Date;
  readonly outcome?: 'built' | 'failed' | 'expired' | 'cancelled' | 'refused';
  readonly fault?: 'package' | 'environment' | 'worker';
  readonly reason?: string;
  readonly files?: readonly string[];
  readonly log?: string | Uint8Array;
};

export async function seedAttempt(db: Db, attempt: SeedAttempt): Promise<void> {
  const log = typeof attempt.log === 'string' ? Buffer.from(attempt.log) : (attempt.log ?? Buffer.alloc(0));
  const number = attempt.number ?? 1;
  const provenance = attempt.outcome === 'built' ? sha256(`provenance ${attempt.job}`) : null;
  await db
    .insertInto('attempt')
    .values({
      job: attempt.job,
      number,
      worker: attempt.worker,
      started_at: attempt.at,
      finished_at: attempt.outcome === undefined ? null : new Date(attempt.at.getTime() + 16_800),
      outcome: attempt.outcome ?? null,
      fault: attempt.fault ?? null,
      reason: attempt.reason ?? '',
      files: JSON.stringify(
        (attempt.files ?? []).map((name) => ({ name, sha256: sha256(name), size: 1000 + name.length * 977 })),
      ),
      provenance_sha256: provenance,
      timings: JSON.stringify(
        attempt.outcome === 'built' ? { fetch: 210, root: 640, build: 15_200, collect: 130 } : {},
      ),
      log_bytes: log.length,
    })
    .execute();
  await seedLog(db, attempt.job, number, log);
  if (provenance !== null && attempt.files !== undefined && attempt.files.length > 0) {
    await db
      .insertInto('statement')
      .values(
        attempt.files.map((name) => ({
          sha256: provenance,
          subject_sha256: sha256(name),
          subject_name: name,
          predicate_type: 'https://slsa.dev/provenance/v1',
          signer: attempt.worker,
          job: attempt.job,
          created_at: attempt.at,
        })),
      )
      .execute();
  }
}

/** Chunks of odd sizes, as they come over the network. */
export async function seedLog(db: Db, job: number, attempt: number, log: Uint8Array, from = 0): Promise<void> {
  for (let start = 0; start < log.length; start += 30_011) {
    const bytes = Buffer.from(log.subarray(start, start + 30_011));
    await db
      .insertInto('log_chunk')
      .values({ job, attempt, position: from + start, bytes })
      .execute();
  }
}

async function seedEvent(
  db: Db,
  at: Date,
  kind: EventKind,
  message: string,
  of: { tag?: number; job?: number; source?: string; suite?: string } = {},
) {
  await db
    .insertInto('event')
    .values({
      at,
      kind,
      message,
      tag_build: of.tag ?? null,
      job: of.job ?? null,
      suite: of.suite ?? null,
      source: of.source ?? null,
    })
    .execute();
}

export async function seedSnapshot(
  db: Db,
  suiteName: string,
  number: number,
  at: Date,
  packages: number,
): Promise<void> {
  await db
    .insertInto('snapshot')
    .values({
      suite: suiteName,
      number,
      repository: 'main',
      snapshot_id: `${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`,
      state: 'published',
      created_at: at,
      valid_until: new Date(at.getTime() + 7 * 86_400_000),
      in_release_sha256: sha256(`${suiteName}@${number}`),
      packages,
    })
    .execute();
}

type SeedPublication = {
  readonly tag: number | undefined;
  readonly job?: number;
  readonly source: string;
  readonly version: string;
  readonly binaries: readonly (readonly [string, string])[];
  readonly at: Date;
  readonly snapshot: number | undefined;
  readonly supersededBy?: number;
};

async function seedPublication(db: Db, entry: SeedPublication): Promise<void> {
  const common = {
    suite: 'stable',
    state:
      entry.supersededBy !== undefined
        ? ('SUPERSEDED' as const)
        : entry.snapshot === undefined
          ? ('PENDING' as const)
          : ('PUBLISHED' as const),
    created_at: entry.at,
    published_at: entry.snapshot === undefined ? null : new Date(entry.at.getTime() + 700),
    ended_at: entry.supersededBy === undefined ? null : before(30 * minute),
    first_snapshot: entry.snapshot ?? null,
    last_snapshot: entry.supersededBy ?? null,
  };
  const { id } = await db
    .insertInto('source_package')
    .values({
      repository: 'main',
      name: entry.source,
      version: entry.version,
      component: 'main',
      stanza: `Package: ${entry.source}\n`,
      directory: `pool/main/${entry.source[0]}/${entry.source}`,
      files: JSON.stringify([]),
      tag_build: entry.tag ?? null,
      accepted_at: entry.at,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await db
    .insertInto('publication')
    .values({ ...common, source_package: id, binary_package: null })
    .execute();
  for (const [name, architecture] of entry.binaries) {
    const filename = `${name}_${entry.version}_${architecture}.deb`;
    const binary = await db
      .insertInto('binary_package')
      .values({
        repository: 'main',
        name,
        version: entry.version,
        architecture,
        source: entry.source,
        source_version: entry.version,
        component: 'main',
        control: `Package: ${name}\n`,
        filename: `pool/main/${entry.source[0]}/${entry.source}/${filename}`,
        sha256: sha256(filename),
        size: 53_080,
        job: entry.job ?? null,
        attempt: entry.job === undefined ? null : 1,
        accepted_at: entry.at,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await db
      .insertInto('publication')
      .values({ ...common, source_package: null, binary_package: binary.id })
      .execute();
  }
}

async function seedWorkers(db: Db): Promise<void> {
  const workers = [
    ['anvil', 'approved', 3000, ['amd64']],
    ['bellows', 'approved', 8000, ['arm64']],
    ['crucible', 'approved', 26 * 60 * minute, ['amd64', 'arm64']],
    ['ember', 'pending', undefined, ['riscv64']],
    ['flint', 'disabled', 9 * 86_400_000, ['amd64']],
  ] as const;
  for (const [name, state, seen, architectures] of workers) {
    await db
      .insertInto('worker')
      .values({
        name,
        public_key: Buffer.from(sha256(name), 'hex').toString('base64'),
        architectures: [...architectures],
        state,
        enrolled_at: before(30 * 86_400_000),
        last_seen_at: seen === undefined ? null : before(seen),
      })
      .execute();
  }
}

const buildLog = [
  '\u001b[1mdpkg-buildpackage: info\u001b[0m: source package sed',
  'dpkg-buildpackage: info: source version 4.9-2',
  ' debian/rules binary',
  'dh binary',
  '   dh_auto_configure',
  '\t./configure --build=x86_64-linux-gnu --prefix=/usr --includedir=${prefix}/include',
  'checking for a BSD-compatible install... /usr/bin/install -c',
  'Receiving objects:  12%\rReceiving objects:  58%\rReceiving objects: 100%',
  '\u001b[32mPASS\u001b[0m: testsuite/convert-number.sh',
  '\u001b[31mFAIL\u001b[0m: testsuite/help-version.sh',
  '\u001b[33mwarning:\u001b[0m unused variable ‘naïve’ [-Wunused-variable]',
  '<script>alert("a log is text")</script> & so on',
];

export function longLog(lines: number): string {
  return Array.from(
    { length: lines },
    (_, index) => `${String(index).padStart(6, '0')} ${buildLog[index % buildLog.length]}\n`,
  ).join('');
}

const refusals: readonly Refusal[] = [
  {
    code: 'no-permission',
    message:
      'carol signed this tag with a key that sheaf.toml knows, and may release libretro-*, games-* into next; not jq into stable.',
    hint: 'Let somebody who may release jq into stable sign the tag, or add a permission for carol to sheaf.toml.',
  },
  {
    code: 'version-not-greater',
    message: 'Version 1.6-2 is not greater than 1.7.1-1, which stable has.',
    hint: 'Raise the version in debian/changelog above 1.7.1-1 and make a new tag.',
  },
  {
    code: 'distribution-mismatch',
    message: 'The topmost entry of debian/changelog is for UNRELEASED; stable takes: stable.',
    hint: 'Finish the entry with dch --release --distribution stable.',
  },
];

/** Fills the tables; ids of what tests look for. */
export async function seed(db: Db) {
  await seedWorkers(db);
  await seedSnapshot(db, 'stable', 1, before(3 * 86_400_000), 3);
  await seedSnapshot(db, 'stable', 2, before(30 * minute), 5);
  await seedSnapshot(db, 'classic', 40, before(60 * 86_400_000), 1204);

  const old = await finished(db, 'hello', '2.10-2', before(3 * 86_400_000), 1, 2);
  const hello = await finished(db, 'hello', '2.10-3', before(31 * minute), 2);
  await db
    .insertInto('tag_build')
    .values({
      ...unjudged,
      repository: 'https://git.example.org/packages/hello.git',
      tag: 'debian/2.10-3',
      suite: 'stable',
      origin: 'hook',
      received_at: before(20 * minute),
      judged_at: before(20 * minute),
      state: 'DUPLICATE',
      duplicate_of: hello.tag,
    })
    .execute();

  const motd = await seedTag(db, {
    source: 'field-motd',
    version: '3',
    state: 'DONE',
    at: before(40 * minute),
    kind: 'ssh',
    origin: 'github',
  });
  const motdSource = await seedJob(db, {
    tag: motd,
    source: 'field-motd',
    version: '3',
    kind: 'source',
    state: 'Installed',
    at: before(39 * minute),
    worker: 'anvil',
  });
  await seedAttempt(db, {
    job: motdSource,
    worker: 'anvil',
    at: before(39 * minute),
    outcome: 'built',
    files: ['field-motd_3.dsc', 'field-motd_3.tar.xz'],
    log: 'dpkg-source: info: building\n',
  });
  const motdAll = await seedJob(db, {
    tag: motd,
    source: 'field-motd',
    version: '3',
    builds: 'all',
    state: 'Installed',
    at: before(38 * minute),
    worker: 'anvil',
  });
  await seedAttempt(db, {
    job: motdAll,
    worker: 'anvil',
    at: before(38 * minute),
    outcome: 'built',
    files: ['field-motd_3_all.deb', 'field-motd_3_all.buildinfo', 'field-motd_3_all.changes'],
    log: longLog(30),
  });
  await seedPublication(db, {
    tag: motd,
    job: motdAll,
    source: 'field-motd',
    version: '3',
    binaries: [['field-motd', 'all']],
    at: before(37 * minute),
    snapshot: 2,
  });

  const sed = await seedTag(db, {
    source: 'sed',
    version: '4.9-2',
    state: 'ACCEPTED',
    at: before(80_000),
    origin: 'forgejo',
  });
  await sourceDone(db, sed, 'sed', '4.9-2', before(78_000));
  const running = await seedJob(db, {
    tag: sed,
    source: 'sed',
    version: '4.9-2',
    state: 'Building',
    at: before(70_000),
    worker: 'anvil',
  });
  await seedAttempt(db, {
    job: running,
    worker: 'anvil',
    at: before(68_000),
    log: `${longLog(4000)}checking whether the kernel hangs... `,
  });
  const waiting = await seedJob(db, {
    tag: sed,
    source: 'sed',
    version: '4.9-2',
    architecture: 'arm64',
    state: 'Needs-Build',
    at: before(70_000),
    reason: 'The source package was made',
  });

  const jqSource = await seedTag(db, {
    source: 'jq',
    version: '1.7.1-1',
    state: 'ACCEPTED',
    at: before(3 * 60 * minute),
    origin: 'hook',
  });
  await sourceDone(db, jqSource, 'jq', '1.7.1-1', before(179 * minute));
  const failed = await seedJob(db, {
    tag: jqSource,
    source: 'jq',
    version: '1.7.1-1',
    state: 'Failed',
    reason: 'dpkg-buildpackage ended with 2: dh_auto_test: error: make -j2 check returned exit code 2',
    at: before(178 * minute),
    worker: 'crucible',
  });
  await seedAttempt(db, {
    job: failed,
    number: 1,
    worker: 'crucible',
    at: before(178 * minute),
    outcome: 'expired',
    fault: 'worker',
    log: longLog(3),
  });
  await seedAttempt(db, {
    job: failed,
    number: 2,
    worker: 'anvil',
    at: before(176 * minute),
    outcome: 'failed',
    fault: 'package',
    reason: 'dh_auto_test: error: make -j2 check returned exit code 2',
    log: longLog(90),
  });
  const uninstallable = await seedJob(db, {
    tag: jqSource,
    source: 'jq',
    version: '1.7.1-1',
    architecture: 'arm64',
    state: 'BD-Uninstallable',
    reason: 'libonig-dev (>= 6.9.9) is needed; debian bookworm has 6.9.8-1',
    at: before(178 * minute),
  });

  const lost = await seedTag(db, {
    source: 'nano',
    version: '8.0-1',
    state: 'ACCEPTED',
    at: before(26 * 60 * minute),
    suite: 'next',
  });
  await seedJob(db, {
    tag: lost,
    source: 'nano',
    version: '8.0-1',
    kind: 'source',
    state: 'Cancelled',
    reason: 'Cancelled by ann',
    at: before(26 * 60 * minute),
  });

  const received = await seedTag(db, {
    source: 'tree',
    version: '2.1.1-2',
    state: 'RECEIVED',
    at: before(2000),
    origin: 'generic',
  });
  const rejected = await seedTag(db, {
    source: 'jq',
    version: '1.6-2',
    state: 'REJECTED',
    at: before(12 * minute),
    refusals,
    repeats: 2,
    origin: 'hook',
  });
  const unsigned = await db
    .insertInto('tag_build')
    .values({
      ...unjudged,
      repository: 'ssh://git@git.example.org/packages/field-settings-with-a-rather-long-name-for-a-phone.git',
      tag: 'debian/2026.11.20-0fieldos1',
      suite: 'stable',
      origin: 'cli',
      received_at: before(55 * minute),
      judged_at: before(55 * minute),
      state: 'REJECTED',
      refusals: JSON.stringify([
        {
          code: 'unsigned-tag',
          message: 'The tag object carries no signature.',
          hint: 'Make it again with git tag -s, and push it with --force.',
        },
      ]),
    })
    .returning('id')
    .executeTakeFirstOrThrow();

  await seedEvent(db, before(55 * minute), 'tag-refused', 'Tag debian/2026.11.20-0fieldos1 was refused: unsigned-tag', {
    tag: unsigned.id,
  });
  await seedEvent(db, before(31 * minute), 'tag-accepted', 'hello 2.10-3 was admitted into stable, signed by ann', {
    tag: hello.tag,
    source: 'hello',
  });
  await seedEvent(db, before(30 * minute), 'suite-published', 'stable@2 was published with 5 packages', {
    suite: 'stable',
  });
  await seedEvent(
    db,
    before(12 * minute),
    'tag-refused',
    'Tag debian/1.6-2 was refused: no-permission, version-not-greater, distribution-mismatch',
    { tag: rejected, source: 'jq' },
  );
  await seedEvent(db, before(80_000), 'tag-received', 'Tag debian/4.9-2 of sed was reported', {
    tag: sed,
    source: 'sed',
  });
  await seedEvent(db, before(68_000), 'job-started', 'Worker anvil builds sed 4.9-2 for amd64', {
    job: running,
    source: 'sed',
  });
  await seedEvent(db, before(2000), 'tag-received', 'Tag debian/2.1.1-2 of tree was reported', { tag: received });
  return { old, hello, motd, sed, running, waiting, failed, uninstallable, received, rejected, unsigned: unsigned.id };
}

async function sourceDone(db: Db, tag: number, source: string, version: string, at: Date): Promise<number> {
  const job = await seedJob(db, { tag, source, version, kind: 'source', state: 'Installed', at, worker: 'anvil' });
  await seedAttempt(db, {
    job,
    worker: 'anvil',
    at,
    outcome: 'built',
    files: [`${source}_${version}.dsc`, `${source}_${version}.tar.xz`],
    log: `dpkg-source: info: building ${source}\n`,
  });
  return job;
}

async function finished(db: Db, source: string, version: string, at: Date, snapshot: number, supersededBy?: number) {
  const tag = await seedTag(db, { source, version, state: 'DONE', at });
  await sourceDone(db, tag, source, version, new Date(at.getTime() + 1500));
  const later = new Date(at.getTime() + 4000);
  const binary = await seedJob(db, { tag, source, version, state: 'Installed', at: later, worker: 'anvil' });
  await seedAttempt(db, {
    job: binary,
    worker: 'anvil',
    at: later,
    outcome: 'built',
    files: ['.deb', '-dbgsym.deb', '.buildinfo', '.changes'].map((end) =>
      end.startsWith('-') ? `${source}-dbgsym_${version}_amd64.deb` : `${source}_${version}_amd64${end}`,
    ),
    log: longLog(200),
  });
  const arm = await seedJob(db, {
    tag,
    source,
    version,
    architecture: 'arm64',
    state: 'Installed',
    at: later,
    worker: 'bellows',
  });
  await seedAttempt(db, {
    job: arm,
    worker: 'bellows',
    at: later,
    outcome: 'built',
    files: [`${source}_${version}_arm64.deb`],
    log: longLog(200),
  });
  const published = new Date(at.getTime() + 40_000);
  await seedPublication(db, {
    tag,
    job: binary,
    source,
    version,
    binaries: [
      [source, 'amd64'],
      [source, 'arm64'],
    ],
    at: published,
    snapshot,
    ...(supersededBy === undefined ? {} : { supersededBy }),
  });
  return { tag, job: binary };
}
