/** What is installed on a system, read from the files of its dpkg and apt. */
import { parseAutoInstalled } from '../formats/deb/status-lists.ts';
import { parseStatus, type StatusEntry } from '../formats/deb/status.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import type { FileFaults, Manifest, ManifestHead } from './manifest.ts';
import type { DeviceFiles } from './ports.ts';
import { readText } from './text.ts';
import { verifyFiles } from './verify.ts';

export type ReadOptions = {
  readonly now: Date;
  /** The machine's name: `true` for the one that it gives itself. */
  readonly name?: string | true | undefined;
  /** Compare every file with the checksum that dpkg has of it. */
  readonly files?: boolean | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

const statusFile = 'var/lib/dpkg/status';
const largest = 256 * 2 ** 20;

/**
 * Throws `no-dpkg` when no package is installed there, `device-file` when something cannot be read, and what the readers
 * of its files throw, with file and line.
 */
export async function readManifest(root: DeviceFiles, options: ReadOptions): Promise<Manifest> {
  const entries = await readEntries(root);
  const native = await nativeArchitectures(root, entries);
  const architecture = native[0]!;
  const auto = parseAutoInstalled((await readText(root, 'var/lib/apt/extended_states', largest)) ?? '');
  const faults = options.files === true ? await verifyFiles(root, entries, architecture, options) : undefined;
  const packages = entries.map((entry) => {
    const { name, version, architecture: own, source, sourceVersion, status } = entry;
    const isAuto = auto.has(`${name}:${own === 'all' ? architecture : own}`);
    const files: FileFaults | undefined = faults?.get(entry);
    return { name, version, architecture: own, source, sourceVersion, status, auto: isAuto, ...(files && { files }) };
  });
  return {
    ...{ architecture, foreign: native.slice(1), ...(await readOs(root)) },
    date: `${options.now.toISOString().slice(0, 19)}Z`,
    ...(await readName(root, options.name)),
    filesChecked: options.files === true,
    packages: packages.sort((a, b) => order(a.name, b.name) || order(a.architecture, b.architecture)),
  };
}

/** One file for all packages, or one for each. */
async function readEntries(root: DeviceFiles): Promise<StatusEntry[]> {
  const text = await readText(root, statusFile, largest);
  const entries = text === undefined ? [] : parseStatus(text, statusFile);
  const folder = 'var/lib/dpkg/status.d';
  for (const name of await root.list(folder)) {
    if (name.endsWith('.md5sums') || name.startsWith('.')) continue;
    const one = await readText(root, `${folder}/${name}`, largest);
    if (one !== undefined) entries.push(...parseStatus(one, `${folder}/${name}`));
  }
  if (entries.length > 0) return entries;
  throw new SheafError('no-dpkg', `Cannot say what is installed: ${statusFile} has no package`, {
    kind: 'usage',
    hint: 'Name the folder of a Debian system by --root DIR.',
  });
}

/** Its own first, then those it takes packages of. */
async function nativeArchitectures(root: DeviceFiles, entries: readonly StatusEntry[]): Promise<string[]> {
  const text = (await readText(root, 'var/lib/dpkg/arch', 2 ** 16)) ?? '';
  const listed = text.split('\n').filter((line) => /^[a-z0-9][a-z0-9-]{1,39}$/.test(line));
  if (listed.length > 0) return listed;
  const dpkg = entries.find(({ name, architecture }) => name === 'dpkg' && architecture !== 'all');
  const any = entries.find(({ architecture }) => architecture !== 'all');
  return [(dpkg ?? any)?.architecture ?? 'all'];
}

/** os-release(5): shell-like assignments; nothing is expanded. */
async function readOs(root: DeviceFiles): Promise<Partial<ManifestHead>> {
  const text =
    (await readText(root, 'etc/os-release', 2 ** 16)) ?? (await readText(root, 'usr/lib/os-release', 2 ** 16)) ?? '';
  const get = (name: string) => {
    const value = text
      .split('\n')
      .find((line) => line.startsWith(`${name}=`))
      ?.slice(name.length + 1);
    return value === undefined ? '' : plain(value.trim().replace(/^(["'])(.*)\1$/, '$2'));
  };
  const found = {
    ...{ os: get('PRETTY_NAME'), osId: get('ID'), osVersion: get('VERSION_ID'), osCodename: get('VERSION_CODENAME') },
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== ''));
}

async function readName(root: DeviceFiles, name: string | true | undefined): Promise<{ readonly name?: string }> {
  if (name === undefined) return {};
  const found = name === true ? ((await readText(root, 'etc/hostname', 2 ** 12)) ?? '').split('\n')[0]! : name;
  return plain(found) === '' ? {} : { name: plain(found) };
}

/** One line, without what a terminal would obey. */
function plain(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(0, 200);
}
