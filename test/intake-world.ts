/** A distribution with people, keys and git repositories, and intake wired to the real git, gpg, ssh and database. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { judgeTag, receiveTag, type IntakeDeps, type Judgement } from '../src/intake/mod.ts';
import type { Distribution, GitLimits, Person, Suite } from '../src/model/distribution.ts';
import { parseArchitecture, parseLabel, parseSuiteName, type SuiteName } from '../src/model/names.ts';
import type { TagBuildId, TagRequest } from '../src/model/tag-build.ts';
import { Blobs } from '../src/plumbing/blobs.ts';
import { Git } from '../src/plumbing/git.ts';
import { signatureVerifier } from '../src/plumbing/signature.ts';
import { testDatabase, type TestDatabase } from './database.ts';
import { TestRepository, type TagSigner, type TestFile } from './git-repository.ts';
import { GpgHome, sshKey } from './signers.ts';

const day = 86_400_000;

export type World = {
  readonly database: TestDatabase;
  readonly deps: IntakeDeps;
  readonly distribution: Distribution;
  readonly directory: string;
  readonly gpg: GpgHome;
  readonly people: {
    readonly alice: TagSigner;
    readonly bob: TagSigner;
    readonly carol: TagSigner;
    readonly mallory: TagSigner;
  };
  /** What `now` is moved to. */
  readonly clock: { time: Date };
  readonly repository: () => Promise<TestRepository>;
  readonly judge: (request: Partial<TagRequest> & Pick<TagRequest, 'repository' | 'tag'>) => Promise<Judged>;
  /** The same with another distribution. */
  readonly with: (changes: WorldChanges) => IntakeDeps;
  readonly close: () => Promise<void>;
};

export type Judged = { readonly id: TagBuildId; readonly judgement: Judgement; readonly codes: readonly string[] };
export type WorldChanges = {
  readonly limits?: Partial<GitLimits>;
  readonly tagFormat?: string;
  readonly people?: Distribution['people'];
};

/**
 * alice: OpenPGP, may release everything. bob: SSH, may release hello into stable. carol: an expired OpenPGP key, may
 * release nothing. mallory: a key that nobody knows. Suites: stable, next (both of main), frozen (main), apps (apps),
 * feed (apps, of all versions), ended (main, since 2020).
 */
export async function makeWorld(): Promise<World> {
  const directory = await mkdtemp('/tmp/sheaf-intake-');
  const gpg = await GpgHome.make();
  const database = await testDatabase();
  const alice = await gpg.key('alice@example.org');
  const carol = await gpg.key('carol@example.org', { expire: '5d', at: new Date(Date.now() - 20 * day) });
  const mallory = await gpg.key('mallory@example.org');
  const bob = await sshKey(directory, 'bob');
  await writeFile(join(directory, 'alice.asc'), await gpg.exportKey(alice));
  await writeFile(join(directory, 'carol.asc'), await gpg.exportKey(carol));
  await gpg.gpg(['--quick-set-expire', carol, '0']);
  const distribution = makeDistribution(directory, bob.line);
  const clock = { time: new Date(Date.now() + 1000) };
  const blobs = new Blobs(join(directory, 'blobs'));
  const base = { db: database.db, signatures: signatureVerifier, blobs, clock: { now: () => clock.time } };
  const depsOf = (changed: Distribution): IntakeDeps => ({
    ...base,
    distribution: changed,
    git: new Git({ directory: join(directory, 'git'), policy: changed.git, env: process.env }),
  });
  const deps = depsOf(distribution);
  return {
    database,
    deps,
    distribution,
    directory,
    gpg,
    clock,
    people: {
      alice: {
        gpg,
        key: alice,
      },
      bob: { ssh: bob },
      carol: {
        gpg,
        key: carol,
      },
      mallory: {
        gpg,
        key: mallory,
      },
    },
    repository: () => TestRepository.make({ below: directory }),
    judge: (request) => judgeWith(deps, request),
    with: ({ limits, tagFormat, people }) =>
      depsOf({
        ...distribution,
        people: people ?? distribution.people,
        git: {
          ...distribution.git,
          limits: {
            ...distribution.git.limits,
            ...limits,
          },
          tagFormat: tagFormat ?? distribution.git.tagFormat,
        },
      }),
    close: async () => {
      await database.close();
      await gpg.close();
      await rm(directory, {
        recursive: true,
        force: true,
      });
    },
  };
}

/** Reports a tag for stable and judges it. */
export async function judgeWith(
  deps: IntakeDeps,
  request: Partial<TagRequest> & Pick<TagRequest, 'repository' | 'tag'>,
): Promise<Judged> {
  const { id } = await receiveTag(deps.db, { suite: 'stable', origin: 'hook', ...request }, deps.clock.now());
  const judgement = await judgeTag(deps, id);
  return { id, judgement, codes: judgement.kind === 'REJECTED' ? judgement.refusals.map(({ code }) => code) : [] };
}

export function makeDistribution(directory: string, bobsKey: string): Distribution {
  const person = (name: string, changes: Partial<Person>): [Person['name'], Person] => [
    parseLabel(name),
    {
      name: parseLabel(name),
      fullName: name,
      email: undefined,
      openpgp: [],
      ssh: [],
      revoked: [],
      permissions: [],
      ...changes,
    },
  ];
  const suite = (name: string, changes: Partial<Suite> = {}): [SuiteName, Suite] => [
    parseSuiteName(name),
    {
      name: parseSuiteName(name),
      repository: parseLabel('main'),
      description: name,
      codename: parseSuiteName(name),
      upstream: parseLabel('debian'),
      components: ['main'],
      architectures: [parseArchitecture('amd64')],
      archAll: parseArchitecture('amd64'),
      packages: ['hello*', 'world'],
      distributions: ['stable', 'unstable'],
      frozen: false,
      validFor: 7 * day,
      ...changes,
    },
  ];
  const build = { wall: 1, silence: 1, memory: 1, disk: 1, log: 1, processes: 1 };
  return {
    name: 'test',
    title: 'Test',
    url: 'http://localhost',
    listen: {
      host: '127.0.0.1',
      port: 0,
    },
    directory,
    git: {
      tagFormat: 'debian/%(version)s',
      upstreamTagFormat: 'upstream/%(version)s',
      addresses: ['git://127.0.0.1*'],
      directories: [directory],
      limits: {
        fetch: 2 ** 24,
        file: 2 ** 20,
        tree: 2 ** 22,
        files: 500,
        tag: 65536,
        time: 2e4,
      },
    },
    upstreams: new Map(),
    repositories: new Map(
      ['main', 'apps'].map((name) => [
        parseLabel(name),
        {
          name: parseLabel(name),
          title: name,
        },
      ]),
    ),
    suites: new Map([
      suite('stable'),
      suite('next'),
      suite('frozen', { frozen: true }),
      suite('apps', { repository: parseLabel('apps') }),
      suite('feed', { repository: parseLabel('apps'), versions: 'all' }),
      suite('ended', { endOfLife: new Date('2020-01-01T00:00:00Z') }),
    ]),
    people: new Map([
      person('alice', {
        openpgp: [join(directory, 'alice.asc')],
        permissions: [
          {
            packages: ['*'],
            suites: ['*'],
          },
        ],
      }),
      person('bob', {
        ssh: [
          {
            line: bobsKey,
            validAfter: undefined,
            validBefore: undefined,
          },
        ],
        permissions: [
          {
            packages: ['hello'],
            suites: ['stable'],
          },
        ],
      }),
      person('carol', { openpgp: [join(directory, 'carol.asc')] }),
    ]),
    build: {
      limits: build,
      lease: 1e3,
      attempts: 3,
      environment: [],
    },
    webhooks: new Map(),
    notifiers: new Map(),
  };
}

/** A whole small native package. */
export function packageFiles(
  version: string,
  changes: Readonly<Record<string, TestFile>> = {},
): Record<string, TestFile> {
  return {
    'debian/changelog': changelog(version),
    'debian/control': control('hello'),
    'debian/source/format': version.includes('-') ? '3.0 (quilt)\n' : '3.0 (native)\n',
    'debian/rules': { run: '#!/usr/bin/make -f\n%:\n\tdh $@\n' },
    'hello.c': 'int main(void) { return 0; }\n',
    ...changes,
  };
}

export function changelog(version: string, source = 'hello', distribution = 'stable'): string {
  return `${source} (${version}) ${distribution}; urgency=medium\n\n  * Change.\n\n -- Alice <alice@example.org>  Tue, 10 Nov 2026 10:00:00 +0000\n`;
}

export function control(source: string): string {
  return `Source: ${source}\nMaintainer: Alice <alice@example.org>\nBuild-Depends: debhelper-compat (= 13)\nStandards-Version: 4.6.2\n\nPackage: ${source}\nArchitecture: any\nDescription: test\n Test.\n`;
}
