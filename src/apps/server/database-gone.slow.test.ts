/** The server's own PostgreSQL ends under it, as by the kernel that wants its memory back. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../../../test/free-port.ts';
import { until } from '../../../test/until.ts';

const sheaf = join(import.meta.dirname, '../../../sheaf');

test(
  'sheaf serve starts its own database again when it has ended, and stops it at the end',
  { timeout: 120_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sheaf-gone-'));
    const { SHEAF_DATABASE_URL: _, ...env } = process.env;
    const grove = join(directory, 'grove');
    assert.equal(spawnSync(sheaf, ['init', grove], { env }).status, 0);
    const address = `127.0.0.1:${await freePort()}`;
    const settings = await readFile(join(grove, 'sheaf.toml'), 'utf8');
    await writeFile(
      join(grove, 'sheaf.toml'),
      settings.replaceAll(/^# ((?:url|listen) = .*)127\.0\.0\.1:8080/gm, `$1${address}`),
    );
    const server = spawn(sheaf, ['-C', grove, 'serve'], { env, stdio: 'ignore' });
    const ended = once(server, 'exit');
    try {
      await untilAnswered(address);
      const before = await postmaster(grove);
      process.kill(before, 'SIGKILL');
      await until(async () => (await postmaster(grove).catch(() => before)) !== before);
      await untilAnswered(address);
    } finally {
      server.kill('SIGTERM');
      await ended;
    }
    await assert.rejects(postmaster(grove), { code: 'ENOENT' });
    await rm(directory, { recursive: true });
  },
);

test('commands that begin and end at any time start and stop the database for each other', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-turns-'));
  const { SHEAF_DATABASE_URL: _, ...env } = process.env;
  const grove = join(directory, 'grove');
  assert.equal(spawnSync(sheaf, ['init', grove], { env }).status, 0);
  const commands: Promise<unknown>[] = [];
  for (let turn = 0; turn < 12; turn++) {
    const command = spawn(sheaf, ['-C', grove, 'upstream', 'list'], { env, stdio: 'ignore' });
    commands.push(once(command, 'exit'));
    await sleep(turn * 50);
  }
  assert.deepEqual(await Promise.all(commands), Array(12).fill([0, null]));
  await rm(directory, { recursive: true });
});

async function untilAnswered(address: string): Promise<void> {
  const ask = () =>
    fetch(`http://${address}/suites`).then(
      ({ status }) => status,
      () => 0,
    );
  await until(async () => (await ask()) === 200);
}

async function postmaster(grove: string): Promise<number> {
  return Number((await readFile(join(grove, 'state/postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
}
