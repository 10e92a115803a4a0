/**
 * Identifiers as types. Every one has `is`, and `parse` which throws `bad-name` with the rule in English.
 */
import { SheafError } from '../kit/error.ts';

declare const brand: unique symbol;
type Branded<Tag extends string> = string & { readonly [brand]: Tag };

/** Debian Policy 5.6.1: lower-case letters, digits, `+ - .`; at least two characters, first a letter or digit. */
export type PackageName = Branded<'PackageName'>;
/** Debian Policy 5.6.12: `[epoch:]upstream[-revision]`. */
export type Version = Branded<'Version'>;
/** A Debian architecture name: `amd64`, `arm64`, `all`, `kfreebsd-amd64`. */
export type Architecture = Branded<'Architecture'>;
/** A suite or codename as it appears under `dists/`: letters, digits, `- . _`, first a letter or digit. */
export type SuiteName = Branded<'SuiteName'>;
/** A key of a table in sheaf.toml (repository, upstream, person, worker): like a suite name. */
export type Label = Branded<'Label'>;
/** `YYYYMMDDTHHMMSSZ`, UTC. */
export type SnapshotId = Branded<'SnapshotId'>;
/** A git object id: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits. */
export type ObjectId = Branded<'ObjectId'>;

type Rule = { readonly what: string; readonly pattern: RegExp; readonly expected: string; readonly limit: number };

const rules = {
  PackageName: {
    what: 'package name',
    pattern: /^[a-z0-9][a-z0-9+.-]+$/,
    expected: 'lower-case letters, digits, "+", "-", ".", at least two characters, the first a letter or digit',
    limit: 200,
  },
  Version: {
    what: 'version',
    pattern: /^(?:\d+:)?\d[A-Za-z0-9.+~-]*(?<!-)$/,
    expected: '[epoch:]upstream[-revision] of letters, digits, ". + ~ -", the upstream part beginning with a digit',
    limit: 250,
  },
  Architecture: {
    what: 'architecture',
    pattern: /^[a-z0-9][a-z0-9-]+$/,
    expected: 'a Debian architecture such as amd64, arm64 or all',
    limit: 40,
  },
  SuiteName: {
    what: 'suite name',
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    expected: 'letters, digits, "-", "." and "_", the first a letter or digit',
    limit: 100,
  },
  Label: {
    what: 'name',
    pattern: /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    expected: 'letters, digits, "-", "." and "_", the first a letter or digit',
    limit: 100,
  },
  SnapshotId: {
    what: 'snapshot id',
    pattern: /^[0-9]{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z$/,
    expected: 'YYYYMMDDTHHMMSSZ',
    limit: 16,
  },
  ObjectId: {
    what: 'git object id',
    pattern: /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/,
    expected: '40 or 64 lower-case hexadecimal digits',
    limit: 64,
  },
} as const satisfies Record<string, Rule>;

function is(rule: Rule, text: string): boolean {
  return text.length <= rule.limit && rule.pattern.test(text);
}

function parse(rule: Rule, text: string): string {
  if (!is(rule, text)) {
    const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
    throw new SheafError('bad-name', `Cannot read ${rule.what} ${shown}: expected ${rule.expected}`);
  }
  return text;
}

export const isPackageName = (text: string): text is PackageName => is(rules.PackageName, text);
export const parsePackageName = (text: string) => parse(rules.PackageName, text) as PackageName;
export const isVersion = (text: string): text is Version => is(rules.Version, text);
export const parseVersion = (text: string) => parse(rules.Version, text) as Version;
export const isArchitecture = (text: string): text is Architecture => is(rules.Architecture, text);
export const parseArchitecture = (text: string) => parse(rules.Architecture, text) as Architecture;
export const isSuiteName = (text: string): text is SuiteName => is(rules.SuiteName, text);
export const parseSuiteName = (text: string) => parse(rules.SuiteName, text) as SuiteName;
export const isLabel = (text: string): text is Label => is(rules.Label, text);
export const parseLabel = (text: string) => parse(rules.Label, text) as Label;
export const isSnapshotId = (text: string): text is SnapshotId => is(rules.SnapshotId, text);
export const parseSnapshotId = (text: string) => parse(rules.SnapshotId, text) as SnapshotId;
export const isObjectId = (text: string): text is ObjectId => is(rules.ObjectId, text);
export const parseObjectId = (text: string) => parse(rules.ObjectId, text) as ObjectId;

/** The snapshot id of a moment; fractions of a second are dropped. */
export function toSnapshotId(time: Date): SnapshotId {
  return `${time.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z` as SnapshotId;
}

/** What snapshot.debian.org takes as a moment: `YYYYMMDDTHHMMSSZ`, or a day, which is its first second. */
export function parseMoment(text: string): SnapshotId | undefined {
  const id = /^\d{8}$/.test(text) ? `${text}T000000Z` : text;
  return isSnapshotId(id) ? id : undefined;
}

/** The moment that a snapshot id names. */
export function snapshotTime(id: SnapshotId): Date {
  return new Date(id.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
