/** The text of sheaf.toml → Distribution, or every problem in it. */
import { resolve } from 'node:path';

import { formatPath, parseToml } from '../kit/toml.ts';
import type {
  Bucket,
  BuildLimits,
  Distribution,
  ForeignRebuilder,
  Mirror,
  MirrorPlace,
  Notifier,
  Suite,
  Webhook,
} from '../model/distribution.ts';
import { parseLabel, parseSuiteName, type Label, type SuiteName } from '../model/names.ts';
import { checkFiles, notifierToken, webhookSecret, type LookAtFile } from './files.ts';
import { toFindings } from './issues.ts';
import { sortProblems, toError, type Problem } from './problem.ts';
import type { Report } from './raw.ts';
import { checkReferences } from './references.ts';
import { settingsSchema, type Settings } from './schema.ts';

/**
 * Throws one `bad-settings` that lists all problems. `directory` is the folder that relative names begin from;
 * `look` tells about the files that the settings name, and without it they are not checked.
 */
export function parseDistribution(text: string, file: string, directory: string, look?: LookAtFile): Distribution {
  const document = parseToml(text, file);
  const problems: Problem[] = [];
  const add = (path: Parameters<Report>[0], message: string, key = false) => {
    const place = key ? document.placeOfKey(path) : document.placeOf(path);
    problems.push({ place, message: `${formatPath(path)}: ${message}` });
  };
  const report: Report = (path, message) => add(path, message);

  const parsed = settingsSchema.safeParse(document.value);
  for (const issue of parsed.error?.issues ?? []) {
    for (const finding of toFindings(issue, document.value)) add(finding.path, finding.message, finding.at === 'key');
  }
  checkReferences(document.value, report);
  if (look !== undefined) checkFiles(document.value, directory, look, report);
  if (problems.length > 0 || !parsed.success) throw toError(sortProblems(problems));
  return toDistribution(parsed.data, directory);
}

/** Of builds without a distribution around: what holds where its settings say nothing. */
export function defaultLimits(): BuildLimits {
  return toLimits(settingsSchema.shape.build.parse(undefined));
}

function toLimits({ wall, silence, memory, disk, log, processes }: Settings['build']): BuildLimits {
  return { wall, silence, memory, disk, log, processes };
}

function toDistribution(settings: Settings, directory: string): Distribution {
  const path = (name: string) => resolve(directory, name);
  const title = settings.title ?? settings.name;
  const { host, port } = settings.listen;
  const git = settings.git;
  const build = settings.build;
  return {
    name: settings.name,
    title,
    url: settings.url ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    listen: settings.listen,
    git: {
      tagFormat: git['tag-format'],
      upstreamTagFormat: git['upstream-tag-format'],
      addresses: git.addresses,
      directories: git.directories.map(path),
      limits: {
        fetch: git['max-fetch'],
        file: git['max-file'],
        tree: git['max-tree'],
        files: git['max-files'],
        tag: git['max-tag'],
        time: git.time,
      },
    },
    upstreams: toMap(settings.upstream, parseLabel, (upstream, name) => ({
      name,
      ...upstream,
      keyring: path(upstream.keyring),
      every: upstream.every,
    })),
    repositories: toMap(settings.repository, parseLabel, (repository, name) => ({
      name,
      title: repository.title ?? `${title}: ${name}`,
    })),
    suites: toMap(settings.suite, parseSuiteName, (suite, name) => toSuite(settings, suite, name)),
    people: toMap(settings.person, parseLabel, (person, name) => ({
      name,
      fullName: person['full-name'] ?? name,
      email: person.email,
      openpgp: person.openpgp.map(path),
      ssh: person.ssh.map((key) => ({
        line: key.key,
        validAfter: key['valid-after'],
        validBefore: key['valid-before'],
      })),
      revoked: person.revoked,
      permissions: person['may-release'],
      manages: person.manages,
    })),
    build: {
      limits: toLimits(build),
      lease: build.lease,
      attempts: build.attempts,
      environment: build.environment,
    },
    webhooks: toMap(settings.webhook, parseLabel, (webhook, name): Webhook => ({
      name,
      kind: webhook.kind,
      secretFile: path(webhook['secret-file'] ?? webhookSecret(name)),
      suite: webhook.suite ?? only(settings.suite, parseSuiteName),
    })),
    notifiers: toMap(settings.notifier, parseLabel, (notifier, name) => toNotifier(notifier, name, path)),
    mirrors: toMap(settings.mirror, parseLabel, (mirror, name): Mirror => ({
      name,
      repository: mirror.repository ?? only(settings.repository, parseLabel),
      place: toMirrorPlace(mirror, name, path),
      parallel: mirror.parallel,
    })),
    rebuilders: toMap(settings.rebuilder, parseLabel, (rebuilder, name): ForeignRebuilder => ({
      name,
      publicKey: rebuilder.key,
      validAfter: rebuilder['valid-after'],
      validBefore: rebuilder['valid-before'],
      isRevoked: rebuilder.revoked,
    })),
    ...(settings.storage && {
      storage: { ...toBucket(settings.storage, 'storage', path), cache: settings.storage.cache },
    }),
    directory,
  };
}

function toSuite(settings: Settings, suite: Settings['suite'][string], name: SuiteName): Suite {
  const codename = suite.codename ?? name;
  return {
    name,
    repository: suite.repository ?? only(settings.repository, parseLabel),
    description: suite.description ?? `${settings.title ?? settings.name} ${name}`,
    codename,
    upstream: suite.upstream ?? only(settings.upstream, parseLabel),
    components: suite.components,
    architectures: suite.architectures,
    archAll: suite['arch-all'] ?? suite.architectures[0]!,
    packages: suite.packages,
    distributions: suite.distributions ?? [...new Set([name, codename])],
    frozen: suite.frozen,
    newPackages: suite.new,
    validFor: suite['valid-for'],
    endOfLife: suite['end-of-life'],
    versions: suite.versions,
    contents: suite.contents,
    translation: suite.translation,
    pdiffs: suite.pdiffs,
    lintian: suite.lintian,
    lintianFatal: suite['lintian-fatal'],
    rebuild: suite.rebuild,
    releaseFields: suite['release-fields'],
  };
}

function toNotifier(notifier: Settings['notifier'][string], name: Label, path: (name: string) => string): Notifier {
  if (notifier.kind === 'webhook') {
    const secretFile = notifier['secret-file'] === undefined ? undefined : path(notifier['secret-file']);
    return { name, on: notifier.on, target: { kind: 'webhook', url: notifier.url, secretFile } };
  }
  const tokenFile = path(notifier['token-file'] ?? notifierToken(name));
  return { name, on: notifier.on, target: { kind: 'matrix', url: notifier.url, room: notifier.room, tokenFile } };
}

/** The schema has made sure that there is exactly one place. */
function toMirrorPlace(
  { folder, rsync, ...mirror }: Settings['mirror'][string],
  name: Label,
  path: (name: string) => string,
): MirrorPlace {
  if (folder !== undefined) return { kind: 'folder', folder: path(folder) };
  if (rsync !== undefined) {
    const sshKey = mirror['ssh-key'];
    return { kind: 'rsync', remote: rsync, sshKey: sshKey === undefined ? undefined : path(sshKey) };
  }
  return { kind: 's3', ...toBucket(mirror, `mirror-${name}`, path) };
}

type BucketSettings = Pick<Settings['mirror'][string], 's3' | 'region' | 'access-key' | 'secret-file'>;

function toBucket(settings: BucketSettings, secret: string, path: (name: string) => string): Bucket {
  return {
    bucket: settings.s3!,
    region: settings.region,
    accessKey: settings['access-key'],
    secretFile: path(settings['secret-file'] ?? `secrets/${secret}`),
  };
}

/** checkReferences has made sure that there is one. */
function only<Name extends string>(sections: Readonly<Record<string, unknown>>, parse: (text: string) => Name): Name {
  return parse(Object.keys(sections)[0]!);
}

function toMap<Name extends string, From, To>(
  sections: Readonly<Record<string, From>>,
  parse: (text: string) => Name,
  convert: (section: From, name: Name) => To,
): ReadonlyMap<Name, To> {
  return new Map(Object.entries(sections).map(([key, section]) => [parse(key), convert(section, parse(key))]));
}
