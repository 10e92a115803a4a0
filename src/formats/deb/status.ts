/** dpkg's database of packages: `/var/lib/dpkg/status`, or one file a package in `status.d` (distroless images). dpkg(1). */
import { field, findField, parseStanzas, requireField, type Stanza } from './deb822.ts';
import { badField, checkPackageName, requireSource, shown } from './words.ts';
import { splitVersion } from './version.ts';

/** A package as dpkg knows it. */
export type StatusEntry = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source package it was built from. */
  readonly source: string;
  readonly sourceVersion: string;
  /** dpkg's three words: what is wanted of it, whether it must be installed again, and how far it is. */
  readonly status: string;
  readonly conffiles: readonly StatusConffile[];
};

export type StatusConffile = {
  /** Absolute. */
  readonly path: string;
  /** As the package brought it; undefined where dpkg does not know it yet. */
  readonly md5: string | undefined;
};

const states = [
  ...['not-installed', 'config-files', 'half-installed', 'unpacked', 'half-configured', 'triggers-awaited'],
  ...['triggers-pending', 'installed'],
];
const mostPackages = 200_000;

/**
 * The packages of which anything is unpacked, in the order of the file. A stanza without `Status` (status.d has none)
 * counts as installed. Throws `bad-control-file`, `missing-field` or `bad-field` with file and line.
 */
export function parseStatus(text: string, file = 'status'): StatusEntry[] {
  const stanzas = parseStanzas(text, file);
  if (stanzas.length > mostPackages)
    throw badField(stanzas[mostPackages]!, 'Package', file, `it is one of more than ${mostPackages} packages`);
  return stanzas.flatMap((stanza) => {
    const status = readStatus(stanza, file);
    return /(?:not-installed|config-files)$/.test(status) ? [] : [toEntry(stanza, status, file)];
  });
}

/** The version of a package on a machine: dpkg takes more than archives do, but never what it cannot order. */
export function requireInstalledVersion(stanza: Stanza, file: string): string {
  const version = requireField(stanza, 'Version', file);
  if (version.length <= 250 && /^[A-Za-z0-9.+:~-]+$/.test(version)) {
    try {
      splitVersion(version);
      return version;
    } catch (cause) {
      throw badField(stanza, 'Version', file, `${shown(version)} is not a version`, cause);
    }
  }
  throw badField(stanza, 'Version', file, `${shown(version)} is not a version`);
}

/** The `Status` of a package, `install ok installed` where there is none. */
export function readStatus(stanza: Stanza, file: string): string {
  const status = field(stanza, 'Status') ?? 'install ok installed';
  const [want = '', flag = '', state = '', ...rest] = status.split(' ');
  const known =
    ['unknown', 'install', 'hold', 'deinstall', 'purge'].includes(want) &&
    ['ok', 'reinstreq'].includes(flag) &&
    states.includes(state);
  if (!known || rest.length > 0) throw badField(stanza, 'Status', file, `${shown(status)} is not a status`);
  return status;
}

/** An architecture; dpkg writes none for packages of old, which counts as `all`. */
export function readInstalledArchitecture(stanza: Stanza, file: string): string {
  const architecture = field(stanza, 'Architecture') ?? 'all';
  if (!/^[a-z0-9][a-z0-9-]{1,39}$/.test(architecture))
    throw badField(stanza, 'Architecture', file, `${shown(architecture)} is not an architecture`);
  return architecture;
}

function toEntry(stanza: Stanza, status: string, file: string): StatusEntry {
  const name = checkPackageName(requireField(stanza, 'Package', file), 'Package', stanza, file);
  const version = requireInstalledVersion(stanza, file);
  const source = readInstalledSource(stanza, { name, version }, file);
  const architecture = readInstalledArchitecture(stanza, file);
  return { name, version, architecture, ...source, status, conffiles: readConffiles(stanza, file) };
}

/** Policy 5.6.1: without a field, the source package is called and numbered as the binary package. */
export function readInstalledSource(
  stanza: Stanza,
  { name, version }: { readonly name: string; readonly version: string },
  file: string,
): { readonly source: string; readonly sourceVersion: string } {
  if ((field(stanza, 'Source') ?? '') === '') return { source: name, sourceVersion: version };
  const found = requireSource(stanza, file);
  return { source: found.name, sourceVersion: found.version ?? version };
}

/** `path md5`, and after it what became of the file: `obsolete`, `remove-on-upgrade`. */
function readConffiles(stanza: Stanza, file: string): StatusConffile[] {
  const lines = (findField(stanza, 'Conffiles')?.value ?? '').split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const match = /^(\/.*?) (?:([0-9a-f]{32})|newconffile)(?: (?:obsolete|remove-on-upgrade))*$/.exec(line);
    if (match === null) throw badField(stanza, 'Conffiles', file, `${shown(line)} is not "path md5"`);
    return { path: match[1]!, md5: match[2] };
  });
}
