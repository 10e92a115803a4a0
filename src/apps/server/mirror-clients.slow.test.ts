/**
 * Programs that copy archives, over HTTP from our server and from nginx over what `sheaf archive export` makes: two
 * suites, two components, sources.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import test, { after, before } from 'node:test';

import { archiveServer, type ArchiveServer } from '../../../test/archive-server.ts';
import { fetchHelloBinaries, fetchHelloSource } from '../../../test/hello.ts';
import { startNginx, type Nginx } from '../../../test/nginx.ts';
import { toyArchive, toyChanges, toyPackage, type ToyArchive } from '../../../test/toy-archive.ts';
import { acceptBinaries, acceptSource, publishSuite, type AcceptRequest, type ArchiveDeps } from '../../archive/mod.ts';
import { exportArchive } from '../../flows/export-archive.ts';
import { field, parseStanzas } from '../../formats/deb/deb822.ts';
import type { Suite } from '../../model/distribution.ts';
import { parseSuiteName } from '../../model/names.ts';
import { exportTree } from '../../plumbing/export-tree.ts';

let toy: ToyArchive;
let deps: ArchiveDeps;
let scratch: string;
let ours: ArchiveServer;
let nginx: Nginx | undefined;
let key: string;

before(async () => {
  toy = await toyArchive();
  const stable: Suite = { ...[...toy.deps.distribution.suites.values()][0]!, components: ['main', 'contrib'] };
  const name = parseSuiteName('testing');
  const testing: Suite = { ...stable, name, codename: name, distributions: ['testing'] };
  const suites = new Map([stable, testing].map((suite) => [suite.name, suite]));
  deps = { ...toy.deps, distribution: { ...toy.deps.distribution, suites } };
  scratch = await mkdtemp(join(tmpdir(), 'sheaf-clients-'));
  ours = await archiveServer(() => deps);

  const now = new Date();
  const hello = await fetchHelloBinaries(deps.blobs);
  const changes = await toyChanges(deps.blobs, 'hello', '2.10-3', hello);
  await accept({ suite: 'stable', files: await fetchHelloSource(deps.blobs) }, 'source');
  await accept({ suite: 'stable', files: [...hello, changes] }, 'binaries');
  const extra = [
    { name: 'extra', fields: { Section: 'contrib/misc' } },
    { name: 'extra-data', architecture: 'all', fields: { Section: 'contrib/misc' } },
  ];
  for (const [suite, version] of [
    ['stable', '1:1.0~rc1+x'],
    ['testing', '1:2.0'],
  ] as const) {
    for (const [source, binaries] of [
      ['extra', extra],
      ['libtoy++', [{ name: 'libtoy++', architecture: 'amd64' }]],
    ] as const) {
      const requests = await toyPackage(deps.blobs, source, version, binaries);
      await accept({ ...requests.source, suite }, 'source');
      await accept({ ...requests.binaries, suite }, 'binaries');
    }
    await publishSuite(deps, suite, now);
  }
  key = (await deps.signer(stable.repository)).publicKeyArmored;

  const { distribution, directory, compression } = deps;
  const target = join(scratch, 'export');
  await exportArchive({ distribution, directory, tree: exportTree, gunzip: compression.gunzip }, target);
  if (has('nginx')) nginx = await startNginx(target);
});

after(async () => {
  await nginx?.close();
  await ours.close();
  await toy.close();
  await rm(scratch, { recursive: true });
});

async function accept(request: AcceptRequest, what: 'source' | 'binaries'): Promise<void> {
  const outcome = await (what === 'source' ? acceptSource : acceptBinaries)(deps, request, new Date());
  assert.equal(outcome.kind, 'accepted', JSON.stringify(outcome));
}

const path = ['/usr/sbin', '/sbin', ...(process.env['PATH'] ?? '').split(delimiter)];

function has(program: string): boolean {
  return path.some((folder) => existsSync(join(folder, program)));
}

/** What it printed; fails when it failed. Nothing of the user's is read. */
function run(cwd: string, [program, ...parameters]: readonly [string, ...string[]], input?: string): Promise<string> {
  const env = { PATH: path.join(delimiter), LC_ALL: 'C.UTF-8', HOME: cwd, GNUPGHOME: join(cwd, 'gnupg') };
  return new Promise((resolve, reject) => {
    const child = execFile(program, parameters, { cwd, env, timeout: 120_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr);
      else reject(new Error(`${program} ${parameters.join(' ')}: ${error.message}\n${stdout}${stderr}`));
    });
    child.stdin!.end(input);
  });
}

/** A folder for one client, with the archive's key in a keyring. */
async function clientFolder(): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'client-'));
  await mkdir(join(folder, 'gnupg'), { mode: 0o700 });
  await run(folder, ['gpg', '--batch', '--quiet', '--import'], key);
  const exported = ['gpg', '--batch', '--quiet', '--output', 'key.gpg', '--export'] as const;
  await run(folder, [...exported]);
  return folder;
}

/** Every file that the indexes of a suite name, by its path. */
async function poolOf(suite: string, suffix: RegExp): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const base = join(deps.directory, 'main/dists', suite);
  for (const component of ['main', 'contrib']) {
    for (const index of ['binary-amd64/Packages.gz', 'source/Sources.gz']) {
      const bytes = deps.compression.gunzip(await readFile(join(base, component, index)), 1e8);
      for (const stanza of parseStanzas(Buffer.from(bytes).toString(), index)) {
        const name = field(stanza, 'Filename');
        if (name !== undefined) files.set(name, field(stanza, 'SHA256')!);
        for (const line of (field(stanza, 'Checksums-Sha256') ?? '').split('\n')) {
          const [hash, , file] = line.trim().split(/\s+/);
          if (file !== undefined) files.set(`${field(stanza, 'Directory')}/${file}`, hash!);
        }
      }
    }
  }
  return new Map([...files].filter(([name]) => suffix.test(name)));
}

async function assertHas(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  assert.ok(files.size > 0);
  for (const [name, hash] of files) {
    const bytes = await readFile(join(folder, name));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), hash, name);
  }
}

/** One test for each server. */
function client(name: string, program: string, body: (url: string) => Promise<void>): void {
  for (const server of ['sheaf', 'nginx'] as const) {
    test(`${name}, from ${server === 'sheaf' ? 'our server' : 'nginx over the export'}`, async (t) => {
      if (!has(program)) return t.skip(`no ${program} here`);
      if (server === 'nginx' && nginx === undefined) return t.skip('no nginx here');
      ours.asked.length = 0;
      await body((server === 'sheaf' ? ours : nginx!).url);
    });
  }
}

client('debmirror copies two suites, and finds nothing to do the second time', 'debmirror', async (url) => {
  const folder = await clientFolder();
  const target = join(folder, 'mirror');
  const { host } = new URL(url);
  const copy = () =>
    run(folder, [
      'debmirror',
      ...['--method=http', `--host=${host}`, '--root=main', `--keyring=${folder}/key.gpg`],
      ...['--dist=stable,testing', '--section=main,contrib', '--arch=amd64', '--source', '--diff=none', '--nocleanup'],
      ...['--rsync-extra=none', '--verbose', target],
    ]);
  const first = await copy();
  // It warns that nothing is fetched by rsync, whatever is there to fetch.
  assert.doesNotMatch(first.replace(/^Warning: --rsync-extra .*$/m, ''), /warn|fail|error/i, first);
  for (const suite of ['stable', 'testing']) {
    await assertHas(target, await poolOf(suite, /./));
    assert.ok(existsSync(join(target, `dists/${suite}/Release`)));
  }
  ours.asked.length = 0;
  const second = await copy();
  assert.match(second, /All done/);
  assert.ok(!ours.asked.some((each) => each.includes('/pool/')), ours.asked.join(' '));
});

client('aptly mirrors a suite with its sources, and publishes it again', 'aptly', async (url) => {
  const folder = await clientFolder();
  const config = join(folder, 'aptly.conf');
  await writeFile(config, JSON.stringify({ rootDir: join(folder, 'aptly'), gpgProvider: 'gpg' }));
  const aptly = (...parameters: string[]) => run(folder, ['aptly', `-config=${config}`, ...parameters]);
  const keyring = `-keyring=${folder}/key.gpg`;
  for (const suite of ['stable', 'testing']) {
    const wanted = ['-architectures=amd64', '-with-sources', keyring, suite, `${url}/main/`, suite];
    await aptly('mirror', 'create', ...wanted, 'main', 'contrib');
    await aptly('mirror', 'update', keyring, suite);
    await aptly('snapshot', 'create', suite, 'from', 'mirror', suite);
  }
  const shown = await aptly('mirror', 'show', '-with-packages', 'stable');
  for (const each of [
    'hello_2.10-3_amd64',
    'hello_2.10-3_source',
    'extra_1:1.0~rc1+x_amd64',
    'libtoy++_1:1.0~rc1+x_amd64',
  ])
    assert.ok(shown.includes(each), shown);
  await aptly('publish', 'snapshot', '-skip-signing', '-distribution=stable', '-component=main', 'stable');
  const debs = await poolOf('stable', /hello_.*\.deb$/);
  assert.equal(debs.size, 1);
  await assertHas(join(folder, 'aptly/public'), debs);
  // A new publication is an update like any other.
  assert.match(await aptly('mirror', 'update', keyring, 'stable'), /successfully updated|updated successfully/);
});

client('reprepro updates itself from a suite, checking its key', 'reprepro', async (url) => {
  const folder = await clientFolder();
  const conf = join(folder, 'conf');
  await mkdir(conf);
  const [, fingerprint] = /^fpr:+([0-9A-F]{40}):/m.exec(
    await run(folder, ['gpg', '--batch', '--with-colons', '--list-keys']),
  )!;
  const update = `Name: from-sheaf\nMethod: ${url}/main/\nSuite: stable\nComponents: main contrib\nArchitectures: amd64 source\n`;
  await writeFile(join(conf, 'updates'), `${update}VerifyRelease: ${fingerprint!.slice(-16)}\n`);
  await writeFile(
    join(conf, 'distributions'),
    'Codename: local\nComponents: main contrib\nArchitectures: amd64 source\nUpdate: from-sheaf\n',
  );
  const said = await run(folder, ['reprepro', '-b', folder, 'update']);
  assert.doesNotMatch(said, /warning|error/i, said);
  const listed = await run(folder, ['reprepro', '-b', folder, 'list', 'local']);
  for (const each of ['main|amd64: hello 2.10-3', 'main|source: hello 2.10-3', 'contrib|amd64: extra-data 1:1.0~rc1+x'])
    assert.ok(listed.includes(each), listed);
  await assertHas(folder, await poolOf('stable', /hello_/));
  assert.match(await run(folder, ['reprepro', '-b', folder, 'checkupdate', 'local']), /Nothing to do/);

  // Another's key is refused.
  await writeFile(join(conf, 'updates'), `${update}VerifyRelease: 0123456789ABCDEF\n`);
  await assert.rejects(run(folder, ['reprepro', '-b', folder, 'update']), /key/i);
});

client('dget fetches a source package and unpacks it', 'dget', async (url) => {
  const folder = await clientFolder();
  const [dsc] = (await poolOf('stable', /hello_.*\.dsc$/)).keys();
  await run(folder, ['dget', '--allow-unauthenticated', `${url}/main/${dsc!}`]);
  assert.ok(existsSync(join(folder, 'hello-2.10/debian/control')));
});

client('grep-dctrl reads the indexes', 'grep-dctrl', async (url) => {
  const index = await fetch(`${url}/main/dists/testing/contrib/binary-amd64/Packages.gz`);
  const text = Buffer.from(deps.compression.gunzip(new Uint8Array(await index.arrayBuffer()), 1e8)).toString();
  await writeFile(join(scratch, 'Packages'), text);
  const found = await run(scratch, ['grep-dctrl', '-n', '-s', 'Version', '-X', '-P', 'extra-data', 'Packages']);
  assert.equal(found, '1:2.0\n');
});
