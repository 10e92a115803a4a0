/** `.buildinfo`: what a build was made from and in. deb-buildinfo(5). */
import { field, findField, parseStanza, requireField, type Stanza } from './deb822.ts';
import { stripClearsign } from './clearsign.ts';
import { parseFiles, type ListedFile } from './files.ts';
import { parseRelations } from './relation.ts';
import { badField, requireSource, requireVersion, shown, splitList, splitWords } from './words.ts';

export type Buildinfo = {
  readonly source: string;
  /** Of the binaries; of the source too unless `sourceVersion` differs (a binNMU). */
  readonly version: string;
  readonly sourceVersion: string;
  readonly architectures: readonly string[];
  readonly binaries: readonly string[];
  readonly files: readonly ListedFile[];
  readonly buildArchitecture: string;
  readonly buildOrigin: string | undefined;
  readonly buildDate: string | undefined;
  readonly buildPath: string | undefined;
  /** Reasons why the machine may have had an influence, as dpkg words them. */
  readonly taintedBy: readonly string[];
  readonly installed: readonly InstalledPackage[];
  /** In the order written, each name once. */
  readonly environment: ReadonlyMap<string, string>;
  readonly stanza: Stanza;
};

export type InstalledPackage = {
  readonly name: string;
  /** Only where it is not that of the build. */
  readonly architecture: string | undefined;
  readonly version: string;
};

/** Throws `bad-control-file`, `missing-field`, `bad-field`, `bad-relation` or `bad-armor` with file and line. */
export function parseBuildinfo(text: string, file = '.buildinfo'): Buildinfo {
  const signed = stripClearsign(text, file);
  const stanza = parseStanza(signed.text, file, signed.firstLine);
  const format = requireField(stanza, 'Format', file);
  // "Format: major.minor"; a new major number means that old readers cannot understand it.
  if (!/^1\.\d+$/.test(format)) throw badField(stanza, 'Format', file, `${shown(format)} is not 1.x`);
  const { name, version: sourceVersion } = requireSource(stanza, file);
  const version = requireVersion(stanza, file);
  return {
    source: name,
    version,
    sourceVersion: sourceVersion ?? version,
    architectures: splitWords(requireField(stanza, 'Architecture', file)),
    binaries: splitList(field(stanza, 'Binary') ?? ''),
    files: parseFiles(stanza, file),
    buildArchitecture: requireField(stanza, 'Build-Architecture', file),
    buildOrigin: field(stanza, 'Build-Origin'),
    buildDate: field(stanza, 'Build-Date'),
    buildPath: field(stanza, 'Build-Path'),
    taintedBy: splitWords(field(stanza, 'Build-Tainted-By') ?? ''),
    installed: parseInstalled(stanza, file),
    environment: parseEnvironment(stanza, file),
    stanza,
  };
}

/** ` name[:architecture] (= version),` a line. */
function parseInstalled(stanza: Stanza, file: string): InstalledPackage[] {
  const name = 'Installed-Build-Depends';
  return parseRelations(requireField(stanza, name, file), file, findField(stanza, name)?.line).map((group) => {
    const [only] = group;
    if (group.length !== 1 || only!.version?.operator !== '=') {
      throw badField(stanza, name, file, `${shown(only!.name)} does not name one exact version`);
    }
    return { name: only!.name, architecture: only!.qualifier, version: only!.version.version };
  });
}

/** Linux gives a program no more; and the expression below would go too deep in a longer one. */
const largestEnvironment = 2 ** 21;

/** ` NAME="value"` a line, with `\` before `"` and `\`. A value may hold line breaks. */
function parseEnvironment(stanza: Stanza, file: string): ReadonlyMap<string, string> {
  const environment = new Map<string, string>();
  const value = field(stanza, 'Environment') ?? '';
  if (value.length > largestEnvironment) {
    throw badField(stanza, 'Environment', file, `it is longer than ${largestEnvironment} characters`);
  }
  const pair = /\s*([^\s="]+)="((?:[^"\\]|\\.)*)"(?=\s|$)/suy;
  while (pair.lastIndex < value.length) {
    const start = pair.lastIndex;
    const match = pair.exec(value);
    if (match === null) {
      throw badField(stanza, 'Environment', file, `${shown(value.slice(start).trim())} is not NAME="value"`);
    }
    if (environment.has(match[1]!)) throw badField(stanza, 'Environment', file, `${shown(match[1]!)} stands twice`);
    environment.set(match[1]!, match[2]!.replaceAll(/\\(.)/gs, '$1'));
  }
  return environment;
}
