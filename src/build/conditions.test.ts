import assert from 'node:assert/strict';
import { test } from 'node:test';

import { jobSpec } from '../../test/jobs.ts';
import { buildPlace, environmentOf, shownCommand } from './conditions.ts';

const spec = (conditions?: ReturnType<typeof jobSpec>['conditions']) => ({
  ...jobSpec(),
  ...(conditions === undefined ? {} : { conditions }),
});

test('environmentOf gives ordinary builds the same as ever', () => {
  assert.deepEqual(environmentOf(spec(), 3), {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    SOURCE_DATE_EPOCH: String(jobSpec().sourceDateEpoch),
    DEB_BUILD_OPTIONS: 'parallel=3',
  });
  assert.deepEqual(buildPlace(spec()), { directory: '/build', tree: 'hello-2.10' });
  assert.deepEqual(shownCommand(spec(), new Date()), []);
});

test('environmentOf restores what a record says, and lets single conditions win over it', () => {
  const environment = { DEB_BUILD_OPTIONS: 'nocheck parallel=4', LC_ALL: 'POSIX', PATH: '/evil' };
  const recorded = environmentOf(spec({ environment }), 3);
  assert.equal(recorded['DEB_BUILD_OPTIONS'], 'nocheck parallel=3');
  assert.equal(recorded['LC_ALL'], 'POSIX');
  assert.equal(recorded['PATH'], environmentOf(spec(), 3)['PATH']);
  const one = environmentOf(spec({ environment, parallel: 1, locale: 'C', timezone: 'Asia/Tokyo' }), 3);
  assert.deepEqual([one['DEB_BUILD_OPTIONS'], one['LC_ALL'], one['TZ']], ['nocheck parallel=1', 'C', 'Asia/Tokyo']);
});

test('buildPlace takes a path below a place that hides nothing, and no other', () => {
  assert.deepEqual(buildPlace(spec({ buildPath: '/build/hello-AbCd12/hello-2.10' })), {
    directory: '/build/hello-AbCd12',
    tree: 'hello-2.10',
  });
  for (const buildPath of ['/builds/team/hello', '/root/hello', '/usr/src/hello', '/usr/local/src/hello']) {
    assert.equal(buildPlace(spec({ buildPath })).tree, 'hello');
  }
  for (const buildPath of [
    '/usr/src',
    '/lib64/a/b',
    'hello',
    '/hello',
    '/usr/bin/hello',
    '/build/../etc/x',
    '/build//x',
    '/build/a b',
    '/build/',
  ]) {
    assert.throws(() => buildPlace(spec({ buildPath })), { code: 'bad-build-path' }, buildPath);
  }
});

test('shownCommand says how far away the shown time is, and the order of files', () => {
  const now = new Date(5_000_400);
  assert.deepEqual(shownCommand(spec({ clock: 1000 }), now).slice(2), ['SHEAF_CLOCK=-4000', 'SHEAF_STARTED=5000']);
  assert.deepEqual(shownCommand(spec({ fileOrder: 'sorted' }), now).slice(2), ['SHEAF_FILE_ORDER=sorted']);
  assert.deepEqual(shownCommand(spec({ elementIds: 'ordered' }), now).slice(2), ['SHEAF_ELEMENT_IDS=ordered']);
  const machine = shownCommand(spec({ processors: 3, kernel: '6.1.0-28-amd64' }), now).slice(2);
  assert.deepEqual(machine, ['SHEAF_PROCESSORS=3', 'SHEAF_KERNEL=6.1.0-28-amd64']);
});
