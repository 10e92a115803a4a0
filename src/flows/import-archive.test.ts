import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { toyArchive, toyDeb, toySource, type ToyArchive, type ToyBinary } from '../../test/toy-archive.ts';
import { suiteContent } from '../archive/mod.ts';
import { formatStanza } from '../formats/deb/deb822.ts';
import { openDeb } from '../formats/deb/deb-stream.ts';
import { formatRelease } from '../formats/deb/release.ts';
import { sha256 } from '../kit/digest.ts';
import { parseLabel, parseSuiteName } from '../model/names.ts';
import { Blobs } from '../plumbing/blobs.ts';
import { decompressIndex, decompressStream } from '../plumbing/decompress.ts';
import { openForeignTree } from '../plumbing/foreign-archive/tree.ts';
import { bringPackages, checkPackages, takeSuite } from './import-archive.ts';
import { readForeignSuite, type ForeignSuite, type ImportProblem } from './import-archive-suite.ts';

type Old = { readonly toy: ToyArchive; readonly root: string; readonly blobs: Blobs };
type Fields = Readonly<Record<string, string | undefined>>;

const now = new Date('2026-11-20T10:00:00Z');
const main = parseLabel('main');

async function open(t: TestContext): Promise<Old> {
  const toy = await toyArchive();
  const root = await mkdtemp(join(tmpdir(), 'sheaf-foreign-'));
  t.after(async () => {
    await toy.close();
    await rm(root, { recursive: true });
  });
  // The old archive's files are made beside our own blobs.
  return { toy, root, blobs: new Blobs(join(root, '.made')) };
}

/** A package of the old archive, and its stanza with other fields where said. */
async function add(
  { root, blobs }: Old,
  binary: ToyBinary & { readonly version: string },
  changed: Fields = {},
): Promise<string> {
  const file = await toyDeb(blobs, binary.name, binary.version, binary);
  const path = changed['Filename'] ?? `pool/main/${binary.name.slice(0, 1)}/${binary.name}/${file.name}`;
  if (!path.includes('..')) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), await blobs.read(file.sha256));
  }
  const fields: Fields = {
    ...{ Package: binary.name, Version: binary.version, Architecture: binary.architecture ?? 'amd64' },
    ...{ Maintainer: 'Toy Maintainer <toy@example.org>', Section: 'misc', Priority: 'optional' },
    ...{ Filename: path, Size: String(file.size), SHA256: file.sha256 },
    Description: `toy package ${binary.name}\nIt is of no use.\n\nReally none.`,
    ...changed,
  };
  return formatStanza(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

async function publish(
  { root }: Old,
  packages: readonly string[],
  sources: readonly string[] = [],
  others: Readonly<Record<string, readonly string[]>> = {},
  components: readonly string[] = ['main'],
): Promise<void> {
  const indexes = { 'main/binary-amd64/Packages': packages, 'main/source/Sources': sources, ...others };
  const files = [];
  for (const [path, stanzas] of Object.entries(indexes)) {
    const text = stanzas.map((stanza) => `${stanza}\n`).join('');
    await mkdir(dirname(join(root, 'dists/stable', path)), { recursive: true });
    await writeFile(join(root, 'dists/stable', path), text);
    files.push({ path, size: Buffer.byteLength(text), sha256: sha256(text) });
  }
  const release = { suite: 'stable', origin: 'Old', date: now, architectures: ['amd64'], components, files };
  await writeFile(join(root, 'dists/stable/Release'), formatRelease(release));
}

async function read({ root }: Old): Promise<{
  suite: ForeignSuite;
  problems: ImportProblem[];
  tree: Awaited<ReturnType<typeof openForeignTree>>;
}> {
  const tree = await openForeignTree(root);
  const problems: ImportProblem[] = [];
  const suite = await readForeignSuite(
    { tree, decompress: decompressIndex, verify: undefined },
    tree.suites[0]!,
    problems,
  );
  return { suite, problems, tree };
}

/** Everything that `sheaf import` does; stops where it would without --skip-broken. */
async function importAll(old: Old, signal = new AbortController().signal, onProgress = () => {}) {
  const { suite, problems, tree } = await read(old);
  const { deps } = old.toy;
  const bring = {
    ...{ archive: deps, tree, signal, onProgress },
    readControl: async (digest: Parameters<Blobs['stream']>[0], file: string) => {
      const deb = await openDeb(deps.blobs.stream(digest), decompressStream, { bytes: 2 ** 30, entries: 1 }, file);
      await deb.close();
      return deb;
    },
  };
  const broken = await checkPackages(bring, main, [suite], problems);
  const [brought] = problems.length > 0 ? [] : await bringPackages(bring, main, [suite], broken, problems);
  if (problems.length > 0) return { problems, taken: undefined };
  const name = parseSuiteName('stable');
  return { problems, taken: await takeSuite(deps, brought!, { name, by: 'ada', from: old.root }, now) };
}

const hostile: readonly (readonly [string, Fields, RegExp])[] = [
  ['leads out of the archive', { Filename: '../../etc/passwd' }, /leaves the archive/],
  ['is absolute', { Filename: '/etc/passwd' }, /leaves the archive/],
  ['has no SHA-256', { SHA256: undefined }, /no SHA-256/],
  ['has another size', { Size: '7' }, /bytes, 7 by the index/],
  ['has other bytes', { SHA256: 'a'.repeat(64) }, /SHA-256/],
  ['has no package name', { Package: 'Big_Name' }, /not a package name/],
  ['is for another architecture', { Architecture: 'riscv64' }, /stands in the index of amd64/],
  ['is of another version than its file', { Version: '9.9' }, /the index says version 9\.9, the package itself 1\.0/],
  ['is not there', { Filename: 'pool/main/x/nothing.deb' }, /not there/],
];

for (const [what, changed, message] of hostile) {
  test(`an import takes nothing when one package ${what}`, async (t) => {
    const old = await open(t);
    const good = await add(old, { name: 'good', version: '1.0' });
    const bad = await add(old, { name: 'bad', version: '1.0' }, changed);
    if (what === 'is not there') await rm(join(old.root, 'pool/main/x'), { recursive: true });
    await publish(old, [good, bad]);
    const { problems, taken } = await importAll(old);
    assert.equal(taken, undefined);
    assert.equal(problems.length, 1, JSON.stringify(problems));
    assert.match(problems[0]!.message, message);
    assert.deepEqual((await suiteContent(old.toy.database.db, parseSuiteName('stable'))).binaries, []);
  });
}

test('an import takes nothing when a component with packages has a name that none has here', async (t) => {
  const old = await open(t);
  const good = await add(old, { name: 'good', version: '1.0' });
  const other = await add(old, { name: 'other', version: '1.0' });
  // Those of the installer are no component, and one without packages has nothing to leave behind.
  const fine = { 'main/debian-installer/binary-amd64/Packages': [other], 'updates/contrib/binary-amd64/Packages': [] };
  await publish(old, [good], [], fine, ['main', 'updates/contrib']);
  assert.deepEqual((await read(old)).problems, []);
  await publish(old, [good], [], { 'updates/main/binary-amd64/Packages': [other] }, ['main', 'updates/main']);
  const { problems, taken } = await importAll(old);
  assert.equal(taken, undefined);
  assert.deepEqual(
    problems.map(({ file, message }) => `${file}: ${message}`),
    ['dists/stable/updates/main: no component is called "updates/main" here: publish it under another name'],
  );
});

test('an import follows no link out of the archive', async (t) => {
  const old = await open(t);
  const stanza = await add(old, { name: 'alpha', version: '1.0' });
  const path = join(old.root, 'pool/main/a/alpha/alpha_1.0_amd64.deb');
  const outside = await mkdtemp(join(tmpdir(), 'sheaf-outside-'));
  t.after(() => rm(outside, { recursive: true }));
  await writeFile(join(outside, 'x.deb'), await readFile(path));
  await rm(path);
  await symlink(join(outside, 'x.deb'), path);
  await publish(old, [stanza]);
  assert.match((await importAll(old)).problems[0]!.message, /leads out of the archive/);
});

test('an import keeps paths of the pool and fields of the index, and has whole descriptions', async (t) => {
  const old = await open(t);
  const changed = {
    ...{ Section: 'utils', Tag: 'role::program', 'Phased-Update-Percentage': '10' },
    ...{ Description: 'toy package alpha', 'Description-md5': '0'.repeat(32), SHA1: '0'.repeat(40) },
    Filename: 'pool/stable/odd/alpha.deb',
  };
  const alpha = await add(old, { name: 'alpha', version: '1.0' }, changed);
  const beta = await add(old, { name: 'beta', version: '1.0' }, { Filename: './packages/beta.deb' });
  await publish(old, [alpha, beta]);
  const { taken } = await importAll(old);
  assert.deepEqual([taken?.packages, taken?.added, taken?.number], [2, 2, 1]);
  const { binaries } = await suiteContent(old.toy.database.db, parseSuiteName('stable'));
  const rows = await old.toy.database.db
    .selectFrom('binary_package')
    .select(['name', 'control', 'filename'])
    .orderBy('name')
    .execute();
  assert.equal(binaries.length, 2);
  assert.deepEqual(
    rows.map(({ filename }) => filename),
    ['pool/stable/odd/alpha.deb', 'pool/main/b/beta/beta.deb'],
  );
  assert.match(rows[0]!.control, /^Section: utils\n/m);
  assert.match(rows[0]!.control, /^Tag: role::program\nPhased-Update-Percentage: 10\n/m);
  assert.match(rows[0]!.control, /^Description: toy package alpha\n It is of no use\.\n/m);
  assert.doesNotMatch(rows[0]!.control, /Description-md5|SHA1|Filename/);
  const served = await readFile(join(old.toy.directory, 'archive/main/pool/stable/odd/alpha.deb'));
  assert.ok(served.equals(await readFile(join(old.root, 'pool/stable/odd/alpha.deb'))));
});

test('an import takes sources whose .dsc is what the index says', async (t) => {
  const old = await open(t);
  const files = await toySource(old.blobs, 'alpha', '1.0', [{ name: 'alpha' }]);
  const place = join(old.root, 'pool/main/a/alpha');
  await mkdir(place, { recursive: true });
  for (const file of files) await writeFile(join(place, file.name), await old.blobs.read(file.sha256));
  const stanza = (name: string) =>
    formatStanza([
      ...[['Package', name] as const, ['Binary', 'alpha'] as const, ['Version', '1.0'] as const],
      ...[['Architecture', 'any'] as const, ['Directory', 'pool/main/a/alpha'] as const],
      ['Checksums-Sha256', files.map((file) => `\n${file.sha256} ${file.size} ${file.name}`).join('')],
    ]);
  const binary = await add(old, { name: 'alpha', version: '1.0' });
  await publish(old, [binary], [stanza('omega')]);
  assert.match((await importAll(old)).problems[0]!.message, /the index says omega 1\.0, the \.dsc itself alpha 1\.0/);
  await publish(old, [binary], [stanza('alpha')]);
  const { taken, problems } = await importAll(old);
  assert.deepEqual([problems, taken?.sources, taken?.added, taken?.waiting], [[], 1, 2, []]);
});

test('an import that was stopped goes on, and a second one changes nothing', async (t) => {
  const old = await open(t);
  const stanzas = [];
  for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'a9', 'b1', 'b2', 'b3']) {
    stanzas.push(await add(old, { name, version: '1.0' }));
  }
  await publish(old, stanzas);
  const controller = new AbortController();
  await assert.rejects(
    importAll(old, controller.signal, () => controller.abort()),
    { code: 'interrupted' },
  );
  assert.deepEqual((await suiteContent(old.toy.database.db, parseSuiteName('stable'))).binaries, []);
  assert.deepEqual((await importAll(old)).taken?.added, 12);
  const again = (await importAll(old)).taken;
  assert.deepEqual([again?.added, again?.number], [0, 1]);
  // What the old archive has dropped since is named, and stays.
  await publish(old, stanzas.slice(1));
  assert.deepEqual((await importAll(old)).taken?.others, ['a1 1.0 amd64']);
});

test('a version that is here with other bytes is a problem, and so is an index that is not what Release lists', async (t) => {
  const old = await open(t);
  await publish(old, [await add(old, { name: 'alpha', version: '1.0' })]);
  assert.equal((await importAll(old)).taken?.number, 1);
  await publish(old, [await add(old, { name: 'alpha', version: '1.0', content: 'other' })]);
  const { problems } = await importAll(old);
  assert.match(problems[0]!.message, /alpha 1\.0 \(amd64\) is here already with other bytes/);
  await writeFile(join(old.root, 'dists/stable/main/source/Sources'), 'Package: x\n');
  await assert.rejects(read(old), { code: 'bad-index', message: /Sources is not what its Release file lists/ });
});
