/** What a person gets wrong on the command line of the demonstration is answered before anything begins. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const run = join(import.meta.dirname, '../../../run');

const wrong: readonly [args: readonly string[], message: RegExp][] = [
  [['--bogus'], /^sheaf: Unknown option '--bogus'$/m],
  [['more'], /^sheaf: Unexpected argument 'more'/m],
  [['--dir='], /^sheaf: --dir needs the name of a folder$/m],
  [['--port', '0'], /^sheaf: --port takes a number from 1 to 65535, not "0"$/m],
  [['--port', '80x'], /^sheaf: --port takes a number from 1 to 65535, not "80x"$/m],
];

for (const [args, message] of wrong) {
  test(`./run demo ${args.join(' ')} is wrong usage`, () => {
    const { status, stderr } = spawnSync(run, ['demo', ...args], { encoding: 'utf8' });
    assert.match(stderr, message);
    assert.match(stderr, /^hint: See: \.\/run demo --help$/m);
    assert.equal(status, 2, stderr);
  });
}

test('./run demo --dir begins where it was called', () => {
  const { status, stderr } = spawnSync(run, ['demo', '--dir', 'null/demo'], { encoding: 'utf8', cwd: '/dev' });
  assert.match(stderr, /^sheaf: Cannot make the folder \/dev\/null\/demo: /m);
  assert.equal(status, 2, stderr);
});
