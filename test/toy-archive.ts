/** A whole archive for tests: real folders, a real key, a fresh database; and small real packages to put into it. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { AcceptRequest, ArchiveDeps } from '../src/archive/mod.ts';
import { formatStanza } from '../src/formats/deb/deb822.ts';
import type { Distribution, Suite } from '../src/model/distribution.ts';
import type { InputFile } from '../src/model/job.ts';
import { parseArchitecture, parseLabel, parseSuiteName } from '../src/model/names.ts';
import { Blobs } from '../src/plumbing/blobs.ts';
import * as compression from '../src/plumbing/compression.ts';
import { decompressStream } from '../src/plumbing/decompress.ts';
import { packBlock } from '../src/plumbing/index-blocks.ts';
import { createSigningKey, loadSigner } from '../src/plumbing/signer.ts';
import { treeFiles } from '../src/plumbing/tree-files.ts';
import { testDatabase, type TestDatabase } from './database.ts';

const run = promisify(execFile);

export type ToyArchive = {
  readonly directory: string;
  readonly database: TestDatabase;
  readonly deps: ArchiveDeps;
  readonly close: () => Promise<void>;
};

export async function toyArchive(settings: Partial<Suite> = {}): Promise<ToyArchive> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-archive-'));
  const database = await testDatabase();
  await createSigningKey(join(directory, 'main.asc'), { name: 'Toy archive' }, new Date('2026-01-01T00:00:00Z'));
  return {
    directory,
    database,
    deps: toyDeps(directory, database.db, settings),
    close: async () => {
      await database.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The same archive, opened again: by another process, or after a crash. */
export function toyDeps(directory: string, db: ArchiveDeps['db'], settings: Partial<Suite> = {}): ArchiveDeps {
  return {
    db,
    distribution: toyDistribution(directory, settings),
    blobs: new Blobs(join(directory, 'blobs')),
    files: treeFiles,
    compression,
    packBlock,
    decompressStream,
    directory: join(directory, 'archive'),
    signer: (repository) => loadSigner(join(directory, `${repository}.asc`)),
  };
}

export function toyDistribution(
  directory: string,
  settings: Partial<Suite> = {},
  url = 'http://toy.example',
): Distribution {
  const suite: Suite = {
    name: parseSuiteName('stable'),
    repository: parseLabel('main'),
    description: 'Toy stable',
    codename: parseSuiteName('stable'),
    upstream: parseLabel('debian'),
    components: ['main'],
    architectures: [parseArchitecture('amd64')],
    archAll: parseArchitecture('amd64'),
    packages: ['*'],
    distributions: ['stable'],
    frozen: false,
    validFor: 7 * 86_400_000,
    ...settings,
  };
  return {
    name: 'Toy',
    title: 'Toy distribution',
    url,
    listen: { host: '127.0.0.1', port: 0 },
    git: {
      tagFormat: 'debian/%(version)s',
      upstreamTagFormat: 'upstream/%(version)s',
      addresses: [],
      directories: [],
      limits: { fetch: 1e9, file: 1e9, tree: 1e9, files: 1e5, tag: 1e5, time: 60_000 },
    },
    upstreams: new Map(),
    repositories: new Map([[parseLabel('main'), { name: parseLabel('main'), title: 'Toy packages' }]]),
    suites: new Map([[suite.name, suite]]),
    people: new Map(),
    build: {
      limits: { wall: 6e5, silence: 6e5, memory: 2 ** 31, disk: 2 ** 31, log: 2 ** 24, processes: 1000 },
      lease: 60_000,
      attempts: 3,
      environment: [],
    },
    webhooks: new Map(),
    notifiers: new Map(),
    directory,
  };
}

export type ToyBinary = {
  readonly name: string;
  readonly architecture?: string;
  readonly version?: string;
  /** More lines of the control file, or others than the usual ones. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Content of its one file, by default its name and version. */
  readonly content?: string;
};

/** A real `.deb` by dpkg-deb, stored as a blob. */
export async function toyDeb(
  blobs: Blobs,
  source: string,
  sourceVersion: string,
  binary: ToyBinary,
): Promise<InputFile> {
  const version = binary.version ?? sourceVersion;
  const architecture = binary.architecture ?? 'amd64';
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-deb-'));
  try {
    const root = join(directory, 'root');
    await mkdir(join(root, 'DEBIAN'), { recursive: true });
    await mkdir(join(root, 'usr/share/toy', binary.name), { recursive: true });
    await writeFile(
      join(root, 'usr/share/toy', binary.name, 'version'),
      binary.content ?? `${binary.name} ${version}\n`,
    );
    const fields: Record<string, string> = {
      Package: binary.name,
      ...(source === binary.name && sourceVersion === version
        ? {}
        : { Source: sourceVersion === version ? source : `${source} (${sourceVersion})` }),
      Version: version,
      Architecture: architecture,
      Maintainer: 'Toy Maintainer <toy@example.org>',
      Section: 'misc',
      Priority: 'optional',
      Description: `toy package ${binary.name}\nIt is of no use.\n\nReally none.`,
      ...binary.fields,
    };
    await writeFile(join(root, 'DEBIAN/control'), formatStanza(Object.entries(fields)));
    const name = `${binary.name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`;
    await run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z0', '--build', root, join(directory, name)], {
      env: { PATH: process.env['PATH'], SOURCE_DATE_EPOCH: '1767225600' },
    });
    return await store(blobs, name, await readFile(join(directory, name)));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A `.dsc` and its tarball: a native package, unless `orig` names the upstream tarball's bytes. */
export async function toySource(
  blobs: Blobs,
  name: string,
  version: string,
  binaries: readonly ToyBinary[],
  options: { readonly orig?: string; readonly salt?: string } = {},
): Promise<InputFile[]> {
  const plain = version.replace(/^\d+:/, '');
  const upstream = plain.replace(/-[^-]*$/, '');
  const parts =
    options.orig === undefined
      ? [await store(blobs, `${name}_${plain}.tar.xz`, `tree of ${name} ${version} ${options.salt ?? ''}`)]
      : [
          await store(blobs, `${name}_${upstream}.orig.tar.xz`, options.orig),
          await store(blobs, `${name}_${plain}.debian.tar.xz`, `debian of ${name} ${version} ${options.salt ?? ''}`),
        ];
  const architectures = [...new Set(binaries.map(({ architecture = 'amd64' }) => architecture))];
  const dsc = formatStanza([
    ['Format', options.orig === undefined ? '3.0 (native)' : '3.0 (quilt)'],
    ['Source', name],
    ['Binary', binaries.map((binary) => binary.name).join(', ')],
    ['Architecture', architectures.map((each) => (each === 'all' ? 'all' : 'any')).join(' ')],
    ['Version', version],
    ['Maintainer', 'Toy Maintainer <toy@example.org>'],
    ['Standards-Version', '4.7.0'],
    [
      'Package-List',
      binaries.map((each) => `\n${each.name} deb ${each.fields?.['Section'] ?? 'misc'} optional arch=any`).join(''),
    ],
    ['Checksums-Sha256', parts.map((file) => `\n${file.sha256} ${file.size} ${file.name}`).join('')],
  ]);
  return [await store(blobs, `${name}_${plain}.dsc`, dsc), ...parts];
}

/** What a binary job gives back: the packages and their `.changes`. */
export async function toyResults(
  blobs: Blobs,
  source: string,
  version: string,
  binaries: readonly ToyBinary[],
): Promise<InputFile[]> {
  const debs: InputFile[] = [];
  for (const binary of binaries) debs.push(await toyDeb(blobs, source, version, binary));
  return [...debs, await toyChanges(blobs, source, version, debs)];
}

export async function toyChanges(
  blobs: Blobs,
  source: string,
  version: string,
  files: readonly InputFile[],
  fields: Readonly<Record<string, string>> = {},
): Promise<InputFile> {
  const architectures = [
    ...(files.some((file) => file.name.endsWith('.dsc')) ? ['source'] : []),
    ...new Set(files.flatMap((file) => /_([^_]+)\.deb$/.exec(file.name)?.[1] ?? [])),
  ];
  const changes: Record<string, string> = {
    Format: '1.8',
    Date: 'Thu, 01 Jan 2026 00:00:00 +0000',
    Source: source,
    Architecture: architectures.length === 0 ? 'amd64' : architectures.join(' '),
    Version: version,
    Distribution: 'stable',
    Urgency: 'medium',
    Maintainer: 'Toy Maintainer <toy@example.org>',
    Changes: `\n${source} (${version}) stable; urgency=medium\n\n  * New.`,
    'Checksums-Sha256': files.map((file) => `\n${file.sha256} ${file.size} ${file.name}`).join(''),
    Files: files.map((file) => `\n${'0'.repeat(32)} ${file.size} misc optional ${file.name}`).join(''),
    ...fields,
  };
  return store(blobs, `${source}_${version.replace(/^\d+:/, '')}_amd64.changes`, formatStanza(Object.entries(changes)));
}

/** Requests that put a toy package into the suite: the source's and the binaries'. */
export async function toyPackage(
  blobs: Blobs,
  name: string,
  version: string,
  binaries: readonly ToyBinary[] = [{ name }],
): Promise<{ readonly source: AcceptRequest; readonly binaries: AcceptRequest }> {
  return {
    source: { suite: 'stable', files: await toySource(blobs, name, version, binaries) },
    binaries: { suite: 'stable', files: await toyResults(blobs, name, version, binaries) },
  };
}

export async function store(blobs: Blobs, name: string, bytes: Uint8Array | string): Promise<InputFile> {
  return { name, ...(await blobs.putBytes(bytes)) };
}
