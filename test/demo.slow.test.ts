/** The demonstration is the promise of the README: it runs here as a newcomer runs it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import type { DemoSummary } from '../src/apps/demo/demo.ts';
import { createUnshareSandbox } from '../src/plumbing/sandbox/unshare.ts';
import { freePort } from './free-port.ts';

const execute = promisify(execFile);
const main = join(import.meta.dirname, '../src/apps/demo/main.ts');

test('./run demo --once builds, refuses, installs and builds again, and says so', { timeout: 900_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-demo-'));
  try {
    const args = [main, '--once', '--json', '--dir', directory, '--port', String(await freePort())];
    const { stdout } = await execute(process.execPath, args, { maxBuffer: 2 ** 24 });
    const summary = JSON.parse(stdout) as DemoSummary;
    assert.deepEqual(
      summary.packages.map(({ source, state }) => [source, state]),
      [
        ['hello', 'DONE'],
        ['libtry-tiny-perl', 'DONE'],
      ],
    );
    assert.deepEqual(
      summary.refusals.map(({ codes }) => codes),
      [['unsigned-tag'], ['no-permission']],
    );
    const [bookworm, trixie] = summary.clients;
    assert.match(bookworm!.apt, /^apt 2\.6/);
    assert.match(trixie!.apt, /^apt 3\./);
    for (const client of summary.clients) assert.equal(client.output, 'Hello, world!');
    assert.deepEqual(summary.rebuilds, [
      { source: 'hello', verdict: 'reproduced' },
      { source: 'libtry-tiny-perl', verdict: 'reproduced' },
    ]);
    assert.match(summary.sources, /^Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----$/m);
    assert.match(await readFile(join(directory, 'server.log'), 'utf8'), /stopped/);
  } finally {
    await createUnshareSandbox().remove(directory);
    await rm(directory, { recursive: true, force: true });
  }
});
