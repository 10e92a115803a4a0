/** Patches go wherever the suite goes: to mirrors and exports, and to whoever follows it as an upstream. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';

import { archiveServer } from '../../test/archive-server.ts';
import { fakeUpstream, followWorld } from '../../test/follow-world.ts';
import { mirrorDeps, someMirror } from '../../test/mirror-world.ts';
import { addQuickPackages, fillSuite } from '../../test/quick-packages.ts';
import { doubleCredentials, s3Double } from '../../test/s3-double.ts';
import { toyArchive } from '../../test/toy-archive.ts';
import { exportArchive } from '../flows/export-archive.ts';
import { followUpstream } from '../flows/follow-upstream.ts';
import { pushMirror } from '../flows/push-mirror.ts';
import { applyEdScript } from '../formats/deb/ed-script.ts';
import { parsePdiffIndex, planPatches } from '../formats/deb/pdiff.ts';
import { parseRelease } from '../formats/deb/release.ts';
import { exportTree } from '../plumbing/export-tree.ts';
import { folderTarget } from '../plumbing/mirror-target/folder.ts';
import { s3Target } from '../plumbing/mirror-target/s3.ts';
import { publishSuite } from './mod.ts';

const start = Date.now() - 600_000;
const now = new Date(start);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const packages = 'main/binary-amd64/Packages';

async function open() {
  const toy = await toyArchive({ pdiffs: 5 });
  const filling = Array.from({ length: 200 }, (_, number) => {
    const name = `package-${String(number).padStart(3, '0')}`;
    const noise = createHash('sha512').update(name).digest('hex');
    const control = `Package: ${name}\nVersion: 1\nArchitecture: amd64\nDescription: ${noise}\n`;
    return { name, version: '1', architecture: 'amd64', source: name, sourceVersion: '1', control };
  });
  await fillSuite(toy.deps, 'stable', filling, now);
  await publishSuite(toy.deps, 'stable', now);
  const publish = async (version: string) => {
    const binaries = [{ name: 'package-100', version, architecture: 'amd64' }];
    await addQuickPackages(toy.deps, 'stable', { name: 'package-100', version, component: 'main', binaries }, now);
    await publishSuite(toy.deps, 'stable', new Date(start + Number(version) * 60_000));
  };
  return { toy, publish, root: join(toy.directory, 'archive/main') };
}

/** Goes from a past version to the newest as a client does: Index by hash, patches by name. */
function follow(read: (path: string) => Uint8Array, past: Uint8Array): void {
  const { files } = parseRelease(Buffer.from(read('dists/stable/InRelease')).toString());
  const find = (path: string) => files.find((file) => file.path === path)!;
  const index = read(`dists/stable/${packages}.diff/by-hash/SHA256/${find(`${packages}.diff/Index`).sha256}`);
  assert.deepEqual(Buffer.from(read(`dists/stable/${packages}.diff/Index`)), Buffer.from(index));
  let text = past;
  const plan = planPatches(parsePdiffIndex(Buffer.from(index).toString()), sha256(past))!;
  for (const { downloadName, downloadSha256 } of plan) {
    const packed = read(`dists/stable/${packages}.diff/${downloadName}`);
    assert.equal(sha256(packed), downloadSha256);
    text = applyEdScript(text, gunzipSync(packed), { bytes: 2 ** 20 });
  }
  assert.equal(plan.length, 3);
  assert.equal(sha256(text), find(packages).sha256);
}

test('mirrors in folders and buckets and exports have the patches', async (t) => {
  const { toy, publish, root } = await open();
  t.after(toy.close);
  const past = gunzipSync(readFileSync(join(root, 'dists/stable', `${packages}.gz`)));
  for (const version of ['2', '3', '4']) await publish(version);
  const inFolder = (folder: string) => (path: string) => readFileSync(join(folder, path));
  follow(inFolder(root), past);

  const mirror = join(toy.directory, 'mirror');
  await pushMirror(
    mirrorDeps(toy, folderTarget(mirror), () => now),
    someMirror,
    { verify: false, delete: false },
  );
  follow(inFolder(mirror), past);

  const exported = join(toy.directory, 'exported');
  const { distribution, directory, compression } = toy.deps;
  await exportArchive({ distribution, directory, tree: exportTree, gunzip: compression.gunzip }, exported);
  follow(inFolder(join(exported, 'main')), past);

  const double = await s3Double();
  t.after(double.close);
  const settings = { region: 'us-east-1', credentials: doubleCredentials, now: () => new Date(), pause: 1 };
  const bucket = s3Target({ url: `${double.url}/bucket/x`, ...settings });
  await pushMirror(
    mirrorDeps(toy, bucket, () => now, join(toy.directory, 'memory-of-bucket')),
    someMirror,
    { verify: false, delete: false },
  );
  follow((path) => double.objects.get(`bucket/x/${path}`)!.bytes, past);
});

test('our own follower of upstreams takes the patches', async (t) => {
  const { toy, publish, root } = await open();
  const server = await archiveServer(() => toy.deps);
  const world = await followWorld(join(toy.directory, 'follower'), toy.database.db, () => new Date());
  t.after(async () => {
    await world.close();
    await server.close();
    await toy.close();
  });
  await mkdir(join(toy.directory, 'keys'));
  const keyring = join(toy.directory, 'keys/toy.asc');
  await writeFile(keyring, readFileSync(join(root, 'key.asc')));
  const upstream = fakeUpstream(`${server.url}/main`, keyring, { suites: ['stable'] });
  const look = async () => {
    server.asked.length = 0;
    const [report] = await followUpstream(world, upstream);
    assert.equal(report!.outcome, 'new', JSON.stringify(report));
    return server.asked.map((each) => /(Packages|Sources)\.diff\/\d\w+\.gz$|(binary-amd64|source)\/by-hash\//.exec(each)?.slice(1).find(Boolean)).filter(Boolean).toSorted(); // prettier-ignore
  };
  assert.deepEqual(await look(), ['binary-amd64', 'source']);
  for (const version of ['2', '3', '4']) await publish(version);
  assert.deepEqual(await look(), ['Packages', 'Packages', 'Packages', 'Sources', 'Sources', 'Sources']);
});
