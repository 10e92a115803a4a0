/** Two mirrors of one distribution, and a client that knows both: either may be lost, and so may the archive itself. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { aptClient } from '../../../test/apt-client.ts';
import { mirrorWorld, someMirror } from '../../../test/mirror-world.ts';
import { startNginx, type Nginx } from '../../../test/nginx.ts';
import { aptSources } from '../../archive/mod.ts';
import { pushMirror } from '../../flows/push-mirror.ts';
import { parseSuiteName } from '../../model/names.ts';
import { folderTarget } from '../../plumbing/mirror-target/folder.ts';
import { findProgram } from '../../plumbing/process.ts';

test('apt with a list of two mirrors goes on when one is lost, and when one is behind', async (t) => {
  if ((await findProgram('nginx')) === undefined) return t.skip('no nginx here');
  const world = await mirrorWorld();
  const apt = await aptClient();
  const scratch = await mkdtemp(join(tmpdir(), 'sheaf-two-'));
  const servers = new Map<string, Nginx>();
  t.after(async () => {
    for (const server of servers.values()) await server.close();
    await apt.close();
    await world.close();
    await rm(scratch, { recursive: true });
  });
  const folder = (name: string) => join(scratch, name);
  const push = async (...names: readonly string[]) => {
    for (const name of names) {
      const deps = world.deps(folderTarget(folder(name)), join(scratch, `memory-${name}`));
      await pushMirror(deps, someMirror, { verify: false, delete: false });
    }
  };
  const list = join(scratch, 'mirrors.list');
  // apt remembers addresses that did not answer, whatever the port.
  const addresses = { one: '127.0.0.2', two: '127.0.0.3' } as const;
  const start = async (name: keyof typeof addresses) => {
    servers.set(name, await startNginx(folder(name), addresses[name]));
    await writeFile(list, [...servers.values()].map(({ url }) => `${url}/\n`).join(''));
  };
  const lose = (name: string) => servers.get(name)!.close();
  const { distribution, signer } = world.toy.deps;
  const suite = distribution.suites.get(parseSuiteName('stable'))!;
  const sources = aptSources(distribution, suite, (await signer(suite.repository)).publicKeyArmored);
  await apt.use(sources.replace(/^URIs: .*$/m, `URIs: mirror+file:${list}`));
  // The world's clock stands at one day.
  const settings = ['-o', 'Acquire::Check-Date=false'];
  /** The version that apt sees, and fetches from whoever has it. */
  const seen = async (): Promise<string> => {
    const update = await apt.run('apt-get', ...settings, 'update');
    assert.equal(update.code, 0, update.output);
    assert.doesNotMatch(update.output, /^[WE]: /m);
    const policy = await apt.run('apt-cache', 'policy', 'alpha');
    const version = /Candidate: (\S+)/.exec(policy.output)![1]!;
    const download = await apt.run('apt-get', 'download', 'alpha');
    assert.equal(download.code, 0, download.output);
    const [file, ...more] = await readdir(apt.directory);
    assert.deepEqual(more, []);
    await rm(join(apt.directory, file!));
    assert.equal(file, `alpha_${version.replace(':', '%3a')}_amd64.deb`);
    return version;
  };

  await world.publish();
  await push('one', 'two');
  await start('one');
  await start('two');
  assert.equal(await seen(), '1:1+x~1');

  await lose('one');
  assert.equal(await seen(), '1:1+x~1');
  await world.publish();
  await push('two');
  assert.equal(await seen(), '1:2+x~1');

  // It comes back as it was: nobody is led back to the older suite, whichever is asked first.
  await start('one');
  assert.equal(await seen(), '1:2+x~1');
  await lose('two');
  const stale = await apt.run('apt-get', ...settings, 'update');
  assert.match((await apt.run('apt-cache', 'policy', 'alpha')).output, /Candidate: 1:2\+x~1/, stale.output);

  await push('one');
  assert.equal(await seen(), '1:2+x~1');
});
