import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { compareLocks, isSameContent } from './compare-locks.ts';

/** `name version architecture size installed-KiB`; more fields by `fields`. */
const locked = (text: string, fields: Readonly<Record<string, string>> = {}, bytes = text): LockedPackage => {
  const [name = '', version = '', architecture = 'amd64', size = '10', installed] = text.split(' ');
  return {
    ...{ name: parsePackageName(name), version: parseVersion(version), architecture: parseArchitecture(architecture) },
    ...{ sha256: sha256(bytes), size: Number(size), url: `http://h/${name}.deb` },
    fields: Object.entries({ ...(installed === undefined ? {} : { 'Installed-Size': installed }), ...fields }),
  };
};

const lock = (packages: readonly LockedPackage[], more: Partial<Lock> = {}): Lock => ({
  ...{ architecture: parseArchitecture('amd64'), sources: [], packages },
  ...more,
});

test('compareLocks groups changes by source package, with sizes', async () => {
  const found = await compareLocks(
    [lock([locked('libssl 3 amd64 100 4', { Source: 'openssl' }), locked('old 1 all 7 1'), locked('same 1')])],
    [
      lock([
        locked('libssl 3+b1 amd64 130 2', { Source: 'openssl (3)' }),
        locked('openssl 4 amd64 50 1'),
        locked('same 1'),
      ]),
    ],
  );
  const [amd64] = found.architectures;
  assert.deepEqual(amd64!.counts, { added: 1, removed: 1, upgraded: 1, downgraded: 0, altered: 0, moved: 0 });
  assert.equal(amd64!.same, 1);
  assert.deepEqual(amd64!.sizes, {
    left: { download: 117, installed: 5 * 1024 },
    right: { download: 190, installed: 3 * 1024 },
  });
  assert.deepEqual(
    amd64!.sources.map(({ source, changes }) => [source, changes.map(({ name, sizes }) => [name, sizes])]),
    [
      ['old', [['old', { download: -7, installed: -1024 }]]],
      [
        'openssl',
        [
          ['libssl', { download: 30, installed: -2048 }],
          ['openssl', { download: 50, installed: 1024 }],
        ],
      ],
    ],
  );
  assert.equal(isSameContent(found), false);
});

test('compareLocks raises an alarm for the same version with other bytes', async () => {
  const found = await compareLocks([lock([locked('jq 1')])], [lock([locked('jq 1', {}, 'other')])]);
  assert.deepEqual(
    found.alarms.map(({ name, change }) => [name, change]),
    [['jq', 'altered']],
  );
});

test('compareLocks takes other snapshots and requests for no other content, but tells them', async () => {
  const source = (snapshot: string) => [
    { url: 'http://h', suite: 'trixie', inRelease: sha256('a'), date: '', snapshot: `debian/trixie@${snapshot}` },
  ];
  const request = { packages: ['jq'], recommends: false, exclude: [] };
  const left = [lock([locked('jq 1')], { sources: source('20260101T000000Z'), request })];
  const right = [lock([locked('jq 1')], { sources: source('20260201T000000Z'), request })];
  const found = await compareLocks(left, right);
  assert.ok(isSameContent(found));
  assert.deepEqual(found.places, {
    left: ['debian/trixie@20260101T000000Z'],
    right: ['debian/trixie@20260201T000000Z'],
  });
  assert.equal(found.requests, undefined);
  assert.deepEqual(await compareLocks(left, left), { architectures: found.architectures, alarms: [] });
});

test('compareLocks compares each architecture with itself', async () => {
  const arm64 = { architecture: parseArchitecture('arm64') };
  const found = await compareLocks(
    [lock([locked('doc 1 all')]), lock([locked('doc 1 all')], arm64)],
    [lock([locked('doc 2 all')])],
  );
  assert.deepEqual(
    found.architectures.map(({ architecture, only, counts }) => [architecture, only, counts.upgraded, counts.removed]),
    [
      ['amd64', undefined, 1, 0],
      ['arm64', 'left', 0, 1],
    ],
  );
  assert.equal(isSameContent(found), false);
});

test('compareLocks reads the changelogs of upgrades, and the CVEs that they name', async () => {
  const entry = (version: string, text: string) =>
    `jq (${version}) stable; urgency=high\n\n  * ${text}\n\n -- A <a@h>  x\n\n`;
  const text =
    entry('3', 'Fix CVE-2026-20000, cve-2026-3000 and CVE-2026-3000.') +
    entry('2', 'No CVE-26-1.') +
    entry('1', 'CVE-2020-1111');
  const asked: string[] = [];
  const found = await compareLocks(
    [lock([locked('jq 1'), locked('gone 1')])],
    [lock([locked('jq 3'), locked('new 1')])],
    ({ name }) => {
      asked.push(name);
      return Promise.resolve({ state: 'found', text });
    },
  );
  const jq = found.architectures[0]!.sources.find(({ source }) => source === 'jq');
  assert.deepEqual(asked, ['jq']);
  assert.deepEqual(
    jq?.changelog?.entries?.map(({ version }) => version),
    ['3', '2'],
  );
  assert.deepEqual(jq?.fixed, ['CVE-2026-3000', 'CVE-2026-20000']);
});
