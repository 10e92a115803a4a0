/**
 * Version numbers: splitting and ordering. deb-version(7), Debian Policy 5.6.12.
 *
 * `[epoch:]upstream-version[-debian-revision]`: the epoch ends at the first colon, the revision begins after the last
 * hyphen. Ordering here is dpkg's, for any text that splits; which characters may stand in a version is checked where a
 * version crosses a door (model/names.ts).
 */
import { SheafError } from '../../kit/error.ts';

export type VersionParts = {
  readonly epoch: number;
  readonly upstream: string;
  readonly revision: string | undefined;
};

/** dpkg keeps epochs in a C int. */
const largestEpoch = 2_147_483_647;

/** Throws `bad-version` when the epoch is not a number or a part is empty, as dpkg does. */
export function splitVersion(version: string): VersionParts {
  const colon = version.indexOf(':');
  let epoch = 0;
  if (colon !== -1) {
    const digits = version.slice(0, colon);
    epoch = /^\d{1,10}$/.test(digits) ? Number(digits) : Number.NaN;
    if (!(epoch <= largestEpoch)) throw badVersion(version, `its epoch is not a number up to ${largestEpoch}`);
  }
  const rest = version.slice(colon + 1);
  const hyphen = rest.lastIndexOf('-');
  const upstream = hyphen === -1 ? rest : rest.slice(0, hyphen);
  const revision = hyphen === -1 ? undefined : rest.slice(hyphen + 1);
  if (upstream === '') throw badVersion(version, 'its upstream part is empty');
  if (revision === '') throw badVersion(version, 'its revision is empty');
  return { epoch, upstream, revision };
}

/** As file names carry it: `1:2.3-4` → `2.3-4`. */
export function withoutEpoch(version: string): string {
  return version.slice(version.indexOf(':') + 1);
}

/** The upstream part, as the names of upstream tarballs carry it: `1:2.3-4` → `2.3`. */
export function withoutRevision(version: string): string {
  return splitVersion(version).upstream;
}

/**
 * Negative when `a` is earlier than `b`, positive when it is later, 0 when dpkg holds them equal (`1.0` and `1.00`,
 * `1.0` and `1.0-0`). Throws `bad-version` as splitVersion does.
 */
export function compareVersions(a: string, b: string): number {
  if (a === b) return 0;
  const left = splitVersion(a);
  const right = splitVersion(b);
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? -1 : 1;
  return comparePart(left.upstream, right.upstream) || comparePart(left.revision ?? '', right.revision ?? '');
}

/**
 * deb-version(7), "Sorting algorithm": from the left, in turns, a run of non-digits is compared by the order of
 * `rank`, and a run of digits by its numerical value (an empty run counts as zero).
 */
function comparePart(a: string, b: string): -1 | 0 | 1 {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a.charCodeAt(i))) || (j < b.length && !isDigit(b.charCodeAt(j)))) {
      const left = rank(a, i);
      const right = rank(b, j);
      if (left !== right) return left < right ? -1 : 1;
      i++;
      j++;
    }
    while (i < a.length && a.charCodeAt(i) === zero) i++;
    while (j < b.length && b.charCodeAt(j) === zero) j++;
    let first: -1 | 0 | 1 = 0;
    while (i < a.length && j < b.length && isDigit(a.charCodeAt(i)) && isDigit(b.charCodeAt(j))) {
      if (first === 0 && a.charCodeAt(i) !== b.charCodeAt(j)) first = a.charCodeAt(i) < b.charCodeAt(j) ? -1 : 1;
      i++;
      j++;
    }
    // The number with more digits is the larger, whatever their values.
    if (i < a.length && isDigit(a.charCodeAt(i))) return 1;
    if (j < b.length && isDigit(b.charCodeAt(j))) return -1;
    if (first !== 0) return first;
  }
  return 0;
}

/** Tilde before the end of a part, the end (or a digit) before letters, letters before everything else. */
function rank(text: string, position: number): number {
  if (position >= text.length) return 0;
  const code = text.charCodeAt(position);
  if (isDigit(code)) return 0;
  if (code === tilde) return -1;
  return isLetter(code) ? code : code + 0x10000;
}

const zero = 0x30;
const tilde = 0x7e;
const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
const isLetter = (code: number) => (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);

function badVersion(version: string, state: string): SheafError {
  return new SheafError('bad-version', `Cannot read version ${JSON.stringify(version.slice(0, 80))}: ${state}`);
}
