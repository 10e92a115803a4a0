/**
 * The text of a manifest: what is installed on one system, as deb822 stanzas, so that Debian's own tools read it and a
 * diff of two manifests is a diff of packages.
 *
 * The first stanza is the head, called `Package: sheaf-manifest`; its version is the format's. One stanza for each
 * installed package follows, sorted by name and architecture. `Status` is there where dpkg's words are not
 * `install ok installed`, `Source` where the source package has another name or version. With `Files: checked` in the
 * head, each package names its files that are not as the package brought them; a package without such lists is whole.
 */
import { field, findField, formatStanza, parseStanzas, requireField, type Stanza } from '../formats/deb/deb822.ts';
import {
  readInstalledArchitecture,
  readInstalledSource,
  readStatus,
  requireInstalledVersion,
} from '../formats/deb/status.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import { isPackageName } from '../model/names.ts';

/** Absolute paths, each list in the order of its letters. */
export type FileFaults = {
  /** The bytes are not those that the package brought. */
  readonly altered: readonly string[];
  readonly missing: readonly string[];
  /** Settings that somebody changed or took away, which they may. */
  readonly conffiles: readonly string[];
  /** What could not be looked at, such as a list of checksums that is not there. */
  readonly unverified: readonly string[];
};

export type ManifestPackage = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
  /** dpkg's three words. */
  readonly status: string;
  /** It came because another needed it. */
  readonly auto: boolean;
  /** Absent where nothing is wrong with its files, or nobody looked. */
  readonly files?: FileFaults;
};

export type ManifestHead = {
  readonly architecture: string;
  readonly foreign: readonly string[];
  /** As os-release says it: a name for people, and three for programs. */
  readonly os?: string;
  readonly osId?: string;
  readonly osVersion?: string;
  readonly osCodename?: string;
  /** ISO 8601. */
  readonly date: string;
  /** Of the machine, where its owner wants it to be known. */
  readonly name?: string;
  readonly filesChecked: boolean;
};

export type Manifest = ManifestHead & { readonly packages: readonly ManifestPackage[] };

const headName = 'sheaf-manifest';
const format = '1';
const mostPackages = 200_000;
const whole = 'install ok installed';

const lists = [
  ['Altered-Files', 'altered'],
  ['Missing-Files', 'missing'],
  ['Changed-Conffiles', 'conffiles'],
  ['Unverified-Files', 'unverified'],
] as const satisfies readonly (readonly [string, keyof FileFaults])[];

const headTexts = [
  ['OS', 'os'],
  ['OS-Id', 'osId'],
  ['OS-Version', 'osVersion'],
  ['OS-Codename', 'osCodename'],
  ['Name', 'name'],
] as const;

export function formatManifest(manifest: Manifest): string {
  return [formatHead(manifest), ...manifest.packages.toSorted(byName).map(formatPackage)].join('\n');
}

function formatHead(head: ManifestHead): string {
  return formatStanza([
    ['Package', headName],
    ['Version', format],
    ['Architecture', head.architecture],
    ...optional('Foreign-Architectures', head.foreign.join(' ')),
    ...headTexts.flatMap(([name, member]) => optional(name, head[member])),
    ['Date', head.date],
    ...optional('Files', head.filesChecked ? 'checked' : undefined),
  ]);
}

function formatPackage(each: ManifestPackage): string {
  const { name, version, source, sourceVersion, status, auto, files } = each;
  const built = sourceVersion === version ? source : `${source} (${sourceVersion})`;
  return formatStanza([
    ['Package', name],
    ['Version', version],
    ['Architecture', each.architecture],
    ...optional('Source', built === name ? undefined : built),
    ...optional('Status', status === whole ? undefined : status),
    ...optional('Auto-Installed', auto ? 'yes' : undefined),
    ...lists.flatMap(([title, member]) => optional(title, files?.[member].map((path) => `\n${path}`).join(''))),
  ]);
}

function optional(name: string, value: string | undefined): [string, string][] {
  return value === undefined || value === '' ? [] : [[name, value]];
}

function byName(a: Pick<ManifestPackage, 'name' | 'architecture'>, b: typeof a): number {
  return order(a.name, b.name) || order(a.architecture, b.architecture);
}

/** Packages in any order. Throws `bad-manifest`, `bad-control-file`, `missing-field` or `bad-field`, with file and line. */
export function parseManifest(text: string, file = 'manifest'): Manifest {
  const [head, ...stanzas] = parseStanzas(text, file);
  if (head === undefined) throw bad(file, 1, 'it is empty');
  if (field(head, 'Package') !== headName) throw bad(file, 1, `it does not begin with "Package: ${headName}"`);
  const found = requireField(head, 'Version', file);
  if (found !== format) throw bad(file, 1, `its format is "${found}", expected "${format}"`);
  if (stanzas.length > mostPackages) throw bad(file, 1, `it has more than ${mostPackages} packages`);
  const packages = stanzas.map((stanza) => parsePackage(stanza, file)).sort(byName);
  const twice = packages.find((each, index) => index > 0 && byName(packages[index - 1]!, each) === 0);
  if (twice !== undefined) {
    const line = stanzas.findLast((stanza) => field(stanza, 'Package') === twice.name)!.fields[0]!.line;
    throw bad(file, line, `"${twice.name}" stands twice for ${twice.architecture}`);
  }
  return { ...parseHead(head, file), packages };
}

function parseHead(head: Stanza, file: string): ManifestHead {
  const texts = headTexts.flatMap(([name, member]) => {
    const value = field(head, name)?.slice(0, 200);
    return value === undefined || value === '' ? [] : [[member, value]];
  });
  return {
    architecture: readInstalledArchitecture(head, file),
    foreign: (field(head, 'Foreign-Architectures') ?? '').split(/\s+/).filter((word) => word !== ''),
    ...(Object.fromEntries(texts) as Pick<ManifestHead, (typeof headTexts)[number][1]>),
    date: requireField(head, 'Date', file).slice(0, 40),
    filesChecked: field(head, 'Files') === 'checked',
  };
}

function parsePackage(stanza: Stanza, file: string): ManifestPackage {
  const name = requireField(stanza, 'Package', file);
  if (!isPackageName(name)) throw bad(file, stanza.fields[0]!.line, `${JSON.stringify(name.slice(0, 80))} is no name`);
  const version = requireInstalledVersion(stanza, file);
  const files = Object.fromEntries(
    lists.map(([title, member]) => [member, readPaths(stanza, title)]),
  ) as unknown as FileFaults;
  return {
    ...{ name, version, architecture: readInstalledArchitecture(stanza, file) },
    ...readInstalledSource(stanza, { name, version }, file),
    ...{ status: readStatus(stanza, file), auto: field(stanza, 'Auto-Installed') === 'yes' },
    ...(lists.every(([, member]) => files[member].length === 0) ? {} : { files }),
  };
}

function readPaths(stanza: Stanza, name: string): string[] {
  return (findField(stanza, name)?.value ?? '').split('\n').filter((line) => line !== '');
}

function bad(file: string, line: number, reason: string): SheafError {
  return new SheafError('bad-manifest', `Cannot read the manifest: ${reason}`, {
    place: { file, line },
    hint: 'A manifest is made by: sheaf manifest',
  });
}
