import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';

import { testDatabase, type TestDatabase } from '../../../../test/database.ts';
import { seedUpstream } from '../../../../test/seed-history.ts';
import { seedDistribution } from '../../../../test/seed.ts';
import { recordSnapshot } from '../../../history/mod.ts';
import { sha256, type Sha256 } from '../../../kit/digest.ts';
import type { SnapshotAnswer } from '../../../lock/mod.ts';
import { parseArchitecture, parsePackageName, parseSnapshotId, parseVersion } from '../../../model/names.ts';
import type { House } from '../../house.ts';
import { create, formatCreated, refuseWords } from './create.ts';
import { checkFiles } from './files.ts';
import { formatShown, readShown } from './show.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-cli-lock-'));
let database: TestDatabase;
let answer: SnapshotAnswer;
let house: Pick<House, 'lock' | 'publications'>;

const hello = {
  ...{ name: parsePackageName('hello'), version: parseVersion('2.10-3'), architecture: parseArchitecture('amd64') },
  ...{ sha256: sha256('hello'), size: 2048, url: 'http://deb.example.org/debian/pool/hello.deb' },
  fields: [['Installed-Size', '4']] as const,
};

before(async () => {
  database = await testDatabase();
  const upstream = seedUpstream('debian');
  await recordSnapshot(
    { db: database.db, store: {} as House['history']['store'], countChanges: () => assert.fail() },
    {
      ...{ origin: 'debian', suite: 'trixie', snapshotId: parseSnapshotId('20260912T075541Z'), seenAt: new Date() },
      ...{ release: sha256('release'), signedBy: ['A'], indexes: [] },
    },
  );
  const index = { path: 'main/binary-amd64/Packages', kind: 'packages', component: 'main', architecture: 'amd64' };
  const { id } = await database.db
    .insertInto('history_index')
    .values({ origin: 'debian', suite: 'trixie', ...index } as never)
    .returning('id')
    .executeTakeFirstOrThrow();
  await database.db
    .insertInto('history_index_version')
    .values({ index: id, since: '20260912T075541Z', sha256: sha256('index'), size: 1 } as never)
    .execute();
  const lock: House['lock'] = {
    db: database.db,
    distribution: seedDistribution({ upstreams: new Map([[upstream.name, upstream]]) }),
    solver: { solve: async () => answer },
  };
  house = { lock, publications: {} as House['publications'] };
});
after(async () => {
  await database.close();
  rmSync(directory, { recursive: true });
});

const words = { package: ['hello'], from: ['debian/trixie'], arch: ['amd64'] };

test('sheaf lock create writes the lock beside its file, and says when nothing changed', async () => {
  answer = { kind: 'solved', packages: [hello] };
  const file = join(directory, 'image.toml');
  writeFileSync(file, 'packages = ["hello"]\nfrom = ["debian/trixie"]\narchitectures = ["amd64"]\n');
  const created = await create(house, file, {});
  const [head, second] = formatCreated(created).map(stripVTControlCharacters);
  assert.equal(head, `Wrote ${join(directory, 'image.lock')}`);
  assert.equal(second, 'amd64: 1 package, 2.0 KiB to fetch, 4.0 KiB installed');
  const text = readFileSync(join(directory, 'image.lock'), 'utf8');
  assert.equal((await create(house, file, {})).kind, 'unchanged');
  const named = await create(house, join(directory, 'named'), words);
  assert.equal(named.kind === 'created' ? readFileSync(named.file, 'utf8') : '', text);
  const shown = formatShown(await readShown(join(directory, 'image.lock'), undefined)).join('\n');
  assert.match(
    stripVTControlCharacters(shown),
    /packages: +hello\n[^]*debian\/trixie@20260912T075541Z[^]*hello +2\.10-3 +amd64 +2\.0 KiB$/,
  );
  await assert.rejects(readShown(join(directory, 'image.lock'), 'arm64'), { code: 'no-such-architecture' });
});

test('sheaf lock create leaves a lock as it is when apt refuses', async () => {
  const file = join(directory, 'kept.lock');
  writeFileSync(file, 'mine');
  answer = { kind: 'unmet', explanation: 'a : Depends: b\nUnable to correct problems' };
  const refused = await create(house, file, words);
  assert.deepEqual(formatCreated(refused).map(stripVTControlCharacters).slice(1), [
    '  a : Depends: b',
    '  Unable to correct problems',
  ]);
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

test('sheaf lock create takes a file or options, not both', async () => {
  await assert.rejects(create(house, 'image.toml', words), { code: 'usage', kind: 'usage' });
  await assert.rejects(create(house, 'image', { package: ['hello'] }), { kind: 'usage', hint: /--from/ });
});

test('sheaf lock create says which option packages have', () => {
  refuseWords(['web']);
  assert.throws(() => refuseWords(['web', 'nginx', 'hello']), { kind: 'usage', hint: /web --package nginx hello/ });
});

test('sheaf lock verify --files hashes what is here, and says what is nowhere', async () => {
  const path = join(directory, 'hello.deb');
  const absent = join(directory, 'absent');
  const check = async (paths: { readonly blob: string; readonly deb: string }) =>
    checkFiles(
      [{ architecture: hello.architecture, sources: [], packages: [{ ...hello, url: 'http://127.0.0.1:1/x' }] }],
      {
        blobs: { info: async (digest: Sha256) => ({ sha256: digest, size: 1 }), path: () => paths.blob },
        debs: { path: () => paths.deb },
        ...{ signal: new AbortController().signal, lineOf: () => 7, onProgress: () => {} },
      },
    );
  writeFileSync(path, 'hello');
  assert.deepEqual((await check({ blob: absent, deb: path })).counts, { here: 1, elsewhere: 0, missing: 0 });
  writeFileSync(path, 'other');
  const { counts, problems } = await check({ blob: path, deb: absent });
  assert.deepEqual(counts, { here: 0, elsewhere: 0, missing: 1 });
  assert.equal(problems[0]!.line, 7);
  assert.match(problems[0]!.message, /^cannot be had: http:\/\/127\.0\.0\.1:1\/x: /);
});
