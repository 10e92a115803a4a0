/** When root runs the tests: the sandbox once more as an ordinary user who has subordinate ids, if there is one. */
import assert from 'node:assert/strict';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { asOrdinaryUser, noOrdinaryUser, ordinaryUser } from '../../../test/ordinary-user.ts';
import { run } from '../process.ts';

test('createUnshareSandbox works for an ordinary user in a private directory', { skip: noOrdinaryUser }, async () => {
  const { uid, gid } = ordinaryUser!;
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-ordinary-'));
  await chown(directory, uid, gid);
  const script = `
    import { mkdir, lstat } from 'node:fs/promises';
    import { createUnshareSandbox } from ${JSON.stringify(join(import.meta.dirname, 'unshare.ts'))};
    const [directory] = process.argv.slice(1);
    const sandbox = createUnshareSandbox();
    await mkdir(directory + '/empty', { mode: 0o755 });
    const binds = ['/usr', '/bin', '/lib', '/lib64'].map((path) => ({ source: path, target: path, readOnly: true }));
    const outcome = await sandbox.run({ layers: [directory + '/empty'], scratch: directory + '/scratch', binds,
      argv: ['sh', '-c', 'id -u; cat /proc/self/uid_map; mkdir /made; touch /made/file; chown -R 33:33 /made; chmod 000 /made'],
      env: { PATH: '/usr/bin:/bin' }, cwd: '/', user: { uid: 0, gid: 0 }, network: 'none', hostname: 'h',
      limits: { wall: 30000, silence: 30000, memory: 2 ** 30, disk: 2 ** 30, log: 2 ** 20, processes: 50 },
      onOutput: (chunk) => process.stdout.write(chunk) });
    console.log(outcome.kind, outcome.code, (await lstat(directory + '/scratch/upper/made')).uid);
    await sandbox.remove(directory + '/scratch');
    await lstat(directory + '/scratch').then(() => console.log('left'), () => console.log('removed'));`;
  try {
    const argv = asOrdinaryUser([process.execPath, '--input-type=module', '--eval', script, '--', directory]);
    const result = await run(argv, { cwd: '/' });
    const output = result.stdout.toString();
    assert.match(output, /^0\n\s+0\s+(?<start>\d+)\s+65536\nexited 0 \d+\nremoved\n$/, result.stderr);
    const [, start, owner] = /^0\n\s+0\s+(\d+)\s+65536\nexited 0 (\d+)/.exec(output)!.map(Number);
    assert.equal(owner, start! + 33);
    assert.ok(start! !== uid && start! > 0);
  } finally {
    await rm(directory, { recursive: true });
  }
});
