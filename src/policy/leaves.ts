/**
 * The kinds of values a setting can have: each reads one value and says in English what it expects.
 * A schema's issue carries that English as its message.
 */
import { z } from 'zod';

import { parsePublicKeyLine } from '../formats/ssh/mod.ts';
import { decodeBase64 } from '../kit/base64.ts';
import { parseSize } from '../kit/bytes.ts';
import { parseDuration } from '../kit/duration.ts';
import type { ReleaseFields } from '../model/distribution.ts';
import * as names from '../model/names.ts';

/** `read` gives undefined for a value that is not of this kind. */
function leaf<T>(expected: string, read: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, context): T => {
    const result = read(value);
    if (result !== undefined) return result;
    context.issues.push({ code: 'custom', message: expected, input: value });
    return z.NEVER;
  });
}

const asText = (value: unknown) => (typeof value === 'string' ? value : undefined);

/** A text that passes a test. */
function textThat<T extends string>(expected: string, test: (value: string) => boolean) {
  return leaf(expected, (value) => (typeof value === 'string' && test(value) ? (value as T) : undefined));
}

export const line = (limit = 200) =>
  // Control characters would leave the field of a Release file or the line of a page.
  textThat<string>(`one line of text, at most ${limit} characters`, (value) =>
    value.trim() === '' || value.length > limit ? false : !/\p{Cc}/u.test(value),
  );

export const flag = leaf('true or false', (value) => (typeof value === 'boolean' ? value : undefined));

export const size = leaf('a size such as "512 MiB" or "4 GiB"', (value) => {
  const bytes = typeof value === 'string' ? parseSize(value) : undefined;
  return bytes !== undefined && bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
});

export const duration = (shortest: string, longest: string) =>
  leaf(`a duration such as "90s", "15m", "2h" or "30d", from ${shortest} to ${longest}`, (value) => {
    const milliseconds = typeof value === 'string' ? parseDuration(value) : undefined;
    return milliseconds !== undefined &&
      milliseconds >= parseDuration(shortest)! &&
      milliseconds <= parseDuration(longest)!
      ? milliseconds
      : undefined;
  });

export const count = (least: number, most: number) =>
  leaf(`a whole number from ${least} to ${most}`, (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most ? (value as number) : undefined,
  );

/** A date is midnight UTC. */
export const moment = leaf('a date such as 2026-01-31 or 2026-01-31T12:00:00Z, without quotes', (value) =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? value : undefined,
);

/** An http or https address without credentials, query or fragment; trailing slashes are dropped. */
export const address = leaf('an address such as "https://packages.example.org"', (value) => {
  const text = asText(value);
  const url = text === undefined ? null : URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  if (url.search !== '' || url.hash !== '' || /\s/.test(text!)) return undefined;
  return url.href.replace(/\/+$/, '');
});

/** An address that gets requests of ours: may carry a query, as chat services' webhooks do. */
export const endpoint = leaf('an address such as "https://chat.example.org/hook"', (value) => {
  const text = asText(value);
  const url = text === undefined ? null : URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && !/\s/.test(text!) ? text : undefined;
});

export const listen = leaf('an address to listen on such as "127.0.0.1:8080" or "[::1]:8080"', (value) => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(asText(value) ?? '');
  const port = Number(match?.[3]);
  return match !== null && port >= 1 && port <= 65_535 ? { host: (match[1] ?? match[2])!, port } : undefined;
});

/** git-check-ref-format(1), and one place for the version. */
export const tagFormat = textThat<string>(
  'a tag name with "%(version)s" once, such as "debian/%(version)s"',
  (value) =>
    value.split('%(version)s').length === 2 &&
    /^[A-Za-z0-9][A-Za-z0-9._/+@-]*$/.test(value.replace('%(version)s', '1')) &&
    !/\.\.|\/\/|@\{|\.lock$|\/$|\/\./.test(value.replace('%(version)s', '1')),
);

/**
 * A `*` stands for any run of characters, so in front of the path it would let hosts of others in:
 * `https://*.example.org/` fits `https://evil.example/x.example.org/` too.
 */
export const gitAddress = textThat<string>(
  'an address such as "https://git.example.org/team/*" or "git@git.example.org:team/*": https, ssh or git, with "*" only in the path',
  (value) =>
    /^(?:https|ssh|git):\/\/[^\s*/]+\/\S*$/.test(value) ||
    /^\w[\w.-]*@[^\s*/:@]+:[^\s/]\S*$/.test(value) ||
    value === 'https://*',
);

export const file = textThat<string>(
  'the name of a file, absolute or from the folder of sheaf.toml',
  (value) => value !== '' && !value.includes('\0') && !value.endsWith('/'),
);

export const folder = textThat<string>(
  'the name of a folder, absolute or from the folder of sheaf.toml',
  (value) => value !== '' && !value.includes('\0'),
);

export const packageGlob = textThat<string>(
  'a source package name, or a pattern with "*" such as "hello" or "lib*"',
  (value) => value.length <= 200 && /^[a-z0-9*][a-z0-9+.*-]*$/.test(value),
);

export const packageName = textThat<names.PackageName>('a Debian package name', names.isPackageName);
export const architecture = textThat<names.Architecture>(
  'a Debian architecture such as "amd64"',
  (value) => names.isArchitecture(value) && value !== 'all' && value !== 'any' && value !== 'source',
);
export const suiteName = textThat<names.SuiteName>(
  'a suite name: letters, digits, "-", "." and "_", the first a letter or digit',
  names.isSuiteName,
);
export const suiteGlob = textThat<string>('the name of a suite, or "*" for all', (value) =>
  value === '*' ? true : names.isSuiteName(value),
);
/** Upstreams may name a suite by a path: `bookworm-security`, `stable/updates`. */
export const upstreamSuite = textThat<string>(
  'a suite of that archive such as "bookworm" or "bookworm-updates"',
  (value) => value.split('/').every(names.isSuiteName),
);
export const language = textThat<string>('a language such as "en" or "pt_BR"', (value) =>
  /^[a-z]{2,3}(?:_[A-Z]{2})?(?:@[a-z]+)?$/.test(value),
);
export const component = textThat<string>(
  'a component such as "main": letters, digits, "-", "." and "_"',
  names.isLabel,
);
export const label = textThat<names.Label>(
  'a name: letters, digits, "-", "." and "_", the first a letter or digit',
  names.isLabel,
);

export const email = textThat<string>('an address such as "ada@example.org"', (value) =>
  /^[^\s@<>"]+@[^\s@<>"]+$/.test(value),
);

/** authorized_keys' line without options. Whether the key is strong enough is intake's to judge. */
export const sshLine = leaf('a line of an SSH public key file, such as "ssh-ed25519 AAAA… ada"', (value) => {
  const text = (asText(value) ?? '').trim();
  try {
    return parsePublicKeyLine(text).key.kind === 'unsupported' ? undefined : text;
  } catch {
    return undefined;
  }
});

/** The 32 bytes of an Ed25519 public key. */
export const ed25519Key = leaf('an Ed25519 public key: 32 bytes in base64, as sheaf rebuild key prints it', (value) => {
  const text = asText(value);
  return text !== undefined && decodeBase64(text)?.length === 32 ? text : undefined;
});

/** As `gpg --fingerprint` and `ssh-keygen -l` print it; OpenPGP's without spaces, in upper case. */
export const fingerprint = leaf(
  'a fingerprint: 40 or 64 hexadecimal digits of an OpenPGP key, or "SHA256:…" of an SSH key',
  (value) => {
    const text = (asText(value) ?? '').trim();
    if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(text)) return text;
    const digits = text.replaceAll(' ', '').replace(/^0x/i, '').toUpperCase();
    return /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(digits) ? digits : undefined;
  },
);

/** rsync(1): a host and a folder, or a daemon's module. Nothing that a program could take for an option. */
/** No character that a shell reads: older rsyncs show the folder to that of the other side. */
export const rsyncAddress = textThat<string>(
  'a host and a folder such as "mirror@host.example.org:/srv/mirror", or "rsync://host.example.org/module"',
  (value) =>
    /^(?:[\w.-]+@)?(?:\w[\w.-]*|\[[0-9A-Fa-f:.]+\]):[\w./~+@%=,-]+$/.test(value) ||
    /^rsync:\/\/[^\s/]+\/[\w.~+@%=,-][\w./~+@%=,-]*$/.test(value),
);

/** The bucket is the first part of the path. */
export const bucket = leaf('the address of a bucket such as "https://s3.example.org/bucket"', (value) => {
  const text = asText(value);
  const url = text === undefined ? null : URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
  if (url.search !== '' || url.hash !== '' || /\s/.test(text!) || /^\/*$/.test(url.pathname)) return undefined;
  return url.href.replace(/\/+$/, '');
});

/** Room ids of Matrix; an alias (#…) can be moved to another room and is not taken by the API. */
export const lintianTag = textThat<string>('a tag of lintian such as "dir-or-file-in-opt", or "error"', (value) =>
  /^[a-z0-9][a-z0-9+./-]{1,99}$/.test(value),
);

export const matrixRoom = textThat<string>('a Matrix room id such as "!abcdef:example.org" (not an alias)', (value) =>
  /^![^\s/]+$/.test(value),
);

/** An inline table of Release's fields. Empty texts are meant: no such field. */
export const releaseFields = leaf(
  'Release fields such as { origin = "Grove", label = "" }: texts origin, label, suite, codename and version, true or false for not-automatic and but-automatic-upgrades',
  (value): ReleaseFields | undefined => {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) return undefined;
    const { origin, label, suite, codename, version, ...flags } = value as Readonly<Record<string, unknown>>;
    const { 'not-automatic': notAutomatic, 'but-automatic-upgrades': butAutomaticUpgrades, ...others } = flags;
    const isText = (text: unknown): text is string | undefined =>
      text === undefined || (typeof text === 'string' && text.length <= 200 && !/^\s|\s$|\p{Cc}/u.test(text));
    const isFlag = (each: unknown): each is boolean | undefined => each === undefined || typeof each === 'boolean';
    if (Object.keys(others).length > 0 || !isFlag(notAutomatic) || !isFlag(butAutomaticUpgrades)) return undefined;
    if (!isText(origin) || !isText(label) || !isText(suite) || !isText(codename) || !isText(version)) return undefined;
    return { origin, label, suite, codename, version, notAutomatic, butAutomaticUpgrades };
  },
);

/** A list without repetitions. */
export function listOf<T extends z.ZodType>(item: T, least: number, what: string) {
  const expected = least > 0 ? `a list of ${what}, at least ${least}` : `a list of ${what}`;
  return z
    .array(item, { error: expected })
    .min(least, { error: expected })
    .superRefine((values, context) => {
      values.forEach((value, index) => {
        if (values.slice(0, index).includes(value)) {
          context.addIssue({ code: 'custom', message: 'every entry once', path: [index], input: value });
        }
      });
    });
}
