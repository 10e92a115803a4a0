import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { seedUpstream } from '../../test/seed-history.ts';
import { seedDistribution } from '../../test/seed.ts';
import { countChanges } from '../compare/mod.ts';
import { formatRelease } from '../formats/deb/release.ts';
import { recordSnapshot, type HistoryDeps } from '../history/mod.ts';
import { sha256 } from '../kit/digest.ts';
import { formatLock, parseLocks } from '../lock/mod.ts';
import { checkLockSpec } from '../lock/spec.ts';
import { toSnapshotId } from '../model/names.ts';
import { createSnapshotApt } from '../plumbing/apt/snapshots.ts';
import { openIndexStore, type FileIndexStore } from '../plumbing/history/store.ts';
import { createLock, type CreateLockDeps } from './create-lock.ts';
import { verifyLock } from './verify-lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-create-lock-'));
let database: TestDatabase;
let store: FileIndexStore;
let deps: CreateLockDeps;

before(async () => {
  database = await testDatabase();
  store = await openIndexStore(join(directory, 'history'));
  const upstream = seedUpstream('debian', { suites: ['trixie', 'sid', 'native'] });
  deps = {
    db: database.db,
    distribution: seedDistribution({ upstreams: new Map([[upstream.name, upstream]]) }),
    solver: createSnapshotApt({ directory: join(directory, 'apt'), read: async (hash) => store.read(hash) }),
  };
  await record('trixie', '2026-09-01', ['1', '1']);
  await record('trixie', '2026-09-02', ['1', '2']);
  await record('sid', '2026-09-01', ['1', '3'], false);
  await record('stable', '2026-09-03', ['1', '4'], true, '');
  await record('native', '2026-09-04', ['1', '5'], true, 'debian', ['amd64']);
});
after(async () => {
  await store.close();
  await database.close();
  rmSync(directory, { recursive: true });
});

function stanza(name: string, version: string, architecture: string, more = ''): string {
  return `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: T <t@example.org>\n${more}Filename: pool/${name}_${version}_${architecture}.deb\nSize: 10\nSHA256: ${sha256(`${name} ${version} ${architecture}`)}\nDescription: toy\n\n`;
}

/** A suite with an essential package, and hello of a version, for two architectures. */
async function record(
  suite: string,
  day: string,
  [base, hello]: [string, string],
  signed = true,
  origin = 'debian',
  architectures = ['amd64', 'arm64'],
) {
  const history: HistoryDeps = { db: database.db, store, countChanges };
  const put = async (text: string, split: 'lines' | 'stanzas') => {
    await store.put(Buffer.from(text), { sha256: sha256(text), split });
    return { sha256: sha256(text), size: Buffer.byteLength(text) };
  };
  const indexes = await Promise.all(
    architectures.map(async (architecture) => {
      const text =
        stanza('base', base, architecture, 'Essential: yes\n') +
        stanza('hello', hello, architecture, 'Depends: base\n');
      return {
        ...{ path: `main/binary-${architecture}/Packages`, kind: 'packages' as const, component: 'main', architecture },
        ...(await put(text, 'stanzas')),
      };
    }),
  );
  const release = formatRelease({
    ...{ suite, date: new Date(day), architectures, components: ['main'], files: indexes },
  });
  await recordSnapshot(history, {
    ...{ origin, suite, snapshotId: toSnapshotId(new Date(day)), seenAt: new Date(day), indexes },
    ...(signed ? { release: (await put(release, 'lines')).sha256, signedBy: ['B', 'A'] } : { signedBy: [] }),
  });
}

function spec(words: Partial<Parameters<typeof checkLockSpec>[0]>) {
  const least = { packages: ['hello'], from: ['debian/trixie'], architectures: ['amd64'], variant: 'essential' };
  return checkLockSpec({ ...least, recommends: undefined, exclude: undefined, ...words });
}

async function textOf(words: Parameters<typeof spec>[0]): Promise<string> {
  const result = await createLock(deps, spec(words));
  assert.equal(result.kind, 'locked', result.kind === 'unsatisfiable' ? result.explanation : '');
  return result.kind === 'locked' ? formatLock(...result.locks) : '';
}

const versionIn = (text: string) => parseLocks(text)[0]!.packages.find(({ name }) => name === 'hello')!.version;

test('createLock locks the newest snapshot, or the one that is named, or that of a day', async () => {
  assert.equal(versionIn(await textOf({})), '2');
  assert.equal(versionIn(await textOf({ from: ['debian/trixie@20260901T000000Z'] })), '1');
  assert.equal(versionIn(await textOf({ from: ['debian/trixie@2026-09-01'] })), '1');
});

test('createLock says of each source which Release vouched, and who', async () => {
  const [lock] = parseLocks(await textOf({ from: ['debian/trixie', 'stable'] }));
  assert.deepEqual(
    lock!.sources.map((source) => ({ ...source, inRelease: '' })),
    [
      {
        ...{
          url: 'http://deb.example.org/debian',
          suite: 'trixie',
          components: ['main'],
          keys: ['A', 'B'],
          inRelease: '',
        },
        ...{ snapshot: 'debian/trixie@20260902T000000Z', date: 'Wed, 02 Sep 2026 00:00:00 UTC' },
      },
      {
        ...{
          url: 'http://packages.example.org/main',
          suite: 'stable',
          components: ['main'],
          keys: ['A', 'B'],
          inRelease: '',
        },
        ...{ snapshot: 'stable@20260903T000000Z', date: 'Thu, 03 Sep 2026 00:00:00 UTC' },
      },
    ],
  );
  const hello = lock!.packages.find(({ name }) => name === 'hello')!;
  assert.equal(hello.url, 'http://packages.example.org/main/pool/hello_4_amd64.deb');
  assert.deepEqual(lock!.request, { packages: ['hello'], variant: 'essential', recommends: false, exclude: [] });
});

test('createLock makes one lock for each architecture, and the same bytes again', async () => {
  const text = await textOf({ architectures: ['arm64', 'amd64'] });
  assert.deepEqual(
    parseLocks(text).map(({ architecture, packages }) => [architecture, packages.length]),
    [
      ['arm64', 2],
      ['amd64', 2],
    ],
  );
  assert.equal(await textOf({ architectures: ['arm64', 'amd64'] }), text);
});

test('createLock explains what apt cannot do, for which architecture', async () => {
  const wish = spec({ packages: ['hello=9'], architectures: ['arm64', 'amd64'] });
  const result = await createLock(deps, wish);
  assert.equal(result.kind, 'unsatisfiable');
  assert.match(result.kind === 'unsatisfiable' ? result.explanation : '', /^arm64:\nVersion '9' for 'hello' was not/);
});

test('createLock says which suites are kept without the other architecture', async () => {
  const from = ['debian/trixie', 'debian/native'];
  const result = await createLock(deps, spec({ packages: ['hello:arm64=9'], from }));
  assert.match(
    result.kind === 'unsatisfiable' ? result.explanation : '',
    /\ndebian\/native@20260904T000000Z is kept without arm64: see sheaf\.toml$/,
  );
});

test('createLock refuses what nobody vouched for, and what is not kept', async () => {
  const cases: readonly (readonly [Parameters<typeof spec>[0], string])[] = [
    [{ from: ['debian/sid'] }, 'unsigned-snapshot'],
    [{ from: ['debian/nowhere'] }, 'unknown-place'],
    [{ from: ['debian/trixie@2020-01-01'] }, 'unknown-place'],
    [{ architectures: ['riscv64'] }, 'no-packages-index'],
    [{ packages: ['hello:i386'] }, 'no-packages-index'],
  ];
  for (const [words, code] of cases) await assert.rejects(createLock(deps, spec(words)), { code }, code);
});

test('createLock names what is excluded and is no package', async () => {
  const result = await createLock(deps, spec({ exclude: ['base-extra', 'helo'], packages: ['hello'] }));
  assert.deepEqual(result.kind === 'locked' && result.unknown, ['base-extra', 'helo']);
  const other = await createLock(deps, spec({ exclude: ['hello'], packages: ['base'] }));
  assert.deepEqual(other.kind === 'locked' && other.unknown, []);
});

test('createLock stays at kept versions that a place has', async () => {
  const from = ['debian/trixie@2026-09-01', 'debian/trixie@2026-09-02'];
  assert.equal(versionIn(await textOf({ from })), '2');
  const [old] = parseLocks(await textOf({ from: [from[0]!] }));
  const result = await createLock(deps, { ...spec({ from }), keep: old!.packages });
  assert.equal(result.kind === 'locked' ? versionIn(formatLock(...result.locks)) : '', '1');
});

test('verifyLock finds nothing against a lock, and every line that was altered', async () => {
  const text = await textOf({ from: ['debian/trixie', 'stable'], architectures: ['amd64', 'arm64'] });
  const verify = async (altered: string) =>
    (await verifyLock({ ...deps, store }, { text: altered, locks: parseLocks(altered) })).problems.map(
      ({ line, message }) => ({ line, message }),
    );
  assert.deepEqual(await verify(text), []);
  const lines = text.split('\n');
  const alterations: readonly (readonly [RegExp, string, RegExp])[] = [
    [/^SHA256: .{8}/, 'SHA256: 00000000', /has SHA-256 00000000.*, the snapshots have /],
    [
      /^Version: 4/,
      'Version: 5',
      /is not there as 5 \(amd64\): the snapshots have 2 \(amd64\), 2 \(arm64\)|is not there as 5/,
    ],
    [/^Size: 10/, 'Size: 11', /has 11 bytes, the snapshots say 10/],
    [/^Depends: base/, 'Depends: base, evil', /Depends differs in the snapshots/],
    [/^Package: hello/, 'Package: jello', /is in none of the snapshots/],
    [/^URL: http:\/\/packages/, 'URL: http://packagez', /is at http:\/\/packagez/],
    [/^ [0-9a-f]{8}/, ' 00000000', /the InRelease of debian\/trixie@.* has SHA-256/],
    [/ A,B /, ' A,C ', /the key C did not vouch/],
    [/trixie@20260902/, 'trixie@20260905', /no such snapshot/],
  ];
  for (const [from, to, expected] of alterations) {
    const at = lines.findIndex((line) => from.test(line));
    assert.notEqual(at, -1, String(from));
    const problems = await verify(lines.with(at, lines[at]!.replace(from, to)).join('\n'));
    assert.ok(
      problems.some(({ line, message }) => line === at + 1 && expected.test(message)),
      `${from}: ${JSON.stringify(problems)}`,
    );
  }
});

test('verifyLock says of a lock without snapshots that there is nothing to compare it with', async () => {
  const [lock] = parseLocks(await textOf({}));
  const sources = lock!.sources.map(({ url, suite, inRelease, date }) => ({ url, suite, inRelease, date }));
  const bare = formatLock({ ...lock!, sources });
  const { problems } = await verifyLock({ ...deps, store }, { text: bare, locks: parseLocks(bare) });
  assert.match(problems[0]!.message, /does not say which snapshot/);
});
