/**
 * The text of a lock: deb822 stanzas, so that Debian's own tools read it and a diff of two locks is a diff of packages.
 *
 * The first stanza is the head: `Format`, `Architecture`, and one line in `Sources` per Release that vouched for the
 * packages (`SHA256 SUITE URL`, and its date after `|`). One stanza per package follows, sorted by name and architecture.
 */
import { field, formatStanza, parseStanzas, requireField, type Stanza } from '../formats/deb/deb822.ts';
import { isSha256 } from '../kit/digest.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import type { Lock, LockedPackage, LockSource } from '../model/lock.ts';
import { isArchitecture, isPackageName, isVersion } from '../model/names.ts';

const format = 'sheaf-lock-1';
const mostPackages = 100_000;

export function formatLock(lock: Lock): string {
  const sources = lock.sources.map((source) => `\n${source.inRelease} ${source.suite} ${source.url} | ${source.date}`);
  const head = formatStanza([
    ['Format', format],
    ['Architecture', lock.architecture],
    ...(sources.length === 0 ? [] : [['Sources', sources.join('')] as const]),
  ]);
  return [head, ...lock.packages.toSorted(byPackage).map((each) => formatPackage(each))].join('\n');
}

function formatPackage(each: LockedPackage): string {
  return formatStanza([
    ['Package', each.name],
    ['Version', each.version],
    ['Architecture', each.architecture],
    ['Size', String(each.size)],
    ['SHA256', each.sha256],
    ['URL', each.url],
  ]);
}

/** By name, then architecture, in the order of bytes. */
export function byPackage(a: Pick<LockedPackage, 'name' | 'architecture'>, b: typeof a): number {
  return order(a.name, b.name) || order(a.architecture, b.architecture);
}

/** Throws `bad-lock` with file and line. */
export function parseLock(text: string, file = 'lock'): Lock {
  const [head, ...rest] = parseStanzas(text, file);
  if (head === undefined) throw bad(file, 1, 'it is empty');
  const found = requireField(head, 'Format', file);
  if (found !== format) throw bad(file, lineOf(head, 'Format'), `its format is "${found}", expected "${format}"`);
  if (rest.length > mostPackages) throw bad(file, 1, `it has more than ${mostPackages} packages`);
  const architecture = requireField(head, 'Architecture', file);
  if (!isArchitecture(architecture)) throw bad(file, lineOf(head, 'Architecture'), 'bad architecture');
  const packages = rest.map((stanza) => parsePackage(stanza, file));
  for (const [index, each] of packages.entries()) {
    const before = packages[index - 1];
    if (before === undefined || byPackage(before, each) < 0) continue;
    const line = lineOf(rest[index]!, 'Package');
    throw bad(file, line, `"${each.name}" stands twice or out of order; packages are sorted by name and architecture`);
  }
  return { architecture, sources: parseSources(head, file), packages };
}

function parseSources(head: Stanza, file: string): LockSource[] {
  const line = lineOf(head, 'Sources');
  return (field(head, 'Sources') ?? '')
    .split('\n')
    .filter((text) => text.trim() !== '')
    .map((text, index) => {
      const parts = /^\s*(?<hash>\S+) (?<suite>\S+) (?<url>\S+) \| ?(?<date>.*)$/.exec(text)?.groups;
      const hash = parts?.['hash'] ?? '';
      if (parts === undefined || !isSha256(hash))
        throw bad(file, line + 1 + index, 'expected "SHA256 SUITE URL | DATE"');
      return { url: parts['url']!, suite: parts['suite']!, inRelease: hash, date: parts['date']!.trim() };
    });
}

function parsePackage(stanza: Stanza, file: string): LockedPackage {
  const get = <T extends string>(name: string, is: (text: string) => text is T): T => {
    const value = requireField(stanza, name, file);
    if (!is(value)) throw bad(file, lineOf(stanza, name), `bad ${name}: ${JSON.stringify(value.slice(0, 80))}`);
    return value;
  };
  return {
    name: get('Package', isPackageName),
    version: get('Version', isVersion),
    architecture: get('Architecture', isArchitecture),
    size: Number(get('Size', (text): text is string => /^\d{1,12}$/.test(text))),
    sha256: get('SHA256', isSha256),
    url: get('URL', (text): text is string => /^https?:\/\/\S+$/.test(text)),
  };
}

function lineOf(stanza: Stanza, name: string): number {
  return stanza.fields.find((each) => each.name === name)?.line ?? stanza.fields[0]?.line ?? 1;
}

function bad(file: string, line: number, reason: string): SheafError {
  return new SheafError('bad-lock', `Cannot read the lock: ${reason}`, { place: { file, line } });
}
