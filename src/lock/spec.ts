/** What a lock is made from: a small TOML file, or the words of a command line that say the same. */
import { readFile } from 'node:fs/promises';

import { z } from 'zod';

import { formatPlace, SheafError, type Place } from '../kit/error.ts';
import { suggestion } from '../kit/spelling.ts';
import { formatFound, formatPath, parseToml } from '../kit/toml.ts';
import type { LockedPackage, Variant } from '../model/lock.ts';
import { isArchitecture, isPackageName, isVersion, type Architecture, type PackageName } from '../model/names.ts';
import type { Needs } from './ports.ts';
import { isVariant, variants } from './variant.ts';

export type LockSpec = {
  /** As apt takes them: `nginx`, `hello=2.10-3`, `libc6:i386`, `nginx/trixie-backports`. */
  readonly packages: readonly string[];
  /** What comes beside the packages, by mmdebstrap's names. Essential packages come always. */
  readonly variant: Variant;
  /** Places in the history: `debian/trixie`, `debian/trixie@20260912T075541Z`, `stable@142`. */
  readonly from: readonly string[];
  readonly architectures: readonly Architecture[];
  readonly recommends: boolean;
  readonly exclude: readonly PackageName[];
  /** Versions to stay at wherever the places have them. */
  readonly keep?: readonly LockedPackage[];
  /** Build dependencies that must hold too. `packages` are plain names then, and the lock does not say what it is for. */
  readonly needs?: Needs;
};

export const defaultVariant: Variant = 'minbase';
const mostBytes = 4 * 2 ** 20;
const mostPackages = 20_000;

/** Throws `no-lock-spec`, `bad-settings` with every problem and its place. */
export async function readLockSpec(file: string): Promise<LockSpec> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new SheafError('no-lock-spec', `Cannot read what to lock: there is no readable file ${file}`, {
      kind: 'usage',
      hint: 'Write one with packages = ["…"] and from = ["debian/trixie"], or name packages by --package.',
      cause: error,
    });
  });
  if (bytes.length > mostBytes) {
    throw new SheafError('bad-settings', `Cannot read ${file}: it has more than ${mostBytes} bytes`, { kind: 'usage' });
  }
  return parseLockSpec(bytes.toString(), file);
}

/** Throws `bad-settings`. */
export function parseLockSpec(text: string, file: string): LockSpec {
  const document = parseToml(text, file);
  const parsed = schema.safeParse(document.value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => toProblems(issue, document));
  throw toError(problems, file);
}

/** The same from the words of a command line; `undefined` is the default. Throws `bad-settings`. */
export function checkLockSpec(words: { readonly [Name in keyof z.input<typeof schema>]: unknown }): LockSpec {
  const parsed = schema.safeParse(words);
  if (parsed.success) return parsed.data;
  const messages = parsed.error.issues.map((issue) => {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    const found = path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)?.[key], words);
    return `${formatPath(path)}: ${sentence(issue.message, found)}`;
  });
  throw new SheafError('bad-settings', `Cannot lock: ${messages.join('; ')}`, { kind: 'usage' });
}

/** `NAME[:ARCHITECTURE][=VERSION]` or `NAME[:ARCHITECTURE]/SUITE`, and nothing else that apt would take. */
export function isPackageWord(word: string): boolean {
  const match = /^([^:=/]+)(?::([^:=/]+))?(?:=(.+)|\/([A-Za-z0-9][A-Za-z0-9._-]*))?$/.exec(word);
  if (match === null || word.length > 600) return false;
  const [, name, architecture, version] = match;
  // A last "-" is apt's word for removing.
  if (!isPackageName(name!) || name!.endsWith('-')) return false;
  if (architecture !== undefined && !isRealArchitecture(architecture)) return false;
  return version === undefined || isVersion(version);
}

/** Of what `isPackageWord` takes. */
function nameOf(word: string): string {
  return /^[^:=/]*/.exec(word)![0];
}

const isRealArchitecture = (text: string): text is Architecture =>
  isArchitecture(text) && text !== 'all' && text !== 'any' && text !== 'source';

function text<T extends string>(expected: string, is: (value: string) => boolean) {
  return z.custom<T>((value) => typeof value === 'string' && is(value), { error: expected });
}

function list<T extends z.ZodType>(item: T, what: string, least: number) {
  const expected = least > 0 ? `a list of ${what}, at least ${least}` : `a list of ${what}`;
  return z
    .array(item, { error: expected })
    .min(least, { error: expected })
    .max(mostPackages, { error: `at most ${mostPackages} entries` })
    .superRefine((values, context) => {
      const seen = new Set<unknown>();
      for (const [index, value] of values.entries()) {
        if (seen.has(value)) context.addIssue({ code: 'custom', message: 'every entry once', path: [index] });
        seen.add(value);
      }
    });
}

const flag = z.boolean({ error: 'true or false' });

const schema = z
  .strictObject({
    packages: list(
      text<string>('a package as apt takes it: "nginx", "hello=2.10-3", "libc6:i386", "nginx/SUITE"', isPackageWord),
      'packages',
      0,
    ).default([]),
    variant: text<Variant>(`one of ${variants.join(', ')}`, isVariant).default(defaultVariant),
    from: list(
      text<string>('a suite such as "debian/trixie", "debian/trixie@20260912T075541Z" or "stable@142"', isPlace),
      'suites',
      1,
    ),
    architectures: list(
      text<Architecture>('a Debian architecture such as "amd64"', isRealArchitecture),
      'architectures',
      1,
    ),
    recommends: flag.default(false),
    exclude: list(text<PackageName>('the name of a package', isPackageName), 'package names', 0).default([]),
  })
  .superRefine(({ packages, exclude }, context) => {
    // A version or a suite that is named goes before apt's pins.
    const asked = new Set(packages.map((word) => nameOf(word)));
    for (const [index, name] of exclude.entries()) {
      if (!asked.has(name)) continue;
      context.addIssue({ code: 'custom', message: 'a package that is not asked for', path: ['exclude', index] });
    }
  });

function isPlace(value: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._/-]{0,200}(?:@[A-Za-z0-9:-]{1,40})?$/.test(value);
}

type Problem = { readonly place: Place; readonly message: string };

function toProblems(issue: z.core.$ZodIssue, document: ReturnType<typeof parseToml>): Problem[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema.shape);
    return issue.keys.map((key) => ({
      place: document.placeOfKey([...path, key]),
      message: `${formatPath([...path, key])}: unknown setting${suggestion(key, known) || `, expected one of ${known.join(', ')}`}`,
    }));
  }
  const found = path.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)[key], document.value);
  return [{ place: document.placeOf(path), message: `${formatPath(path)}: ${sentence(issue.message, found)}` }];
}

function sentence(expected: string, found: unknown): string {
  return found === undefined ? `missing, expected ${expected}` : `found ${formatFound(found)}, expected ${expected}`;
}

function toError(problems: readonly Problem[], file: string): SheafError {
  const sorted = problems.toSorted((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0));
  const message =
    sorted.length === 1
      ? `Cannot read what to lock: ${sorted[0]!.message}`
      : [
          `Cannot read what to lock: ${sorted.length} problems`,
          ...sorted.map(({ place, message }) => `  ${formatPlace({ ...place, file })}: ${message}`),
        ].join('\n');
  return new SheafError('bad-settings', message, { kind: 'usage', place: sorted[0]!.place });
}
