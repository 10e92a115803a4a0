/** Every setting of sheaf.toml, with its kind and its default. docs/write-a-policy.md describes the same ones. */
import { z } from 'zod';

import type { NotifierTopic, WebhookKind } from '../model/distribution.ts';
import * as leaf from './leaves.ts';
import { listOf } from './leaves.ts';

export const notifierTopics = ['refusal', 'failure', 'publication'] as const satisfies readonly NotifierTopic[];
export const webhookKinds = ['generic', 'gitlab', 'github', 'forgejo'] as const satisfies readonly WebhookKind[];

const choice = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `one of ${values.map((value) => `"${value}"`).join(', ')}` });

const git = z.strictObject({
  'tag-format': leaf.tagFormat.default('debian/%(version)s'),
  'upstream-tag-format': leaf.tagFormat.default('upstream/%(version)s'),
  addresses: listOf(leaf.gitAddress, 0, 'git addresses').default([]),
  directories: listOf(leaf.folder, 0, 'folders').default([]),
  'max-fetch': leaf.size.default(1024 ** 3),
  'max-file': leaf.size.default(256 * 1024 ** 2),
  'max-tree': leaf.size.default(2 * 1024 ** 3),
  'max-files': leaf.count(1, 10_000_000).default(100_000),
  'max-tag': leaf.size.default(64 * 1024),
  time: leaf.duration('1s', '24h').default(5 * 60_000),
});

const upstream = z.strictObject({
  url: leaf.address,
  suites: listOf(leaf.upstreamSuite, 1, 'suites of that archive'),
  components: listOf(leaf.component, 1, 'components').default(['main']),
  architectures: listOf(leaf.architecture, 0, 'architectures').default(['amd64'] as never),
  sources: leaf.flag.default(true),
  contents: leaf.flag.default(false),
  translations: listOf(leaf.language, 0, 'languages').default([]),
  keyring: leaf.file.default('/usr/share/keyrings/debian-archive-keyring.gpg'),
  expired: choice(['refuse', 'accept']).default('refuse'),
  every: leaf.duration('1m', '30d').optional(),
});

const repository = z.strictObject({ title: leaf.line().optional() });

const suite = z.strictObject({
  repository: leaf.label.optional(),
  description: leaf.line().optional(),
  codename: leaf.suiteName.optional(),
  upstream: leaf.label.optional(),
  components: listOf(leaf.component, 1, 'components').default(['main']),
  architectures: listOf(leaf.architecture, 1, 'architectures'),
  'arch-all': leaf.architecture.optional(),
  packages: listOf(leaf.packageGlob, 1, 'package name patterns').default(['*']),
  distributions: listOf(leaf.suiteName, 1, 'distribution names').optional(),
  frozen: leaf.flag.default(false),
  new: choice(['accept', 'hold']).default('accept'),
  'valid-for': leaf.duration('1h', '3650d').default(30 * 86_400_000),
  'end-of-life': leaf.moment.optional(),
  versions: choice(['latest', 'all']).default('latest'),
  contents: leaf.flag.default(true),
  translation: leaf.flag.default(false),
  pdiffs: leaf.count(0, 1000).default(28),
  lintian: leaf.flag.default(false),
  rebuild: leaf.flag.default(false),
  'lintian-fatal': listOf(leaf.lintianTag, 0, 'tags of lintian').default([]),
  'release-fields': leaf.releaseFields.optional(),
});

const sshKey = z.preprocess(
  (value) => (typeof value === 'string' ? { key: value } : value),
  z.strictObject(
    {
      key: leaf.sshLine,
      'valid-after': leaf.moment.optional(),
      'valid-before': leaf.moment.optional(),
    },
    { error: 'a line "ssh-ed25519 AAAA…" or { key = "ssh-ed25519 AAAA…", valid-before = 2027-01-01 }' },
  ),
);

const permission = z.strictObject({
  packages: listOf(leaf.packageGlob, 1, 'package name patterns'),
  suites: listOf(leaf.suiteGlob, 1, 'suites'),
});

const person = z.strictObject({
  'full-name': leaf.line().optional(),
  email: leaf.email.optional(),
  openpgp: listOf(leaf.file, 0, 'files with OpenPGP public keys').default([]),
  ssh: z.array(sshKey, { error: 'a list of SSH public keys' }).default([]),
  revoked: listOf(leaf.fingerprint, 0, 'fingerprints').default([]),
  'may-release': z.array(permission, { error: 'sections that begin with [[person.NAME.may-release]]' }).default([]),
  manages: listOf(leaf.suiteGlob, 0, 'suites').default([]),
});

const build = z.strictObject({
  wall: leaf.duration('1s', '30d').default(4 * 3_600_000),
  silence: leaf.duration('1s', '30d').default(30 * 60_000),
  memory: leaf.size.default(4 * 1024 ** 3),
  disk: leaf.size.default(20 * 1024 ** 3),
  log: leaf.size.default(256 * 1024 ** 2),
  processes: leaf.count(16, 1_000_000).default(4096),
  lease: leaf.duration('1s', '1h').default(2 * 60_000),
  attempts: leaf.count(1, 20).default(3),
  environment: listOf(leaf.packageName, 0, 'package names').default(['build-essential', 'fakeroot'] as never),
});

const webhook = z.strictObject({
  kind: choice(webhookKinds).default('generic'),
  'secret-file': leaf.file.optional(),
  suite: leaf.suiteName.optional(),
});

const topics = listOf(choice(notifierTopics), 1, `topics: ${notifierTopics.join(', ')}`).default([...notifierTopics]);
const notifier = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    on: topics,
    url: leaf.endpoint,
    'secret-file': leaf.file.optional(),
  }),
  z.strictObject({
    kind: z.literal('matrix'),
    on: topics,
    url: leaf.address,
    room: leaf.matrixRoom,
    'token-file': leaf.file.optional(),
  }),
]);

const mirrorPlaces = ['folder', 'rsync', 's3'] as const;
const mirror = z
  .strictObject({
    repository: leaf.label.optional(),
    folder: leaf.folder.optional(),
    rsync: leaf.rsyncAddress.optional(),
    'ssh-key': leaf.file.optional(),
    s3: leaf.bucket.optional(),
    region: leaf.line(60).default('us-east-1'),
    'access-key': leaf.line(200).optional(),
    'secret-file': leaf.file.optional(),
    parallel: leaf.count(1, 64).default(4),
  })
  .superRefine((value, context) => {
    if (mirrorPlaces.filter((place) => value[place] !== undefined).length === 1) return;
    context.addIssue({ code: 'custom', message: 'exactly one of folder, rsync and s3', input: value });
  });

const storage = z.strictObject({
  s3: leaf.bucket,
  region: leaf.line(60).default('us-east-1'),
  'access-key': leaf.line(200).optional(),
  'secret-file': leaf.file.default('secrets/storage'),
  cache: leaf.size.default(20 * 1024 ** 3),
});

const rebuilder = z.strictObject({
  key: leaf.ed25519Key,
  'valid-after': leaf.moment.optional(),
  'valid-before': leaf.moment.optional(),
  revoked: leaf.flag.default(false),
});

const sections = <T extends z.ZodType>(name: string, section: T) =>
  z.record(z.string(), section, { error: `sections that begin with [${name}.NAME]` }).default({});

export const settingsSchema = z.strictObject({
  name: leaf.line(60),
  title: leaf.line().optional(),
  url: leaf.address.optional(),
  listen: leaf.listen.default({ host: '127.0.0.1', port: 8080 }),
  git: git.prefault({}),
  upstream: sections('upstream', upstream),
  repository: sections('repository', repository),
  suite: sections('suite', suite),
  person: sections('person', person),
  build: build.prefault({}),
  webhook: sections('webhook', webhook),
  notifier: sections('notifier', notifier),
  mirror: sections('mirror', mirror),
  rebuilder: sections('rebuilder', rebuilder),
  storage: storage.optional(),
});

export type Settings = z.output<typeof settingsSchema>;
