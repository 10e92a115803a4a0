import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { testDatabase } from '../../../../test/database.ts';
import { makeDistribution } from '../init/make.ts';

test('serve ends when its port is taken, and nothing of it runs on', async (t) => {
  const database = await testDatabase();
  t.after(() => database.close());
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-port-'));
  t.after(() => rm(directory, { recursive: true }));
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const listen = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  await makeDistribution(directory, { listen, url: `http://${listen}` }, new Date());

  const main = join(import.meta.dirname, '../main.ts');
  const server = spawn(process.execPath, [main, '-C', directory, 'serve'], {
    env: { ...process.env, SHEAF_DATABASE_URL: database.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => server.kill('SIGKILL'));
  const [said, refused] = await Promise.all([text(server.stdout), text(server.stderr), once(server, 'close')]);
  assert.equal(server.exitCode, 3);
  assert.match(refused, /^sheaf: Cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\nhint: Another program uses/);
  assert.equal(said, '');
});
