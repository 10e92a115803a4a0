/** What a person's public key is, and how it gets into sheaf.toml. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { text as readAll } from 'node:stream/consumers';

import type { Key } from 'openpgp';

import { parsePublicKeyLine } from '../../../formats/ssh/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import { parseCertificates, sshFingerprint, sshKeyWeakness, weakSigningKeys } from '../../../plumbing/signature.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style } from '../style.ts';
import { formatFields } from '../table.ts';

export type PersonKey = {
  readonly kind: 'openpgp' | 'ssh';
  readonly fingerprint: string;
  readonly algorithm: string;
  /** User ids of an OpenPGP key, the comment of an SSH key. */
  readonly names: readonly string[];
  readonly created: Date | undefined;
  /** Undefined: never. */
  readonly expires: Date | undefined;
  readonly revoked: boolean;
  /** Keys and subkeys that may sign, by fingerprint. */
  readonly signing: readonly string[];
  /** Reasons why tags signed by it would be refused today. */
  readonly problems: readonly string[];
};

export type PersonKeys = { readonly file: string; readonly keys: readonly PersonKey[]; readonly settings: string };

const largest = 8 * 2 ** 20;

/** Throws `bad-key-file`; `private-key` when somebody is about to hand out a private one. */
export async function readPersonKeys(file: string, now: Date): Promise<PersonKeys> {
  const bytes = await read(file);
  const start = bytes.toString('latin1', 0, 65_536);
  if (/-----BEGIN (?:PGP|OPENSSH|RSA|EC|DSA)? ?PRIVATE KEY/.test(start)) {
    throw new SheafError('private-key', `Cannot use ${file}: it holds a private key`, {
      hint: 'Only the public half belongs here: gpg --armor --export, or the .pub file beside an SSH key.',
    });
  }
  const line = start.split('\n').find((each) => /^[a-z0-9@.-]+ AAAA/.test(each));
  const keys = line === undefined ? await readOpenpgpKeys(file, bytes, now) : [readSshKey(file, line)];
  return { file, keys, settings: settingsFor(file, keys, line) };
}

async function read(file: string): Promise<Buffer> {
  try {
    const bytes = file === '-' ? Buffer.from(await readAll(process.stdin), 'utf8') : await readFile(file);
    if (bytes.length <= largest) return bytes;
    throw new Error('it is larger than 8 MiB');
  } catch (cause) {
    throw bad(file, (cause as Error).message, cause);
  }
}

function bad(file: string, state: string, cause?: unknown): SheafError {
  return new SheafError('bad-key-file', `Cannot read public key ${file}: ${state}`, {
    kind: 'usage',
    hint: 'Expected what "gpg --armor --export" prints, or one line "ssh-ed25519 AAAA…".',
    cause,
  });
}

/** Throws `bad-key-file`. */
export function readSshKey(file: string, line: string): PersonKey {
  try {
    const { key, comment } = parsePublicKeyLine(line);
    const weak = sshKeyWeakness(key);
    return {
      kind: 'ssh',
      fingerprint: sshFingerprint(key.blob),
      algorithm: key.type,
      names: comment === '' ? [] : [comment],
      created: undefined,
      expires: undefined,
      revoked: false,
      signing: [sshFingerprint(key.blob)],
      problems: weak === undefined ? [] : [weak],
    };
  } catch (cause) {
    throw bad(file, (cause as Error).message, cause);
  }
}

/** Throws `bad-key-file`. */
export async function readOpenpgpKeys(file: string, bytes: Buffer, now: Date): Promise<PersonKey[]> {
  let certificates: Key[];
  try {
    certificates = await parseCertificates(bytes);
  } catch (cause) {
    throw bad(file, 'it is neither an OpenPGP nor an SSH public key', cause);
  }
  if (certificates.length === 0) throw bad(file, 'it holds no key');
  return Promise.all(certificates.map((key) => describe(file, key, now)));
}

async function describe(file: string, key: Key, now: Date): Promise<PersonKey> {
  if (key.isPrivate()) {
    throw new SheafError('private-key', `Cannot use ${file}: it holds a private key`, {
      hint: 'Only the public half belongs here: gpg --armor --export.',
    });
  }
  const end = await key.getExpirationTime().catch(() => null);
  const expires = end instanceof Date ? end : undefined;
  const revoked = await key.isRevoked().catch(() => false);
  const signing = await signingKeys(key, now);
  const { algorithm, curve, bits } = key.getAlgorithmInfo();
  const created = key.getCreationTime();
  const problems = [
    ...(revoked ? ['it is revoked'] : []),
    ...(expires !== undefined && expires <= now ? [`it expired on ${formatTime(expires)}`] : []),
    ...(created > now ? [`it was made on ${formatTime(created)}, which is in the future`] : []),
    ...weakSigningKeys(key, { subkeys: signing.length === 0 }).map((sentence) => sentence.replace(/\.$/, '')),
  ];
  return {
    kind: 'openpgp',
    fingerprint: key.getFingerprint().toUpperCase(),
    algorithm: curve ?? (bits === undefined ? algorithm : `${algorithm} ${bits}`),
    names: key.getUserIDs(),
    created,
    expires,
    revoked,
    signing,
    problems: signing.length === 0 && problems.length === 0 ? ['none of its keys may sign today'] : problems,
  };
}

async function signingKeys(key: Key, now: Date): Promise<string[]> {
  const found: string[] = [];
  for (const each of [key, ...key.getSubkeys()]) {
    const usable = await key.getSigningKey(each.getKeyID(), now).catch(() => undefined);
    if (usable !== undefined) found.push(usable.getFingerprint().toUpperCase());
  }
  return found;
}

/** Lines for sheaf.toml; the name and the permission are for a person to say. */
function settingsFor(file: string, keys: readonly PersonKey[], line: string | undefined): string {
  const [user = ''] = keys[0]!.names;
  const match = /^(.*?)\s*(?:\(.*\)\s*)?<([^<>@\s]+@[^<>\s]+)>$/.exec(user);
  const name = /^[a-z][a-z0-9-]*/.exec((match?.[1] ?? user).toLowerCase())?.[0] ?? 'NAME';
  const keyFile = file === '-' ? `${name}.asc` : basename(file);
  return [
    `[person.${name}]`,
    ...(match === null ? [] : [`full-name = ${JSON.stringify(match[1])}`, `email = ${JSON.stringify(match[2])}`]),
    line === undefined ? `openpgp = [${JSON.stringify(`keys/${keyFile}`)}]` : `ssh = [${JSON.stringify(line.trim())}]`,
    '',
    `[[person.${name}.may-release]]`,
    'packages = ["PACKAGE"]',
    'suites = ["SUITE"]',
    '',
  ].join('\n');
}

export function formatPersonKeys({ file, keys, settings }: PersonKeys): string[] {
  return [
    ...keys.flatMap((key) => [
      `${style('bold', key.kind === 'ssh' ? 'SSH key' : 'OpenPGP key')} ${key.fingerprint}`,
      ...formatFields(
        [
          ['algorithm', key.algorithm],
          ...key.names.map((name) => ['name', name] as const),
          ['created', formatTime(key.created)],
          ['expires', key.kind === 'ssh' ? undefined : (formatTime(key.expires) ?? 'never')],
          ...(key.kind === 'ssh' ? [] : key.signing.map((signing) => ['may sign', signing] as const)),
        ],
        2,
      ),
      ...(key.problems.length === 0
        ? [`  ${style('green', 'Tags signed by it can be admitted today.')}`]
        : key.problems.map((problem) => `  ${style('red', 'Tags signed by it are refused')}: ${problem}.`)),
      '',
    ]),
    `For sheaf.toml${keys[0]!.kind === 'openpgp' ? `, with the file copied to keys/${file === '-' ? '' : basename(file)}` : ''}:`,
    '',
    ...settings
      .trimEnd()
      .split('\n')
      .map((line) => clean(line)),
  ];
}
