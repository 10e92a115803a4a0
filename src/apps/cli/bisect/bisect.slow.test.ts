/** A scripted regression between snapshots of a small Debian, found by name and version. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { bisectWorld, type BisectWorld, type SmallPackage } from '../../../../test/bisect-world.ts';
import { hostArchitecture } from '../../../../test/small-root.ts';
import { assertDocumented } from '../testing/documented.ts';
import { bisect, formatBisected, type BisectFlags } from './bisect.ts';

let world: BisectWorld;
let spec: string;

const fine = { 'usr/share/toy/libtoy': 'fine\n' };
const broken = { 'usr/share/toy/libtoy': 'broken\n' };
const noise = (version: string): SmallPackage => ({ name: 'noise', version });
const toys = (version: string, files: SmallPackage['files'], change?: string): SmallPackage[] => [
  { name: 'libtoy', version, ...(files && { files }), ...(change && { change }) },
  { name: 'toy-tool', version, fields: { Depends: `libtoy (>= ${version}), noise` } },
];

before(async () => {
  world = await bisectWorld([]);
  spec = join(world.directory, 'image.toml');
  await writeFile(
    spec,
    `packages = ["toy-tool"]\nvariant = "essential"\nfrom = ["debian/small"]\narchitectures = ["${hostArchitecture}"]\n`,
  );
  await world.record('2026-09-01', [...toys('1', fine), noise('1')]);
  await world.record('2026-09-02', [...toys('1', fine), noise('2')]);
  await world.record('2026-09-03', [...toys('2', fine), noise('3')]);
  await world.record('2026-09-04', [...toys('2', fine), noise('3')]);
  await world.record('2026-09-05', [
    ...toys('3', broken, 'Replace what was fine. CVE-2026-1234.'),
    ...[noise('4'), { name: 'unrelated', version: '1' }],
  ]);
  await world.record('2026-09-06', [...toys('4', broken), noise('5')]);
});
after(async () => world.close());

async function run(argv: readonly [string, ...string[]], flags: Partial<BisectFlags> = {}) {
  const house = { lock: world.lock, paths: { blobs: world.directory }, publications: {} };
  return bisect(house as unknown as Parameters<typeof bisect>[0], spec, argv, {
    ...{ good: '2026-09-01', bad: '2026-09-06', json: true, debs: [world.debs], state: join(world.directory, 'state') },
    ...flags,
  });
}

test('bisect names the first package version with which the test fails', async () => {
  const found = await run(['grep', 'fine', '/usr/share/toy/libtoy']);
  assert.deepEqual(
    found.culprits.map(({ source, oldVersion, newVersion }) => [source, oldVersion, newVersion]),
    [['libtoy', '2', '3']],
  );
  assert.deepEqual([found.alone, found.changed, found.snapshots, found.skipped], [true, 3, 6, []]);
  assert.deepEqual(
    [found.good.snapshot, found.bad.snapshot],
    ['debian/small@20260904T000000Z', 'debian/small@20260905T000000Z'],
  );
  assert.match(found.culprits[0]!.changelog!.entries![0]!.text, /Replace what was fine/);
  assertDocumented(['bisect'], found);
  const text = formatBisected(found).join('\n');
  assert.match(text, /The test fails since libtoy 3 \(was 2\)/);
  // grep wrote nothing.
  assert.deepEqual([found.lastOutput, text.includes('The end of what the test wrote')], [[], false]);
  assert.match(
    await readFile(join(found.state, 'runs', `${found.bad.lock}.lock`), 'utf8'),
    /^Package: libtoy\nVersion: 3$/m,
  );

  // Once more: nothing is tried again.
  const again = await run(['grep', 'fine', '/usr/share/toy/libtoy']);
  assert.deepEqual(again.culprits, found.culprits);
  assert.ok(again.tries.every(({ known, verdict }) => known || verdict === 'skip'));
  await assert.rejects(run(['true']), { code: 'other-request' });

  const wrong = run(['sh', '-c', 'echo no such tool >&2; exit 127'], { state: join(world.directory, 'wrong') });
  const message = /in the good snapshot already, .* \(exit code 127\)\. Its last output:\n {2}no such tool$/;
  await assert.rejects(wrong, { code: 'bisect-ends', message });
});

test('bisect passes over snapshots whose root cannot be made, and says which script failed', async () => {
  const script = '#!/bin/sh\necho no way\nexit 3\n';
  await world.record('2026-11-01', [...toys('11', fine), noise('11')]);
  await world.record('2026-11-02', [
    ...toys('12', fine),
    { name: 'noise', version: '12', scripts: { postinst: script } },
  ]);
  await world.record('2026-11-03', [...toys('13', broken), noise('13')]);
  const found = await run(['grep', 'fine', '/usr/share/toy/libtoy'], {
    ...{ good: '2026-11-01', bad: '2026-11-03', state: join(world.directory, 'unmade') },
  });
  const text = formatBisected(found).join('\n');
  assert.match(
    text,
    /20261102T000000Z: Cannot make the root: the postinst script of .*noise.* exit code 3 \(\S+\.log\)$/m,
  );
});

test('bisect passes over snapshots of which a file is gone, and says which', async () => {
  await world.record('2026-10-01', [...toys('5', fine), noise('5')]);
  await world.record('2026-10-02', [...toys('6', fine), noise('5')]);
  await world.record('2026-10-03', [...toys('7', fine), noise('5')]);
  await world.record('2026-10-04', [...toys('8', broken), noise('5')]);
  for (const version of ['6', '8']) await rm(join(world.debs, `libtoy_${version}_all.deb`));
  await world.record('2026-10-05', [...toys('9', broken), noise('5')]);
  const state = join(world.directory, 'gone');
  const argv = ['grep', 'fine', '/usr/share/toy/libtoy'] as const;
  const found = await run(argv, { good: '2026-10-01', bad: '2026-10-05', state });
  assert.deepEqual(
    [found.good.snapshot, found.bad.snapshot, found.skipped],
    ['debian/small@20261003T000000Z', 'debian/small@20261005T000000Z', ['debian/small@20261004T000000Z']],
  );
  assert.deepEqual(
    found.culprits.map(({ oldVersion, newVersion }) => [oldVersion, newVersion]),
    [['7', '9']],
  );
  const text = formatBisected(found).join('\n');
  assert.match(text, /In between 1 snapshot could not be tried/);
  assert.match(text, /20261004T000000Z: Cannot fetch libtoy 8 .*answered 404/);
  const end = run(argv, { good: '2026-10-01', bad: '2026-10-04', state: join(world.directory, 'end') });
  await assert.rejects(end, { code: 'bisect-ends', kind: 'environment', message: /nothing can be said .*libtoy 8/ });
});
