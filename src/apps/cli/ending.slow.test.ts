/** However a command ends, the database that it started for itself ends with it. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-ending-'));
const grove = join(directory, 'grove');
const settings = join(grove, 'sheaf.toml');
const running = join(grove, 'state/postgres/data/postmaster.pid');
const main = join(import.meta.dirname, 'main.ts');
const { SHEAF_DATABASE_URL: _, ...environment } = process.env;

before(() => {
  execFileSync(process.execPath, [main, 'init', grove], { stdio: 'ignore' });
});
afterEach(() => {
  if (existsSync(running)) process.kill(Number.parseInt(readFileSync(running, 'utf8'), 10), 'SIGQUIT');
});
after(() => rmSync(directory, { recursive: true }));

function sheaf(words: readonly string[], stdout: 'pipe' | number = 'pipe'): ChildProcess {
  return spawn(process.execPath, [main, '-C', grove, ...words], {
    env: environment,
    stdio: ['ignore', stdout, 'pipe'],
  });
}

async function end(child: ChildProcess): Promise<{ readonly code: number | null; readonly said: string }> {
  let said = '';
  child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

test('a command whose reader has gone ends quietly, and so does its database', async () => {
  const child = sheaf(['suite', 'list']);
  child.stdout!.destroy();
  assert.deepEqual(await end(child), { code: 0, said: '' });
  assert.equal(existsSync(running), false);
});

test('a command that cannot write its output says so, and its database ends', async () => {
  const { code, said } = await end(sheaf(['suite', 'list', '--json'], openSync('/dev/full', 'w')));
  assert.deepEqual([code, JSON.parse(said).error.code], [3, 'ENOSPC']);
  assert.equal(existsSync(running), false);
});

test('Ctrl-C ends a command while its database starts, and the database with it', async () => {
  const child = sheaf(['suite', 'list']);
  while (!existsSync(running) && child.exitCode === null) await sleep(5);
  child.kill('SIGINT');
  assert.deepEqual(await end(child), { code: 130, said: '' });
  assert.equal(existsSync(running), false);
});

test('a command that does not get further than its database ends it', async () => {
  const text = readFileSync(settings, 'utf8');
  writeFileSync(settings, `${text}\n[storage]\ns3 = "http://127.0.0.1:1/bucket"\naccess-key = "GROVE"\n`);
  const { code, said } = await end(sheaf(['suite', 'list']));
  assert.equal(code, 3);
  assert.match(said, /^sheaf: .*storage: Cannot read a secret/);
  assert.equal(existsSync(running), false);
});
