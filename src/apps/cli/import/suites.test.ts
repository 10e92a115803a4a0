import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toyDistribution } from '../../../../test/toy-archive.ts';
import type { ForeignSuite } from '../../../flows/import-archive-suite.ts';
import type { Suite } from '../../../model/distribution.ts';
import { planSuites } from './suites.ts';

function foreign(name: string, changed: Partial<ForeignSuite> = {}): ForeignSuite {
  return {
    ...{ name, aliases: [], fields: { origin: 'Toy', label: 'Toy distribution: old', suite: name, codename: name } },
    ...{ description: 'Old', date: new Date(0), architectures: ['amd64'], components: ['main'], files: undefined },
    ...{ signedBy: undefined, binaries: [], sources: [], several: false, translated: false, notes: [] },
    ...changed,
  };
}

/** The name, what is written of it, and the notes. */
function plan(suites: readonly ForeignSuite[], settings: Partial<Suite> = {}, as?: string) {
  const distribution = toyDistribution('/srv/toy', settings);
  return planSuites(distribution, suites, { repository: 'old', as, upstream: undefined }).map((each) => ({
    name: each.name,
    codename: each.settings?.codename,
    releaseFields: JSON.parse(JSON.stringify(each.settings?.releaseFields ?? {})) as object,
    notes: each.notes,
  }));
}

test('planSuites calls a suite as Release does, and finds it under its folder', () => {
  const fields = { origin: 'Toy', label: 'Toy distribution: old', suite: 'oldstable', codename: 'bookworm' };
  const expected = { name: 'oldstable', codename: 'bookworm', releaseFields: {}, notes: [] };
  assert.deepEqual(plan([foreign('bookworm', { aliases: ['oldstable'], fields })]), [expected]);
});

test('planSuites takes the folder where another repository has the name, and keeps the name as a second one', () => {
  const fields = { origin: 'Other', label: '', suite: 'stable', codename: 'bookworm', notAutomatic: true };
  assert.deepEqual(plan([foreign('bookworm', { aliases: ['stable'], fields })]), [
    {
      name: 'bookworm',
      codename: 'stable',
      releaseFields: { origin: 'Other', label: '', suite: 'stable', codename: 'bookworm', notAutomatic: true },
      notes: [],
    },
  ]);
});

test('planSuites gives no second name that is the folder of another suite', () => {
  const fields = { origin: 'Toy', label: 'Toy distribution: old', codename: 'bookworm' };
  const suites = [
    foreign('bookworm-updates', { fields: { ...fields, suite: 'bookworm-updates' } }),
    foreign('bookworm', { fields: { ...fields, suite: 'bookworm' } }),
  ];
  assert.deepEqual(
    plan(suites).map(({ name, codename, releaseFields }) => [name, codename, releaseFields]),
    [
      ['bookworm-updates', undefined, { codename: 'bookworm' }],
      ['bookworm', undefined, {}],
    ],
  );
});

test('planSuites leaves fields away that the old Release does not have', () => {
  const [planned] = plan([foreign('sid', { fields: {} })]);
  assert.deepEqual(planned?.releaseFields, { origin: '', label: '', suite: '', codename: '' });
});

test('planSuites says when a name cannot be had, and takes another', () => {
  const fields = { origin: 'Toy', label: 'Toy distribution: old', suite: 'stable', codename: 'stable' };
  assert.throws(() => plan([foreign('stable', { fields })]), { code: 'suite-taken' });
  assert.deepEqual(plan([foreign('stable', { fields })], {}, 'older'), [
    { name: 'older', codename: 'stable', releaseFields: { suite: 'stable' }, notes: [] },
  ]);
  assert.throws(() => plan([foreign('stable/updates')]), { code: 'suite-taken' });
});

test('planSuites refuses a suite that says something else of itself than the old one', () => {
  const distribution = toyDistribution('/srv/toy');
  const wish = { repository: 'main', as: undefined, upstream: undefined };
  const fields = { origin: 'Other', label: 'Toy packages', suite: 'stable', codename: 'stable' };
  const other = foreign('stable', { fields, components: ['main', 'contrib'] });
  assert.throws(() => planSuites(distribution, [other], wish), {
    code: 'suite-differs',
    message: /components lack contrib.*origin "Toy", the old one "Other"/,
  });
  const same = foreign('stable', {
    fields: { ...fields, origin: 'Toy', notAutomatic: false, butAutomaticUpgrades: false },
  });
  assert.equal(planSuites(distribution, [same], wish)[0]?.settings, undefined);
});
