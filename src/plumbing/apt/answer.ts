/** What apt prints, as values. */
import { SheafError } from '../../kit/error.ts';
import { isSha256, type Sha256 } from '../../kit/digest.ts';
import { isArchitecture, isPackageName, isVersion } from '../../model/names.ts';
import type { LockedPackage } from '../../model/lock.ts';

const uriLine = /^'(?<url>[^']+)' (?<file>\S+) (?<size>\d+) (?<hash>\S*)$/;

/**
 * The packages of `apt-get --print-uris`: lines `'URL' NAME_VERSION_ARCHITECTURE.deb SIZE SHA256:…`, in which `_`, `:`
 * and `%` of a version are percent-encoded. Throws `bad-apt-output`.
 */
export function parseUris(text: string): LockedPackage[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith("'"))
    .map((line) => parseUriLine(line));
}

function parseUriLine(line: string): LockedPackage {
  const parts = uriLine.exec(line)?.groups;
  const words = /^(?<name>[^_]+)_(?<version>[^_]+)_(?<architecture>[^_]+)\.deb$/.exec(parts?.['file'] ?? '')?.groups;
  const hash = /^SHA256:(?<hex>[0-9a-fA-F]{64})$/.exec(parts?.['hash'] ?? '')?.groups?.['hex']?.toLowerCase();
  const name = decode(words?.['name']);
  const version = decode(words?.['version']);
  const architecture = decode(words?.['architecture']);
  if (parts === undefined || !isPackageName(name) || !isVersion(version) || !isArchitecture(architecture)) {
    throw new SheafError('bad-apt-output', `Cannot read apt's answer: ${JSON.stringify(line.slice(0, 300))}`);
  }
  if (hash === undefined || !isSha256(hash)) {
    throw new SheafError('bad-apt-output', `Cannot lock ${name} ${version}: the archive gives no SHA-256 for it`);
  }
  return { name, version, architecture, sha256: hash as Sha256, size: Number(parts['size']), url: parts['url']! };
}

function decode(text: string | undefined): string {
  return (text ?? '').replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/**
 * apt's reasons against an installation, or undefined when it failed for another cause. Each line says of which package,
 * with all alternatives of a dependency; of an excluded package that it is, where apt only says that nobody has it.
 */
export function explainUnmet(stdout: string, stderr: string, exclude: readonly string[] = []): string | undefined {
  const all = `${stdout}\n${stderr}`;
  const unmet = unmetReasons(stdout);
  const errors = stderr.split('\n').filter((line) => line.startsWith('E: ') && !/held broken packages/.test(line));
  const broken =
    /held broken packages|unmet dependencies|Unsatisfi|parsing dependency|Unable to satisfy|Unable to locate package|has no installation candidate|' for '[^']*' was not found/i.test(
      all,
    );
  if (unmet === undefined && !broken) return undefined;
  const excluded = new Set(exclude);
  const reasons = wholeLines(unmet ?? '').map((line) =>
    line.replaceAll(
      /(?<= )([^ :]+)(\S*(?: \([^)]*\))?) but it is not installable/g,
      (all, name: string, rest: string) => (excluded.has(name) ? `${name}${rest} but it is excluded` : all),
    ),
  );
  const lines = [...groupExcluded(reasons), ...errors.map((line) => line.slice(3)), ...virtualPackages(stdout)];
  return lines.join('\n') || 'apt finds no set of packages that fits';
}

/**
 * Of the packages that are to keep their version, those that apt names as being in the way: each in the version that
 * somebody else cannot be with, or else the one that cannot be with somebody else's.
 */
export function keptInTheWay(stdout: string, kept: ReadonlySet<string>): string[] {
  const names = wholeLines(unmetReasons(stdout) ?? '').flatMap((line) => {
    const others = [...line.matchAll(/(?:: | or )([^ :]+)(?::\S+)?(?: \([^)]*\))? but \S+ is to be installed/g)];
    const needed = others.map(([, name]) => name!).filter((name) => kept.has(name));
    if (others.length === 0 || needed.length > 0) return needed;
    return [/^[^ :]+/.exec(line)?.[0] ?? ''].filter((name) => kept.has(name));
  });
  return [...new Set(names)];
}

function unmetReasons(stdout: string): string | undefined {
  return /unmet dependencies:\n(?<reasons>[\s\S]*)/.exec(stdout)?.groups?.['reasons'];
}

/** What many packages need and is excluded, once; what cannot come without these is their number alone. */
function groupExcluded(lines: readonly string[]): string[] {
  const needing = new Map<string, Set<string>>();
  const follows = new Set<string>();
  const rest: string[] = [];
  for (const line of lines) {
    const [, name = '', needed = '', why] =
      /^(\S+) : \w+: ([^ :]+)\S*(?: \([^)]*\))? but it is (excluded|not going to be installed)$/.exec(line) ?? [];
    if (why === 'excluded') needing.set(needed, (needing.get(needed) ?? new Set()).add(name));
    else if (why !== undefined) follows.add(name);
    else rest.push(line);
  }
  if ([...needing.values()].every(({ size }) => size < fewNeeding)) return [...lines];
  const all = new Set([...needing.values()].flatMap((names) => [...names]));
  const others = [...follows].filter((name) => !all.has(name)).length;
  return [
    ...[...needing].map(([name, names]) => {
      const more = names.size - fewNeeding;
      return `${name} is excluded, and needed by ${[...names].slice(0, fewNeeding).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    }),
    ...rest,
    ...(others === 0 ? [] : [`${others} more cannot be installed, as what they need is not`]),
  ];
}

/** So many are named. */
const fewNeeding = 5;

/** apt writes ` PACKAGE : Depends: …` and indents what follows, and begins a line with each alternative after "or". */
function wholeLines(reasons: string): string[] {
  const lines: string[] = [];
  let name = '';
  for (const line of reasons.replaceAll('satisfy:command-line', 'wanted').split('\n')) {
    if (line.trim() === '' || /^(?:E|W|N): /.test(line)) continue;
    const start = /^ ?(\S+) : /.exec(line)?.[1];
    name = start ?? name;
    if (lines.at(-1)?.endsWith(' or') === true) lines.push(`${lines.pop()!} ${line.trim()}`);
    else lines.push(start === undefined && name !== '' ? `${name} : ${line.trim()}` : line.trim());
  }
  return lines;
}

/** apt's list of who provides what has no package of its own name. */
function virtualPackages(stdout: string): string[] {
  return [...stdout.matchAll(/^Package (\S+) is a virtual package provided by:\n((?: {2}.*\n)+)/gm)].map(
    ([, name, list]) => {
      const providers = [...new Set([...list!.matchAll(/^ {2}(\S+)/gm)].map(([, provider]) => provider!))];
      return `${name} is virtual: name one of ${providers.toSorted().join(', ')}`;
    },
  );
}

/**
 * The wanted packages that are not in apt's answer. apt also takes a name for a pattern, and one with a last `+` for an
 * order, where there is no such package; a virtual package that only one other provides is rightly replaced by it.
 */
export function missingWords(words: readonly string[], packages: readonly LockedPackage[], stdout: string): string[] {
  const names = new Set<string>(packages.map(({ name }) => name));
  const replaced = new Set(
    [...stdout.matchAll(/^Note, selecting '[^']+' instead of '([^':]+)/gm)].map(([, name]) => name),
  );
  return words.map((word) => /^[^:=/]+/.exec(word)![0]).filter((name) => !names.has(name) && !replaced.has(name));
}

/** Names of the packages that an index marks `Essential: yes`. */
export function essentialNames(index: Buffer): string[] {
  const names: string[] = [];
  const mark = '\nEssential: yes\n';
  for (let at = index.indexOf(mark); at !== -1; at = index.indexOf(mark, at + 1)) {
    const before = index.lastIndexOf('\n\n', at);
    const start = before === -1 ? 0 : before + 2;
    const name = /^Package: (\S+)$/m.exec(index.toString('utf8', start, at))?.[1];
    if (name !== undefined && isPackageName(name)) names.push(name);
  }
  return [...new Set(names)].toSorted();
}
