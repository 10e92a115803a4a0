import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { formatRelease } from '../../formats/deb/release.ts';
import { sha256, type Sha256 } from '../../kit/digest.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../../model/names.ts';
import { createSnapshotApt } from './snapshots.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-snapshot-apt-'));
after(() => rmSync(directory, { recursive: true }));

const kept = new Map<Sha256, Buffer>();
let reads = 0;
const apt = createSnapshotApt({
  directory,
  read: async (hash) => {
    reads += 1;
    return kept.get(hash)!;
  },
});

function keep(text: string): Sha256 {
  const hash = sha256(text);
  kept.set(hash, Buffer.from(text));
  return hash;
}

/** A stanza: `name version`, then fields. */
function stanza(name: string, version: string, fields: Readonly<Record<string, string>> = {}): string {
  const all = {
    ...{ Package: name, Version: version, Architecture: 'amd64', Maintainer: 'T <t@example.org>', ...fields },
    Filename: `pool/${name}_${version.replace(':', '%3a')}_${fields['Architecture'] ?? 'amd64'}.deb`,
    ...{ Size: '10', SHA256: sha256(`${name} ${version} ${fields['Architecture'] ?? 'amd64'}`), Description: 'toy' },
  };
  return `${Object.entries(all)
    .map(([field, value]) => `${field}: ${value}\n`)
    .join('')}\n`;
}

type Toy = {
  readonly suite?: string;
  readonly notAutomatic?: boolean;
  readonly indexes: Readonly<Record<string, string>>;
};

function source(url: string, { suite = 'toy', notAutomatic = false, indexes }: Toy) {
  const files = Object.entries(indexes).map(([architecture, text]) => ({
    ...{
      path: `main/binary-${architecture}/Packages`,
      architecture,
      size: Buffer.byteLength(text),
      sha256: keep(text),
    },
  }));
  const release = keep(
    formatRelease({
      ...{
        suite,
        codename: suite,
        date: new Date(0),
        architectures: Object.keys(indexes),
        components: ['main'],
        files,
      },
      ...(notAutomatic ? { extra: [['NotAutomatic', 'yes'] as const] } : {}),
    }),
  );
  return { url, suite, components: ['main'], release, indexes: files };
}

const base = {
  architecture: 'amd64',
  foreign: [] as string[],
  packages: [] as string[],
  classes: ['essential'] as const,
  recommends: false,
  exclude: [] as string[],
  keep: [],
};

async function solved(request: Parameters<typeof apt.solve>[0]): Promise<string[]> {
  const answer = await apt.solve(request);
  assert.equal(answer.kind, 'solved', answer.kind === 'unmet' ? answer.explanation : '');
  return answer.kind === 'solved'
    ? answer.packages.map((each) => `${each.name} ${each.version} ${each.architecture}`).toSorted()
    : [];
}

const main = source('http://h/debian', {
  indexes: {
    amd64:
      stanza('sh', '1', { Essential: 'yes', Priority: 'required', Depends: 'libsh' }) +
      stanza('libsh', '1', { 'Multi-Arch': 'same' }) +
      stanza('tool', '1', { Priority: 'required' }) +
      stanza('web', '1:2.0+b', { Depends: 'engine | other', Recommends: 'docs' }) +
      stanza('engine', '1', { Provides: 'motor, engine-1+default (= 1)' }) +
      stanza('other', '1', { Provides: 'motor' }) +
      stanza('docs', '1', { Architecture: 'all' }) +
      stanza('broken', '1', { Depends: 'engine (>= 2)' }),
    i386:
      stanza('libsh', '1', { Architecture: 'i386', 'Multi-Arch': 'same' }) +
      stanza('engine', '1', { Architecture: 'i386' }),
  },
});
const newer = source('http://h/debian', { indexes: { amd64: stanza('engine', '2') } });

test('createSnapshotApt answers with essential packages, the classes, the packages and what they need', async () => {
  assert.deepEqual(await solved({ ...base, sources: [main] }), ['libsh 1 amd64', 'sh 1 amd64']);
  const web = { ...base, sources: [main], packages: ['web'] };
  const small = ['engine 1 amd64', 'libsh 1 amd64', 'sh 1 amd64', 'web 1:2.0+b amd64'];
  assert.deepEqual(await solved(web), small);
  assert.deepEqual(await solved({ ...web, recommends: true }), ['docs 1 all', ...small]);
  assert.deepEqual(await solved({ ...base, sources: [main], classes: ['essential', 'required'] }), [
    ...['libsh 1 amd64', 'sh 1 amd64', 'tool 1 amd64'],
  ]);
});

test('createSnapshotApt gives each package its real address and the rest of its stanza', async () => {
  const answer = await apt.solve({ ...base, sources: [main], packages: ['web'] });
  assert.equal(answer.kind, 'solved');
  const web = answer.kind === 'solved' ? answer.packages.find(({ name }) => name === 'web') : undefined;
  assert.equal(decodeURIComponent(decodeURIComponent(web!.url)), 'http://h/debian/pool/web_1:2.0+b_amd64.deb');
  assert.deepEqual(
    web!.fields!.map(([name]) => name),
    ['Maintainer', 'Depends', 'Recommends', 'Filename', 'Description'],
  );
});

test('createSnapshotApt leaves excluded packages out, of every architecture', async () => {
  const request = { ...base, sources: [main], packages: ['web'], exclude: ['engine'] };
  assert.ok((await solved(request)).includes('other 1 amd64'));
  const foreign = { ...base, sources: [main], foreign: ['i386'], packages: ['engine:i386'] };
  assert.ok((await solved(foreign)).includes('engine 1 i386'));
  assert.equal((await apt.solve({ ...foreign, exclude: ['engine'] })).kind, 'unmet');
});

test('createSnapshotApt chooses among sources as apt does by default', async () => {
  const web = { ...base, sources: [main, newer], packages: ['web'] };
  assert.ok((await solved(web)).includes('engine 2 amd64'));
  const backports = source('http://h/debian', {
    ...{ suite: 'backports', notAutomatic: true },
    indexes: { amd64: stanza('engine', '3') + stanza('evil', '1', { Essential: 'yes' }) },
  });
  const both = { ...web, sources: [main, backports] };
  assert.ok((await solved(both)).includes('engine 1 amd64'));
  assert.ok((await solved({ ...both, packages: ['web', 'engine/backports'] })).includes('engine 3 amd64'));
  assert.ok((await solved({ ...both, packages: ['web', 'engine=3'] })).includes('engine 3 amd64'));
});

test('createSnapshotApt stays at versions that are to be kept, where there are such', async () => {
  const engine = (version: string) => ({
    ...{ name: parsePackageName('engine'), version: parseVersion(version), architecture: parseArchitecture('amd64') },
    ...{ sha256: sha256(''), size: 1, url: 'http://h/x' },
  });
  const web = { ...base, sources: [main, newer], packages: ['web'] };
  assert.ok((await solved({ ...web, keep: [engine('1')] })).includes('engine 1 amd64'));
  assert.ok((await solved({ ...web, keep: [engine('0')] })).includes('engine 2 amd64'));
  const answer = await apt.solve({ ...web, packages: ['broken'], keep: [engine('1')] });
  assert.deepEqual(answer.kind === 'unmet' ? answer.kept : [], ['engine']);
});

test('createSnapshotApt takes the only provider of a virtual package, and asks which one where there are several', async () => {
  const wanted = (...packages: string[]) => ({ ...base, sources: [main], classes: [], packages });
  assert.deepEqual(await solved(wanted('engine-1+default')), ['engine 1 amd64']);
  const answer = await apt.solve(wanted('motor'));
  assert.match(answer.kind === 'unmet' ? answer.explanation : '', /motor is virtual: name one of engine, other/);
});

test("createSnapshotApt explains in apt's words what cannot be", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['broken', /broken : Depends: engine \(>= 2\)/],
    ['nothing', /Unable to locate package nothing/],
    ['tool=7', /Version '7' for 'tool' was not found/],
    ['engin.', /Unable to locate package engin\./],
    ['tool+', /Unable to locate package tool\+/],
  ];
  for (const [word, expected] of cases) {
    const answer = await apt.solve({ ...base, sources: [main], packages: [word] });
    assert.equal(answer.kind, 'unmet', word);
    assert.match(answer.kind === 'unmet' ? answer.explanation : '', expected);
  }
});

test('createSnapshotApt prepares the same snapshots once, and makes what was left half made again', async () => {
  const request = { ...base, sources: [newer], classes: [], packages: ['engine'] };
  await apt.solve(request);
  const before = reads;
  await apt.solve(request);
  assert.equal(reads, before);
  const states = async () => (await readdir(directory)).filter((name) => /^[0-9a-f]{24}$/.test(name));
  for (const name of await states()) rmSync(join(directory, name, 'ready'));
  assert.deepEqual(await solved(request), ['engine 2 amd64']);
  assert.ok(reads > before);
});

test('createSnapshotApt makes its states again where its folder was moved to', async () => {
  const request = { ...base, sources: [main], classes: [], packages: ['engine'] };
  const read = async (hash: Sha256) => kept.get(hash)!;
  const old = mkdtempSync(join(directory, 'old-'));
  const solve = async (place: string) => createSnapshotApt({ directory: place, read }).solve(request);
  assert.equal((await solve(old)).kind, 'solved');
  renameSync(old, `${old}-moved`);
  assert.equal((await solve(`${old}-moved`)).kind, 'solved');
});

test('createSnapshotApt answers several questions at once', async () => {
  const fresh = source('http://h/debian', {
    suite: 'fresh',
    indexes: { amd64: stanza('one', '1') + stanza('two', '1') },
  });
  const request = { ...base, sources: [fresh], classes: [] };
  const answers = await Promise.all(
    ['one', 'two', 'one'].map(async (name) => solved({ ...request, packages: [name] })),
  );
  assert.deepEqual(answers, [['one 1 amd64'], ['two 1 amd64'], ['one 1 amd64']]);
});
