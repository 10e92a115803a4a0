/**
 * Roots from a lock, beside mmdebstrap with the same packages from a local repository: minbase, a standard system, and a set
 * that boots; and what 20 roots that are alike take on the disk. All packages are local. `cold`: nothing else is cached.
 * `unpacked`: other roots have unpacked the packages. `warm`: the root is there. Peer and we work on a tmpfs, in turns.
 *
 *     ./run bench root [--json] [--write] [--runs 3] [--suite trixie] [--sets minbase,standard,boot]
 */
import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { rootDeps } from '../src/apps/roots.ts';
import { field, parseStanzas, type Stanza } from '../src/formats/deb/deb822.ts';
import { sha256 } from '../src/kit/digest.ts';
import { lockedPackageFields, solve } from '../src/lock/mod.ts';
import type { Lock } from '../src/model/lock.ts';
import { DebCache } from '../src/plumbing/deb-cache.ts';
import { runChecked } from '../src/plumbing/process.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { exportTar, materialise, type RootDeps } from '../src/root/mod.ts';
import { debian, hostArchitecture, testApt, testCache } from '../test/small-root.ts';
import { openIndex, openSuite } from '../tools/corpus/archive.ts';
import { benchCorpus } from './corpus.ts';
import { median, progress, spent, type Spent } from './measure.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    runs: { type: 'string', default: '3' },
    suite: { type: 'string', default: 'trixie' },
    sets: { type: 'string', default: 'minbase,standard,boot' },
  },
});
const binary = `main/binary-${hostArchitecture}`;
const corpus = benchCorpus(progress);
const memory = '/dev/shm';
const sandbox = createUnshareSandbox();
const apt = testApt();
const debs = new DebCache({ directory: join(testCache, 'debs') });

async function lockOf(packages: readonly string[]): Promise<Lock> {
  const request = { packages, own: [], buildDepends: '', buildConflicts: '', architecture: hostArchitecture };
  const answer = await solve({ solver: apt }, { ...request, upstream: debian(options.suite) });
  if (answer.kind !== 'solved') throw new Error(answer.explanation);
  const known = new Map((await index()).map((each) => [field(each, 'SHA256'), lockedPackageFields(each)]));
  const locked = answer.lock.packages.map((each) => ({ ...each, fields: known.get(each.sha256)! }));
  return { ...answer.lock, packages: locked };
}

/** What `sheaf lock create` writes of each package into the lock. */
async function index(): Promise<Stanza[]> {
  const { bytes } = (await openIndex(corpus, await openSuite(corpus, options.suite), `${binary}/Packages`))!;
  return parseStanzas(Buffer.from(bytes).toString(), 'Packages');
}

/** What each set asks for; a standard system is what its index says. */
async function packagesOf(set: string): Promise<string[]> {
  switch (set) {
    case 'boot':
      return ['apt', 'linux-image-cloud-amd64', 'systemd', 'systemd-sysv', 'initramfs-tools', 'openssh-server'];
    case 'standard': {
      const wanted = new Set(['required', 'important', 'standard']);
      return (await index())
        .filter((each) => wanted.has(field(each, 'Priority') ?? ''))
        .map((each) => field(each, 'Package')!);
    }
    default:
      return ['apt'];
  }
}

/** An archive of exactly these packages. */
async function makeArchive(lock: Lock, directory: string): Promise<void> {
  await mkdir(join(directory, 'pool'), { recursive: true, mode: 0o755 });
  await mkdir(join(directory, 'dists', options.suite, binary), { recursive: true, mode: 0o755 });
  const paths = await debs.fetch(lock.packages);
  for (const [index, each] of lock.packages.entries()) {
    await copyFile(paths[index]!, join(directory, 'pool', `${each.name}_${each.architecture}_${index}.deb`));
  }
  const packages = await runChecked(['dpkg-scanpackages', '--multiversion', 'pool'], { cwd: directory });
  await writeFile(join(directory, 'dists', options.suite, binary, 'Packages'), packages);
  const head = `Suite: ${options.suite}\nCodename: ${options.suite}\nDate: ${new Date().toUTCString()}\n`;
  const release = `${head}Architectures: ${hostArchitecture}\nComponents: main\nSHA256:\n ${sha256(packages)} ${Buffer.byteLength(packages)} ${binary}/Packages\n`;
  await writeFile(join(directory, 'dists', options.suite, 'Release'), release);
}

async function bench(set: string, directory: string): Promise<ReportRow[]> {
  const wanted = await packagesOf(set);
  const lock = await lockOf(wanted);
  const archive = join(directory, `archive-${set}`);
  await makeArchive(lock, archive);
  const results: Record<'peer' | 'cold' | 'unpacked' | 'warm' | 'tar', Spent[]> = {
    peer: [],
    cold: [],
    unpacked: [],
    warm: [],
    tar: [],
  };
  for (let turn = 0; turn < Number(options.runs); turn++) {
    progress(`${set}: ${turn + 1} of ${options.runs}`);
    const tar = join(directory, 'peer.tar');
    const source = `deb [trusted=yes] copy:${archive} ${options.suite} main`;
    const include = lock.packages.map((each) => each.name).join(',');
    results.peer.push(
      await spent(() =>
        runChecked(
          [
            'mmdebstrap',
            '--quiet',
            '--mode=unshare',
            '--variant=minbase',
            `--include=${include}`,
            options.suite,
            tar,
            source,
          ],
          {
            env: { TMPDIR: directory, SOURCE_DATE_EPOCH: '1577836800' },
          },
        ),
      ),
    );
    await rm(tar);
    const cache = await mkdtemp(join(directory, 'cache-'));
    const deps: RootDeps = { ...rootDeps(sandbox, cache), debs, account: null };
    results.cold.push(await spent(() => materialise(deps, lock)));
    results.warm.push(await spent(() => materialise(deps, lock)));
    results.tar.push(await spent(() => writeTar(deps, lock, tar)));
    await rm(tar);
    // Another account is another root of the same packages.
    results.unpacked.push(await spent(() => materialise({ ...deps, account: { name: 'other', id: 1001 } }, lock)));
    await sandbox.remove(cache);
  }
  await rm(archive, { recursive: true });
  const peer = results.peer;
  const row = (name: Exclude<keyof typeof results, 'peer'>, what: keyof Spent, aim?: string): ReportRow => ({
    what: `${set} (${lock.packages.length} packages), ${name}`,
    ours: median(results[name].map((each) => each[what])),
    peer: median(peer.map((each) => each[what])),
    unit: what === 'wall' ? 's' : 'CPU s',
    ...(aim === undefined ? {} : { aim }),
  });
  return [
    row('cold', 'wall', '≤ 0.6'),
    row('cold', 'cpu'),
    row('unpacked', 'wall'),
    row('warm', 'wall', '≤ 1 s'),
    row('tar', 'wall', '≤ 1/4'),
  ];
}

async function writeTar(deps: RootDeps, lock: Lock, file: string): Promise<void> {
  const { layers } = await materialise(deps, lock);
  const options = { layers, kind: 'merged', newest: 1577836800, scratch: `${file}.scratch` } as const;
  await exportTar(sandbox, options, createWriteStream(file));
}

/** What a system gets beside itself, as images of one team differ. */
const extras =
  'bc,bzip2,cpio,cron,curl,dnsutils,ed,file,git,gnupg,htop,iproute2,jq,less,nano,openssh-client,python3,rsync,tmux,wget';

/** Roots that are alike: each the set with one more package. */
async function benchDisk(set: string, directory: string): Promise<readonly ReportRow[]> {
  const cache = await mkdtemp(join(directory, 'cache-'));
  const deps: RootDeps = { ...rootDeps(sandbox, cache), debs, account: null };
  const file = join(directory, 'one.tar');
  const wanted = await packagesOf(set);
  let tars = 0;
  for (const extra of extras.split(',')) {
    progress(`disk: ${set} with ${extra}`);
    await writeTar(deps, await lockOf([...wanted, extra]), file);
    tars += (await stat(file)).size;
    await rm(file);
  }
  const used = async (path: string) => {
    const [bytes] = (await runChecked(['du', '--summarize', '--block-size=1', path])).split('\t');
    return Number(bytes) / 1e6;
  };
  const [all, unpacked] = [await used(join(cache, 'roots')), await used(join(cache, 'roots/unpacked'))];
  await sandbox.remove(cache);
  const what = `20 times ${set} with one more package, disk`;
  return [
    { what, ours: all, peer: tars / 1e6, unit: 'MB', aim: '≤ 1/8' },
    { what: `${what}: of it the packages' files, each once`, ours: unpacked, unit: 'MB' },
  ];
}

const directory = await mkdtemp(join(memory, 'sheaf-bench-root-'));
try {
  await runChecked(['chmod', '755', directory]);
  const rows: ReportRow[] = [];
  for (const set of options.sets.split(',')) {
    rows.push(...(await bench(set, directory)));
    if (set !== 'boot') rows.push(...(await benchDisk(set, directory)));
  }
  await publishReport(
    {
      bench: 'root',
      title: `A configured root of ${options.suite}, from packages that are here`,
      peer: 'mmdebstrap',
      rows,
      notes: [
        'mmdebstrap --mode=unshare --variant=minbase into a tar; ours a directory to run in. Medians; both on a tmpfs.',
        '`tar`: from the warm cache to a tar. `disk`: of the cache, beside that of 20 tars, our own.',
      ],
    },
    options,
  );
} finally {
  await sandbox.remove(directory);
}
