/** Rebuilds: published files built again, whether the bytes agreed, and why not. */
import { isSha256, type Sha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import {
  isArchitecture,
  isPackageName,
  isVersion,
  type Architecture,
  type PackageName,
  type Version,
} from './names.ts';

/** `exact`: in the environment of the recorded .buildinfo. `idempotent`: with the dependencies of today. */
export const rebuildModes = ['exact', 'idempotent'] as const;
export type RebuildMode = (typeof rebuildModes)[number];

/** So many builds are tried to find the cause of a difference, where nobody says another number. */
export const usualExperiments = 4;

/** Of a file and of a rebuild; from the best to the worst. */
export const verdicts = ['reproduced', 'differs', 'unknown', 'failed'] as const;
export type Verdict = (typeof verdicts)[number];

/** Of a rebuild that the server has the workers make. */
export const rebuildTaskStates = ['waiting', 'running', 'done', 'given-up'] as const;
export type RebuildTaskState = (typeof rebuildTaskStates)[number];

/** What, when restored, made the bytes agree; `unstable`: two rebuilds under the same conditions differ from each other. */
export const causeKinds = [
  'clock',
  'build-path',
  'locale',
  'timezone',
  'umask',
  'hostname',
  'cpu-count',
  'file-order',
  'dependency',
  'environment',
  'unstable',
] as const;
export type CauseKind = (typeof causeKinds)[number];

export type Cause = {
  readonly kind: CauseKind;
  readonly detail: string;
  /** Only after a rebuild with it alone, or with those before it, was equal, or in part. */
  readonly confirmed: boolean;
  /** Where not all of the bytes agreed: what did with it, such as `usr/share/doc/a/changelog.gz`. */
  readonly explains?: string;
};

type FileDigest = { readonly sha256: Sha256; readonly size: number };

export type RebuiltFile = {
  readonly name: PackageName;
  readonly version: Version;
  readonly architecture: Architecture;
  /** `hello_2.10-3_amd64.deb` */
  readonly file: string;
  readonly original: FileDigest;
  readonly rebuilt?: FileDigest;
  readonly verdict: Verdict;
};

/** One rebuild with one thing restored, and what it gave. */
export type Experiment = { readonly restored: string; readonly verdict: Verdict; readonly seconds: number };

/** What a rebuild ended with: the document that is recorded, shown and signed. */
export type RebuildResult = {
  readonly source: PackageName;
  readonly version: Version;
  readonly architecture: Architecture;
  readonly mode: RebuildMode;
  /** Where the originals are published: `stable`, `debian/bookworm`; absent for plain files. */
  readonly place?: string;
  /** The worst of its files. */
  readonly verdict: Verdict;
  /** Why it failed or is unknown. */
  readonly reason?: string;
  readonly files: readonly RebuiltFile[];
  readonly causes: readonly Cause[];
  /** Blobs: the lock of the environment, the .buildinfo that was followed, the log. */
  readonly lock?: Sha256;
  readonly buildinfo?: Sha256;
  readonly log?: Sha256;
  /** Blobs: the structural comparison as JSON, and diffoscope's text when it was asked for. */
  readonly difference?: Sha256;
  readonly diffoscope?: Sha256;
  /** The recovered facts that were used: build path, date, … */
  readonly conditions: Readonly<Record<string, string>>;
  readonly experiments: readonly Experiment[];
  /** ISO 8601, UTC. */
  readonly startedOn: string;
  readonly finishedOn: string;
};

/** The verdict of a rebuild is the worst of its files. */
export function worstVerdict(of: readonly Verdict[]): Verdict {
  return verdicts.findLast((verdict) => of.includes(verdict)) ?? 'unknown';
}

const mostFiles = 1000;
const mostEntries = 200;
const mostText = 4000;

/** Reads the JSON text of a result, of anybody: bounded, unknown fields dropped. Throws `bad-rebuild` with the field. */
export function parseRebuildResult(json: string, file?: string): RebuildResult {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw bad('it is not JSON', file, error);
  }
  return toRebuildResult(value, file);
}

/** As `parseRebuildResult`, of a value out of JSON. */
export function toRebuildResult(value: unknown, file?: string): RebuildResult {
  const read = reader(value, '', file);
  const result: RebuildResult = {
    source: read.is('source', isPackageName, 'a package name'),
    version: read.is('version', isVersion, 'a version'),
    architecture: read.is('architecture', isArchitecture, 'an architecture'),
    mode: read.oneOf('mode', rebuildModes),
    ...read.optional('place', isPlaceName, 'a suite, or upstream/suite'),
    verdict: read.oneOf('verdict', verdicts),
    ...read.optional('reason', isText, `text of at most ${mostText} characters`),
    files: read.list('files', mostFiles, toFile),
    causes: read.list('causes', mostEntries, (each) => ({
      kind: each.oneOf('kind', causeKinds),
      detail: each.is('detail', isText, `text of at most ${mostText} characters`),
      confirmed: each.boolean('confirmed'),
      ...each.optional('explains', isText, `text of at most ${mostText} characters`),
    })),
    ...read.optional('lock', isSha256, 'a SHA-256'),
    ...read.optional('buildinfo', isSha256, 'a SHA-256'),
    ...read.optional('log', isSha256, 'a SHA-256'),
    ...read.optional('difference', isSha256, 'a SHA-256'),
    ...read.optional('diffoscope', isSha256, 'a SHA-256'),
    conditions: read.texts('conditions'),
    experiments: read.list('experiments', mostEntries, (each) => ({
      restored: each.is('restored', isText, `text of at most ${mostText} characters`),
      verdict: each.oneOf('verdict', verdicts),
      seconds: each.number('seconds'),
    })),
    startedOn: read.is('startedOn', isTime, 'a time such as 2026-01-01T00:00:00Z'),
    finishedOn: read.is('finishedOn', isTime, 'a time such as 2026-01-01T00:00:00Z'),
  };
  checkWhole(result, file);
  return result;
}

function toFile(read: Reader): RebuiltFile {
  const original = read.digest('original');
  const rebuilt = read.has('rebuilt') ? { rebuilt: read.digest('rebuilt') } : {};
  return {
    name: read.is('name', isPackageName, 'a package name'),
    version: read.is('version', isVersion, 'a version'),
    architecture: read.is('architecture', isArchitecture, 'an architecture'),
    file: read.is('file', isFileName, 'the name of a file'),
    original,
    ...rebuilt,
    verdict: read.oneOf('verdict', verdicts),
  };
}

/** What must hold between the fields, so that no document can call different bytes reproduced. */
function checkWhole(result: RebuildResult, file: string | undefined): void {
  const { files, verdict, startedOn, finishedOn } = result;
  if (new Set(files.map((each) => each.file)).size < files.length) throw bad('"files" names a file twice', file);
  for (const each of files) {
    const equal = each.rebuilt?.sha256 === each.original.sha256;
    if (equal !== (each.verdict === 'reproduced') || (each.verdict === 'differs' && each.rebuilt === undefined)) {
      throw bad(`the verdict "${each.verdict}" of ${each.file} is not what its hashes say`, file);
    }
  }
  const worst = worstVerdict(files.map((each) => each.verdict));
  if (files.length > 0 && verdict !== worst) {
    throw bad(`the verdict "${verdict}" is not that of its files, "${worst}"`, file);
  }
  if (Date.parse(startedOn) > Date.parse(finishedOn)) throw bad('it ended before it began', file);
}

const isText = (text: string): boolean => text.length <= mostText;

/** As much of a reason or detail as a result may hold, less `reserve` characters. */
export function cutText(text: string, reserve = 0): string {
  const most = mostText - reserve;
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
const isPlaceName = (text: string): boolean => /^[A-Za-z0-9][\w.-]{0,99}(?:\/[A-Za-z0-9][\w.-]{0,99})?$/.test(text);
const isFileName = (text: string): boolean => /^[A-Za-z0-9][\w.+~:%-]{0,254}$/.test(text);
const isTime = (text: string): boolean =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text) && Number.isFinite(Date.parse(text));

type Reader = {
  is: {
    <T extends string>(name: string, test: (text: string) => text is T, expected: string): T;
    (name: string, test: (text: string) => boolean, expected: string): string;
  };
  optional: {
    <N extends string, T extends string>(
      name: N,
      test: (text: string) => text is T,
      expected: string,
    ): { readonly [name in N]?: T };
    <N extends string>(name: N, test: (text: string) => boolean, expected: string): { readonly [name in N]?: string };
  };
  number(name: string): number;
  boolean(name: string): boolean;
  has(name: string): boolean;
  oneOf<T extends string>(name: string, words: readonly T[]): T;
  digest(name: string): FileDigest;
  texts(name: string): Record<string, string>;
  list<T>(name: string, most: number, toItem: (read: Reader) => T): T[];
};

/** Reads the members of one object; an error names the member by its path. */
function reader(value: unknown, path: string, file: string | undefined): Reader {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(path === '' ? 'it is not an object' : `"${path}" is not an object`, file);
  }
  const member = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const wrong = (name: string, expected: string): SheafError => bad(`"${at(name)}" is not ${expected}`, file);

  function is<T extends string>(name: string, test: (text: string) => text is T, expected: string): T;
  function is(name: string, test: (text: string) => boolean, expected: string): string;
  function is(name: string, test: (text: string) => boolean, expected: string): string {
    const text = member(name);
    if (typeof text !== 'string' || !test(text)) throw wrong(name, expected);
    return text;
  }
  const optional = (name: string, test: (text: string) => boolean, expected: string): object =>
    member(name) === undefined ? {} : { [name]: is(name, test, expected) };
  function number(name: string): number {
    const found = member(name);
    if (typeof found !== 'number' || !Number.isFinite(found) || found < 0) throw wrong(name, 'a number from 0 on');
    return found;
  }
  return {
    is,
    optional,
    number,
    has: (name: string): boolean => member(name) !== undefined,
    oneOf: <T extends string>(name: string, words: readonly T[]): T =>
      is(name, (text): text is T => (words as readonly string[]).includes(text), `one of ${words.join(', ')}`),
    boolean: (name: string): boolean => {
      const found = member(name);
      if (typeof found !== 'boolean') throw wrong(name, 'true or false');
      return found;
    },
    digest: (name: string): FileDigest => {
      const digest = reader(member(name), at(name), file);
      const size = digest.number('size');
      if (!Number.isSafeInteger(size)) throw wrong(`${name}.size`, 'a whole number');
      return { sha256: digest.is('sha256', isSha256, 'a SHA-256'), size };
    },
    texts: (name: string): Record<string, string> => {
      const texts = reader(member(name), at(name), file);
      const names = Object.keys(member(name) as object);
      if (names.length > mostEntries) throw wrong(name, `an object of at most ${mostEntries} members`);
      return Object.fromEntries(
        names.map((each) => [each, texts.is(each, isText, `text of at most ${mostText} characters`)]),
      );
    },
    list: <T>(name: string, most: number, toItem: (read: Reader) => T): T[] => {
      const items = member(name);
      if (!Array.isArray(items) || items.length > most) throw wrong(name, `a list of at most ${most}`);
      return items.map((item, index) => toItem(reader(item, `${at(name)}[${index}]`, file)));
    },
  };
}

function bad(state: string, file: string | undefined, cause?: unknown): SheafError {
  return new SheafError('bad-rebuild', `Cannot read the result of a rebuild: ${state}`, {
    ...(file === undefined ? {} : { place: { file } }),
    ...(cause === undefined ? {} : { cause }),
  });
}
