/**
 * The text of a lock: deb822 stanzas, so that Debian's own tools read it and a diff of two locks is a diff of packages.
 *
 * The first stanza is the head. It is called `Package: sheaf-lock`, because apt takes no index with a stanza that has no
 * name; its version is the format's. `Architecture` is the root's, `Packages` how many there are (absent in older ones),
 * `Sources` has one line for each Release that vouched
 * for the packages (`SHA256 SUITE URL COMPONENTS SNAPSHOT KEYS | DATE`, lists with commas, `-` for what is not known),
 * and `Install`, `Variant`, `Recommends`, `Exclude` say what was asked for. One stanza for each package follows, sorted by name and
 * architecture: that of the index it came from, and `URL`. A file for several architectures is one such lock after the
 * other.
 *
 * The first format is still read: old builds are recorded with it. Its head has `Format: sheaf-lock-1` in place of a name,
 * and lines of `SHA256 SUITE URL | DATE` in `Sources`.
 */
import { field, formatStanza, parseStanzas, requireField, type Stanza } from '../formats/deb/deb822.ts';
import { isSha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import type { Lock, LockedPackage, LockRequest, LockSource } from '../model/lock.ts';
import { isArchitecture, isPackageName, isVersion } from '../model/names.ts';
import { isVariant } from './variant.ts';

const headName = 'sheaf-lock';
/** What the text of every lock begins with. */
export const lockHead = `Package: ${headName}\n`;
const format = '2';
const firstFormat = 'sheaf-lock-1';
const mostPackages = 100_000;

/** The fields that a lock's own reader looks at; `fields` of a package are all others. */
const ownFields = ['Package', 'Version', 'Architecture', 'Size', 'SHA256', 'URL'];

/** What a locked package has in `fields`, of the stanza that its index has. */
export function lockedPackageFields(stanza: Stanza): [string, string][] {
  const own = ownFields.map((name) => name.toLowerCase());
  return stanza.fields.filter(({ name }) => !own.includes(name.toLowerCase())).map(({ name, value }) => [name, value]);
}

export function formatLock(...locks: readonly Lock[]): string {
  return locks
    .map((lock) => [formatHead(lock), ...lock.packages.toSorted(byPackage).map(formatPackage)].join('\n'))
    .join('\n');
}

function formatHead({ architecture, sources, request, packages }: Lock): string {
  return formatStanza([
    ['Package', headName],
    ['Version', format],
    ['Architecture', architecture],
    ['Packages', String(packages.length)],
    ...(sources.length === 0 ? [] : [['Sources', sources.map((each) => `\n${formatSource(each)}`).join('')] as const]),
    ...(request === undefined ? [] : formatRequest(request)),
  ]);
}

function formatSource({ inRelease, suite, url, components, snapshot, keys, date }: LockSource): string {
  const list = (items: readonly string[] | undefined) => (items === undefined ? '-' : items.join(','));
  return `${inRelease} ${suite} ${url} ${list(components)} ${snapshot ?? '-'} ${list(keys)} | ${date}`;
}

function formatRequest({ packages, variant, recommends, exclude }: LockRequest): [string, string][] {
  return [
    ['Install', packages.join(', ')],
    ...(variant === undefined ? [] : [['Variant', variant] as [string, string]]),
    ['Recommends', recommends ? 'yes' : 'no'],
    ...(exclude.length === 0 ? [] : [['Exclude', exclude.join(', ')] as [string, string]]),
  ];
}

function formatPackage(each: LockedPackage): string {
  return formatStanza([
    ['Package', each.name],
    ['Version', each.version],
    ['Architecture', each.architecture],
    ...(each.fields ?? []),
    ['Size', String(each.size)],
    ['SHA256', each.sha256],
    ['URL', each.url],
  ]);
}

/** By name, then architecture, in the order of bytes. */
export function byPackage(a: Pick<LockedPackage, 'name' | 'architecture'>, b: typeof a): number {
  return order(a.name, b.name) || order(a.architecture, b.architecture);
}

/** A lock for one architecture. Throws `bad-lock` with file and line. */
export function parseLock(text: string, file = 'lock'): Lock {
  const [lock, another] = parseLocks(text, file);
  if (another !== undefined) throw bad(file, 1, `it is for several architectures, ${lock!.architecture} is only one`);
  return lock!;
}

/** All locks of a file, one for each architecture; at least one. Throws `bad-lock` with file and line. */
export function parseLocks(text: string, file = 'lock'): Lock[] {
  refuseConflict(text, file);
  const stanzas = parseStanzas(text, file);
  if (stanzas.length === 0) throw bad(file, 1, 'it is empty');
  if (stanzas.length > mostPackages) throw bad(file, 1, `it has more than ${mostPackages} packages`);
  if (!isHead(stanzas[0]!))
    throw bad(file, lineOf(stanzas[0]!, 'Package'), `it does not begin with "Package: ${headName}"`);
  const locks: Lock[] = [];
  for (const [index, stanza] of stanzas.entries()) {
    if (!isHead(stanza)) continue;
    const end = stanzas.findIndex((each, at) => at > index && isHead(each));
    const lock = toLock(stanza, stanzas.slice(index + 1, end === -1 ? undefined : end), file);
    if (locks.some(({ architecture }) => architecture === lock.architecture))
      throw bad(file, lineOf(stanza, 'Architecture'), `it has two locks for ${lock.architecture}`);
    locks.push(lock);
  }
  return locks;
}

/** What git writes where two branches changed the same lines. */
function refuseConflict(text: string, file: string): void {
  const found = /^<{7} .*$/m.exec(text);
  if (found === null) return;
  throw new SheafError('bad-lock', 'Cannot read the lock: both sides of a merge stand in it', {
    place: { file, line: text.slice(0, found.index).split('\n').length },
    hint: 'Take one side whole (git checkout --ours or --theirs), then move it: sheaf lock update.',
  });
}

function isHead(stanza: Stanza): boolean {
  return field(stanza, 'Package') === headName || isFirstFormat(stanza);
}

function isFirstFormat(stanza: Stanza): boolean {
  return field(stanza, 'Package') === undefined && field(stanza, 'Format') === firstFormat;
}

function toLock(head: Stanza, stanzas: readonly Stanza[], file: string): Lock {
  if (!isFirstFormat(head)) {
    const found = requireField(head, 'Version', file);
    if (found !== format) throw bad(file, lineOf(head, 'Version'), `its format is "${found}", expected "${format}"`);
  }
  const architecture = requireField(head, 'Architecture', file);
  if (!isArchitecture(architecture)) throw bad(file, lineOf(head, 'Architecture'), 'bad architecture');
  const packages = stanzas.map((stanza) => parsePackage(stanza, file));
  const said = field(head, 'Packages') ?? String(packages.length);
  if (said !== String(packages.length)) {
    throw new SheafError(
      'bad-lock',
      `Cannot read the lock: it has ${packages.length} packages for ${architecture}, its head says ${said}`,
      {
        place: { file, line: lineOf(head, 'Packages') },
        hint: 'It was cut, or merged or edited by hand: take it from git again, or make it anew with sheaf lock create.',
      },
    );
  }
  for (const [index, each] of packages.entries()) {
    const before = packages[index - 1];
    if (before === undefined || byPackage(before, each) < 0) continue;
    const line = lineOf(stanzas[index]!, 'Package');
    throw bad(file, line, `"${each.name}" stands twice or out of order; packages are sorted by name and architecture`);
  }
  const request = parseRequest(head, file);
  return { architecture, sources: parseSources(head, file), ...(request && { request }), packages };
}

function parseRequest(head: Stanza, file: string): LockRequest | undefined {
  const list = (name: string) => (field(head, name) ?? '').split(/[\s,]+/).filter((word) => word !== '');
  if (field(head, 'Install') === undefined) return undefined;
  const variant = field(head, 'Variant');
  if (variant !== undefined && !isVariant(variant))
    throw bad(file, lineOf(head, 'Variant'), `there is no variant "${variant}"`);
  return {
    packages: list('Install'),
    ...(variant === undefined ? {} : { variant }),
    recommends: field(head, 'Recommends') === 'yes',
    exclude: list('Exclude'),
  };
}

function parseSources(head: Stanza, file: string): LockSource[] {
  const line = lineOf(head, 'Sources');
  return (field(head, 'Sources') ?? '')
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text, index) => {
      const full = isFirstFormat(head) ? text.replace(' |', ' - - - |') : text;
      const match = /^\s*(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) \| ?(.*)$/.exec(full);
      const [, inRelease = '', suite, url, components, snapshot, keys, date] = match ?? [];
      if (match === null || !isSha256(inRelease))
        throw bad(file, line + 1 + index, 'expected "SHA256 SUITE URL COMPONENTS SNAPSHOT KEYS | DATE"');
      return {
        ...{ url: url!, suite: suite!, inRelease, date: date!.trim() },
        ...(components === '-' ? {} : { components: components!.split(',') }),
        ...(snapshot === '-' ? {} : { snapshot: snapshot! }),
        ...(keys === '-' ? {} : { keys: keys!.split(',') }),
      };
    });
}

function parsePackage(stanza: Stanza, file: string): LockedPackage {
  const get = <T extends string>(name: string, is: (text: string) => text is T): T => {
    const value = requireField(stanza, name, file);
    if (!is(value)) throw bad(file, lineOf(stanza, name), `bad ${name}: ${JSON.stringify(value.slice(0, 80))}`);
    return value;
  };
  const others = stanza.fields.filter(({ name }) => !ownFields.includes(name));
  return {
    name: get('Package', isPackageName),
    version: get('Version', isVersion),
    architecture: get('Architecture', isArchitecture),
    size: Number(get('Size', (text): text is string => /^\d{1,12}$/.test(text))),
    sha256: get('SHA256', isSha256),
    url: get('URL', (text): text is string => /^https?:\/\/\S+$/.test(text)),
    ...(others.length === 0 ? {} : { fields: others.map(({ name, value }) => [name, value] as const) }),
  };
}

function lineOf(stanza: Stanza, name: string): number {
  return stanza.fields.find((each) => each.name === name)?.line ?? stanza.fields[0]?.line ?? 1;
}

function bad(file: string, line: number, reason: string): SheafError {
  return new SheafError('bad-lock', `Cannot read the lock: ${reason}`, { place: { file, line } });
}
