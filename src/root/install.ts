/** Builds the layers of a root: the essential packages unpacked by the host's tools, all else by the root's own dpkg. */
import { copyFile, link, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { parseStanzas } from '../formats/deb/deb822.ts';
import { SheafError } from '../kit/error.ts';
import type { BuildLimits } from '../model/distribution.ts';
import type { LockedPackage } from '../model/lock.ts';
import type { Bind, Sandbox } from '../plumbing/sandbox/port.ts';
import { rootFailed } from './error.ts';
import type { Account, Root, RootOptions } from './materialise.ts';
import { bootstrapSet, describePackage, planSteps, type Described } from './order.ts';
import type { DebStore } from './ports.ts';

type BuildDeps = {
  readonly sandbox: Sandbox;
  readonly debs: DebStore;
  readonly account: Account | null;
  /** An empty directory; the layers named in the answer are below it. */
  readonly building: string;
};

const limits: BuildLimits = {
  wall: 60 * 60_000,
  silence: 15 * 60_000,
  memory: 4 * 2 ** 30,
  disk: 100 * 2 ** 30,
  log: 64 * 2 ** 20,
  processes: 1000,
};

/** Where the `.deb` files are inside; a directory that every Debian root has. */
const debsInside = '/mnt';

/** A whole root; the names of its layers below `building`, the topmost first. */
export async function buildWhole(
  deps: BuildDeps,
  packages: readonly LockedPackage[],
  options: RootOptions,
): Promise<string[]> {
  const debs = await stage(deps, packages, options);
  const described = await describe(deps, debs, packages, options);
  const bootstrap = bootstrapSet(described);
  if (bootstrap.length === 0) {
    throw new SheafError('root-failed', 'Cannot make the root: the lock has no essential package', {
      kind: 'environment',
    });
  }
  options.onProgress?.({ step: 'unpack', packages: bootstrap.length });
  await runTools(deps, debs, options, 'extract', bootstrap.map(insidePath), { LINKS: links(packages) });

  const root = join(deps.building, 'tools/upper/target');
  const dpkg = installer(deps, [root], debs, options);
  options.onProgress?.({ step: 'install', packages: packages.length });
  // The names of users and groups come first: all other packages' files and scripts use them.
  const first = bootstrap.filter((each) => each.name === 'base-passwd');
  if (first.length > 0) await dpkg(['--force-depends', '--install', ...first.map(insidePath)]);
  const others = bootstrap.filter((each) => each.name !== 'base-passwd');
  await dpkg(['--force-depends', '--install', ...others.map(insidePath)]);
  await dpkg(['--configure', '--pending']);
  await runScript(deps, [root], debs, options, 'settle');
  await installRest(
    dpkg,
    described.filter((each) => !bootstrap.includes(each)),
  );
  await runScript(deps, [root], debs, options, 'finish');
  await tidy(deps);
  return ['install/upper', 'tools/upper/target'];
}

/** One layer that adds packages to a root. */
export async function buildLayer(
  deps: BuildDeps,
  packages: readonly LockedPackage[],
  base: Root,
  options: RootOptions,
): Promise<string[]> {
  const debs = await stage(deps, packages, options);
  const described = await describe(deps, debs, packages, options);
  options.onProgress?.({ step: 'install', packages: packages.length });
  await installRest(installer(deps, base.layers, debs, options), described);
  await runScript(deps, base.layers, debs, options, 'finish');
  await tidy(deps);
  return ['install/upper'];
}

async function installRest(dpkg: Dpkg, packages: readonly Described[]): Promise<void> {
  for (const { unpack, configure } of planSteps(packages)) {
    await dpkg(['--unpack', ...unpack.map(insidePath)]);
    if (configure.length > 0) await dpkg(['--force-depends', '--configure', ...configure.map((each) => each.name)]);
  }
  await dpkg(['--configure', '--pending']);
}

/** Fetches the packages and lays them out as a directory of well-named files. */
async function stage(deps: BuildDeps, packages: readonly LockedPackage[], options: RootOptions): Promise<string> {
  const paths = await deps.debs.fetch(packages, {
    signal: options.signal,
    onProgress: (progress) => options.onProgress?.({ step: 'fetch', progress }),
  });
  const directory = join(deps.building, 'debs');
  await mkdir(directory, { mode: 0o755 });
  for (const [index, path] of paths.entries()) {
    const target = join(directory, fileName(packages[index]!));
    await link(path, target).catch(async () => copyFile(path, target));
  }
  return directory;
}

function fileName(each: LockedPackage): string {
  return `${each.name}_${each.version.replaceAll(':', '%3a')}_${each.architecture}.deb`;
}

function insidePath(each: Described): string {
  return `${debsInside}/${each.file}`;
}

/** What the packages say of themselves, read by dpkg-deb in a sandbox. */
async function describe(
  deps: BuildDeps,
  debs: string,
  packages: readonly LockedPackage[],
  options: RootOptions,
): Promise<Described[]> {
  const files = packages.map((each) => fileName(each));
  const output = await runTools(
    deps,
    debs,
    options,
    'describe',
    files.map((file) => `${debsInside}/${file}`),
  );
  const stanzas = parseStanzas(output, 'the output of dpkg-deb');
  if (stanzas.length !== files.length) {
    throw new SheafError(
      'root-failed',
      `Cannot make the root: dpkg-deb described ${stanzas.length} of ${files.length} packages`,
    );
  }
  return stanzas.map((stanza, index) => describePackage(stanza, files[index]!));
}

/** Names of the library directories beside `lib` that merged /usr links. */
function links(packages: readonly LockedPackage[]): string {
  return packages.some((each) => each.architecture === 'amd64') ? 'lib64' : '';
}

/** A script by the host's dpkg-deb and tar, which see nothing of the host but its programs. */
async function runTools(
  deps: BuildDeps,
  debs: string,
  options: RootOptions,
  script: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const empty = join(deps.building, 'empty');
  await mkdir(empty, { recursive: true, mode: 0o755 });
  const programs: Bind[] = [];
  for (const path of ['/usr', '/bin', '/sbin', '/lib', '/lib64']) {
    const there = await stat(path).then(
      () => true,
      () => false,
    );
    if (there) programs.push({ source: path, target: path, readOnly: true });
  }
  return runIn(deps, options, {
    step: script,
    layers: [empty],
    scratch: join(deps.building, 'tools'),
    binds: [...programs, { source: debs, target: debsInside, readOnly: true }],
    argv: ['sh', '-c', await readScript(script), script, ...argv],
    env,
  });
}

async function runScript(
  deps: BuildDeps,
  layers: readonly string[],
  debs: string,
  options: RootOptions,
  script: string,
): Promise<void> {
  await runIn(deps, options, {
    step: script,
    layers,
    scratch: join(deps.building, 'install'),
    binds: [{ source: debs, target: debsInside, readOnly: true }],
    argv: ['sh', '-c', await readScript(script), script],
    env: { ACCOUNT: deps.account?.name ?? '', ACCOUNT_ID: String(deps.account?.id ?? '') },
  });
}

type Dpkg = (argv: readonly string[]) => Promise<void>;

/** The root's own dpkg. */
function installer(deps: BuildDeps, layers: readonly string[], debs: string, options: RootOptions): Dpkg {
  return async (argv) => {
    await runIn(deps, options, {
      step: 'dpkg',
      layers,
      scratch: join(deps.building, 'install'),
      binds: [{ source: debs, target: debsInside, readOnly: true }],
      argv: ['dpkg', '--force-unsafe-io', '--force-confdef', '--force-confold', ...argv],
      env: {},
    });
  };
}

type Run = {
  readonly step: string;
  readonly layers: readonly string[];
  readonly scratch: string;
  readonly binds: readonly Bind[];
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
};

const mostOutput = 4 * 2 ** 20;

/** Runs as root of the namespace, without a network; its output. Throws `root-failed`. */
async function runIn(deps: BuildDeps, options: RootOptions, run: Run): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const outcome = await deps.sandbox.run({
    layers: run.layers,
    scratch: run.scratch,
    binds: run.binds,
    argv: run.argv,
    env: { ...environment, ...run.env },
    cwd: '/',
    user: { uid: 0, gid: 0 },
    network: 'none',
    hostname: 'localhost',
    limits,
    onOutput: (chunk) => {
      chunks.push(chunk);
      size += chunk.length;
      while (size > mostOutput && chunks.length > 1) size -= chunks.shift()!.length;
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const output = Buffer.concat(chunks).toString();
  if (outcome.kind === 'aborted') throw new SheafError('aborted', 'Cannot make the root: it was called off');
  if (outcome.kind !== 'exited' || outcome.code !== 0) throw rootFailed(run.step, outcome, output);
  return output;
}

/** The same for every root. The date is any fixed one: the root must not depend on when it is made. */
const environment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  SOURCE_DATE_EPOCH: '1577836800',
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
  DEBCONF_NOWARNINGS: 'yes',
};

async function readScript(name: string): Promise<string> {
  return readFile(new URL(`scripts/${name}.sh`, import.meta.url), 'utf8');
}

/** Leaves nothing but the layers. */
async function tidy(deps: BuildDeps): Promise<void> {
  for (const name of ['debs', 'empty', 'tools/work', 'tools/root', 'install/work', 'install/root']) {
    await deps.sandbox.remove(join(deps.building, name));
  }
}
