/**
 * Runs the documents. A fence tagged `console` is a transcript (src/apps/cli/testing/transcript.ts); one tagged
 * `console background` starts a program that goes on until the end; `file=NAME` and `append=NAME` are files that the
 * reader writes. All others are only read.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fits, openSession, parseTranscript } from '../src/apps/cli/testing/transcript.ts';
import { cacheDirectory } from '../src/apps/roots.ts';
import { testDatabase } from './database.ts';
import { freePort } from './free-port.ts';

const checkout = join(import.meta.dirname, '..');

type Fence = { readonly info: string; readonly text: string };

function readFences(name: string): Fence[] {
  const text = readFileSync(join(checkout, 'docs', name), 'utf8');
  return [...text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({ info: match[1]!, text: match[2]! }));
}

/** Documents in one list go on from each other. */
const sequences = [
  ['write-a-policy.md'],
  ['git-hosting.md'],
  ['move-from-reprepro-or-aptly.md'],
  ['rotate-a-key.md'],
  ['compare-two-distributions.md'],
  ['know-your-devices.md'],
  ['follow-an-upstream.md'],
  ['build-a-working-tree.md', 'make-a-package-reproducible.md', 'read-a-verdict.md'],
  ['pin-a-system.md'],
  ['keep-a-lock-fresh.md'],
  ['first-distribution.md', 'add-a-worker.md'],
];

for (const names of sequences) {
  test(`what ${names.join(' and then ')} shows is what happens`, { timeout: 900_000 }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sheaf-docs-'));
    const database = await testDatabase();
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const here = (text: string) =>
      text.replaceAll('127.0.0.1:8080', address).replaceAll('127.0.0.1 8080', `127.0.0.1 ${port}`);
    const env = {
      SHEAF_DATABASE_URL: database.url,
      SHEAF_CACHE: cacheDirectory(),
      SHEAF_DIR: '',
      HOME: directory,
      GNUPGHOME: join(directory, 'gnupg'),
      LC_ALL: 'C.UTF-8',
    };
    mkdirSync(env.GNUPGHOME, { mode: 0o700 });
    const session = openSession(directory, env);
    const programs: ChildProcess[] = [];
    try {
      for (const { info, text } of names.flatMap(readFences)) {
        const file = / (file|append)=(\S+)/.exec(info);
        if (file !== null) {
          const path = join(directory, file[2]!);
          mkdirSync(dirname(path), { recursive: true });
          (file[1] === 'file' ? writeFileSync : appendFileSync)(path, here(text));
        } else if (info === 'console background') {
          for (const { command, expected } of parseTranscript(here(text))) {
            programs.push(await start(command, expected, directory, env));
          }
        } else if (info === 'console') {
          for (const { command, expected } of parseTranscript(here(text))) {
            const lines = await session.run(command);
            // What a client and a page are told comes from the settings, which say the usual port.
            if (command.startsWith('sheaf init')) useAddress(directory, address);
            assert.ok(
              fits(expected, lines),
              `$ ${command}\n${lines.join('\n')}\n--- expected:\n${expected.join('\n')}`,
            );
          }
        }
      }
    } finally {
      for (const program of programs.toReversed()) await stop(program);
      await database.close();
      await removeAll(directory);
    }
  });
}

/** Starts a program and waits until it has printed what it should. */
async function start(
  command: string,
  expected: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const child = spawn('bash', ['-c', `exec 2>&1; exec ${command}`], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env, PATH: `${checkout}:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  for (let tries = 0; tries < 300; tries += 1) {
    const lines = output.split('\n').slice(0, expected.length);
    if (fits(expected, lines)) return child;
    assert.equal(child.exitCode, null, `$ ${command}\n${output}`);
    await sleep(100);
  }
  child.kill('SIGKILL');
  assert.fail(`$ ${command}\n${output}\n--- expected:\n${expected.join('\n')}`);
}

async function stop(program: ChildProcess): Promise<void> {
  if (program.exitCode !== null || program.signalCode !== null) return;
  const ended = once(program, 'exit');
  program.kill('SIGTERM');
  const timer = setTimeout(() => program.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
}

function useAddress(directory: string, address: string): void {
  const file = join(directory, 'grove/sheaf.toml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/^# listen = .*$/m, `listen = "${address}"`));
}

/** Scratch folders belong to the sandbox's ids, which an ordinary user cannot remove by itself. */
async function removeAll(directory: string): Promise<void> {
  const { createUnshareSandbox } = await import('../src/plumbing/sandbox/unshare.ts');
  await createUnshareSandbox()
    .remove(directory)
    .catch(() => {});
  rmSync(directory, { recursive: true, force: true });
}
