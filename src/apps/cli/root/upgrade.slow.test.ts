/** Upgrades of a small Debian with toy packages, by its own apt. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { bisectWorld, type BisectWorld } from '../../../../test/bisect-world.ts';
import { hostArchitecture } from '../../../../test/small-root.ts';
import { createLock } from '../../../flows/create-lock.ts';
import { formatLock } from '../../../lock/mod.ts';
import { checkLockSpec } from '../../../lock/spec.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { assertDocumented } from '../testing/documented.ts';
import { formatUpgrade, upgrade, type UpgradeFlags } from './upgrade.ts';

let world: BisectWorld;
const days = { before: '2026-09-01', after: '2026-09-02', failing: '2026-09-03' };

before(async () => {
  world = await bisectWorld(['apt']);
  const settings = (version: string) => ({
    files: { 'etc/toy.conf': `${version}\n` },
    scripts: { conffiles: '/etc/toy.conf\n', postinst: `#!/bin/sh\necho "$1 $2" >>/var/log/toy\n` },
  });
  await world.record(days.before, [
    { name: 'toy', version: '1:1', fields: { Depends: 'libtoy1, older' }, ...settings('1') },
    { name: 'libtoy1', version: '1' },
    { name: 'older', version: '2' },
  ]);
  await world.record(days.after, [
    { name: 'toy', version: '1:2~x', fields: { Depends: 'libtoy2, older' }, ...settings('2') },
    { name: 'libtoy2', version: '2' },
    { name: 'older', version: '1' },
  ]);
  const postinst = '#!/bin/sh\n[ "$1" != configure ] || [ -z "$2" ] || { echo cannot migrate; exit 7; }\n';
  await world.record(days.failing, [
    { name: 'toy', version: '1:3', fields: { Depends: 'older' }, scripts: { postinst } },
    { name: 'older', version: '2' },
  ]);
  for (const [name, day] of Object.entries(days)) {
    const words = {
      packages: ['toy'],
      from: [`debian/small@${day}`],
      architectures: [hostArchitecture],
      variant: 'apt',
    };
    const answer = await createLock(world.lock, checkLockSpec({ ...words, recommends: undefined, exclude: undefined }));
    assert.equal(answer.kind, 'locked');
    await writeFile(fileOf(name), formatLock(...(answer.kind === 'locked' ? answer.locks : [])));
  }
});
after(async () => {
  await createUnshareSandbox().remove(join(world.directory, 'kept'));
  await world.close();
});

const fileOf = (name: string) => join(world.directory, `${name}.lock`);

async function run(to: string, argv: readonly string[], flags: Partial<UpgradeFlags> = {}) {
  return upgrade(fileOf('before'), fileOf(to), argv, { json: true, from: [world.debs], ...flags });
}

test('upgrade has apt move one lock to the other, and runs the test in what comes out', async () => {
  const kept = join(world.directory, 'kept');
  const report = await run('after', ['cat', '/etc/toy.conf', '/var/log/toy'], { keep: kept });
  assert.deepEqual(
    { ...report.plan, leftOver: report.leftOver, differences: report.differences, outcome: report.outcome },
    {
      installed: [{ name: 'libtoy2', to: '2' }],
      upgraded: [{ name: 'toy', from: '1:1', to: '1:2~x' }],
      downgraded: [{ name: 'older', from: '2', to: '1' }],
      removed: [],
      leftOver: ['libtoy1'],
      differences: [],
      outcome: 'passed',
    },
    JSON.stringify(report.failure),
  );
  assert.deepEqual(
    report.steps.map(({ name }) => name),
    ['prepare', 'plan', 'upgrade', 'check', 'remove', 'check'],
  );
  assertDocumented(['root', 'upgrade'], report);
  assert.equal(report.test!.output, '2\nconfigure 1:1\n');
  assert.equal(await readFile(join(kept, 'upper/etc/toy.conf'), 'utf8'), '2\n');
  await assert.rejects(run('after', [], { keep: kept }), { code: 'output-exists' });
});

test('upgrade tells when the test fails, and when the upgrade does: which package and script, and its last words', async () => {
  const failed = await run('after', ['sh', '-c', 'echo no; exit 3']);
  assert.deepEqual([failed.outcome, failed.test!.code, failed.test!.output], ['test-failed', 3, 'no\n']);

  const report = await run('failing', ['true']);
  assert.equal(report.outcome, 'upgrade-failed');
  const { step, package: name, script, code, lastOutput } = report.failure!;
  assert.deepEqual([step, name, script, code], ['upgrade', 'toy', 'postinst', 7]);
  assert.ok(lastOutput.includes('cannot migrate'), lastOutput.join('\n'));
  assertDocumented(['root', 'upgrade'], report);
  assert.equal(report.test, undefined);
  assert.match(
    formatUpgrade(report).join('\n'),
    /"upgrade" failed: the postinst script of the package toy ended with exit code 7/,
  );
});
