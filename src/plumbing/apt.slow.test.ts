/** apt as solver over Debian's archive and a small one of our own on loopback. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { debian, hostArchitecture } from '../../test/small-root.ts';
import { formatRelease } from '../formats/deb/release.ts';
import { sha256 } from '../kit/digest.ts';
import { createApt, type Apt, type AptRequest, type AptSource } from './apt.ts';
import { runChecked } from './process.ts';
import { createSigningKey, loadSigner } from './signer.ts';

let directory: string;
let server: Server;
let url: string;
let apt: Apt;
const requests: string[] = [];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf apt, '));
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    readFile(join(directory, 'served', request.url ?? '')).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of ['own', 'stranger']) {
    await createSigningKey(join(directory, `${name}.asc`), { name }, new Date(Date.now() - 86_400_000));
    await writeFile(
      join(directory, `${name}-public.asc`),
      (await loadSigner(join(directory, `${name}.asc`))).publicKeyArmored,
    );
  }
  apt = createApt({ directory: join(directory, 'state'), ownAge: 0 });
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await rm(directory, { recursive: true });
});

/** Publishes one package below a path and signs it. */
async function publish(path: string, version: string, signer = 'own'): Promise<AptSource> {
  const root = join(directory, 'served', path);
  const tree = join(directory, `tree-${path}`);
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  const control = `Package: sheaf-toy\nVersion: ${version}\nArchitecture: all\nMaintainer: T <t@example.org>\nDepends: hello\nDescription: test\n`;
  await writeFile(join(tree, 'DEBIAN/control'), control);
  await mkdir(join(root, 'pool'), { recursive: true });
  const deb = `pool/sheaf-toy_${version.replace(':', '%3a')}_all.deb`;
  await runChecked(['dpkg-deb', '--root-owner-group', '--build', '--', tree, join(root, 'pool/toy.deb')]);
  const bytes = await readFile(join(root, 'pool/toy.deb'));
  const packages = `${control}Filename: ${deb}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n\n`;
  const index = `main/binary-${hostArchitecture}/Packages`;
  await mkdir(join(root, 'dists/stable', index, '..'), { recursive: true });
  await writeFile(join(root, 'dists/stable', index), packages);
  const release = formatRelease({
    suite: 'stable',
    codename: 'stable',
    date: new Date(),
    architectures: [hostArchitecture],
    components: ['main'],
    files: [{ path: index, size: Buffer.byteLength(packages), sha256: sha256(packages) }],
  });
  const signed = await (await loadSigner(join(directory, `${signer}.asc`))).clearsign(release, new Date());
  await writeFile(join(root, 'dists/stable/InRelease'), signed);
  return {
    url: `${url}/${path}`,
    suites: ['stable'],
    components: ['main'],
    keyring: join(directory, 'own-public.asc'),
  };
}

const request = (changes: Partial<AptRequest> = {}): AptRequest => ({
  architecture: hostArchitecture,
  upstream: [debian('bookworm')],
  own: [],
  depends: '',
  conflicts: '',
  ...changes,
});

async function toyVersion(own: AptSource): Promise<string | undefined> {
  const answer = await apt.solve(request({ own: [own], depends: 'sheaf-toy' }));
  assert.ok(answer.kind === 'solved', JSON.stringify(answer));
  assert.ok(
    answer.packages.some((each) => each.name === 'hello'),
    'dependencies come from upstream',
  );
  assert.equal(answer.sources.length, 2);
  return answer.packages.find((each) => each.name === 'sheaf-toy')?.version;
}

test('solve gives all essential packages with exact versions, sizes, hashes and the Release that vouches', async () => {
  const answer = await apt.solve(request());
  assert.ok(answer.kind === 'solved');
  const names = answer.packages.map((each) => each.name);
  for (const name of ['base-files', 'bash', 'dpkg', 'libc6'])
    assert.ok(names.includes(name as (typeof names)[number]), name);
  assert.deepEqual([answer.sources[0]!.suite, answer.sources.length], ['bookworm', 1]);
  assert.match(answer.sources[0]!.date, /UTC$/);
  for (const each of answer.packages)
    assert.ok(each.size > 0 && each.url.startsWith('http://deb.debian.org/debian/pool/'));
});

test('several that solve at once agree', async () => {
  const answer = await apt.solve(request({ depends: 'build-essential' }));
  const all = await Promise.all([1, 2, 3].map(async () => apt.solve(request({ depends: 'build-essential' }))));
  for (const each of all) assert.deepEqual(each, answer);
});

test('solve holds architecture and profile restrictions, alternatives and conflicts', async () => {
  const wanted = 'no-such [!any], no-such <nocheck>, no-such-at-all | sed, fakeroot (>= 1), gcc';
  const answer = await apt.solve(request({ depends: wanted, conflicts: 'clang, autoconf (<< 1)' }));
  assert.ok(answer.kind === 'solved', JSON.stringify(answer));
  assert.ok(answer.packages.some((each) => each.name === 'fakeroot'));
  const refused = await apt.solve(request({ depends: 'gcc', conflicts: 'cpp' }));
  assert.ok(refused.kind === 'unmet' && /cpp/.test(refused.explanation), JSON.stringify(refused));
});

test('solve sees our own suite’s newest snapshot, whatever its address was before', async () => {
  assert.equal(await toyVersion(await publish('a', '1:1.0')), '1:1.0');
  assert.equal(await toyVersion(await publish('b', '1:1.1')), '1:1.1');
  // An earlier snapshot again: what was fetched of the later one is not looked at any more.
  assert.equal(await toyVersion({ ...(await publish('a', '1:1.0')), url: `${url}/a/` }), '1:1.0');
  const states = await readdir(join(directory, 'state'));
  for (const state of states) {
    const lists = await readdir(join(directory, 'state', state, 'lists'));
    assert.ok(!lists.some((name) => name.includes('_b_dists')), lists.join(' '));
  }
});

test('solve refuses a suite that another key signed, and says so', async () => {
  const own = await publish('strange', '9', 'stranger');
  await assert.rejects(apt.solve(request({ own: [own], depends: 'sheaf-toy' })), {
    code: 'apt-update-failed',
    kind: 'environment',
    message: /not signed|NO_PUBKEY|signatures couldn't be verified|invalid/i,
  });
  const missing = { ...own, keyring: join(directory, 'no-such-keyring') };
  await assert.rejects(apt.solve(request({ own: [missing] })), { code: 'keyring-missing' });
});

test('solve says that an archive does not answer', async () => {
  const gone = { ...debian('bookworm'), url: `${url}/gone` };
  await assert.rejects(apt.solve(request({ upstream: [gone] })), {
    code: 'apt-update-failed',
    message: /does not have a Release file/,
  });
});
