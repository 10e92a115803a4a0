/** What is read of packages of binary-only uploads. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { debOf, tarEntry } from '../../formats/deb/testdata/archive.ts';
import { readDebFacts } from './deb-facts.ts';

const directory = await mkdtemp(join(tmpdir(), 'sheaf-facts-'));
after(() => rm(directory, { recursive: true }));

const control =
  'Package: toy\nSource: toy (1.0)\nVersion: 1.0+b2\nArchitecture: amd64\nMaintainer: A <a@b>\nDescription: x\n';

const heading = (version: string) => `toy (${version}) sid; urgency=low\n\n  * Rebuild.\n\n`;
const trailer = ' -- Build Daemon <b@example.org>  Mon, 17 Oct 2022 01:24:40 +0000';
const rebuilt = heading('1.0+b2') + trailer;
const usual = heading('1.0') + trailer;

async function entryOf(...files: readonly (readonly [name: string, content: string | Uint8Array])[]) {
  const path = join(directory, 'toy.deb');
  const entries = files.map(([name, content]) => tarEntry(`./usr/share/doc/toy/${name}`, content));
  await writeFile(path, debOf(entries, { control }));
  return (await readDebFacts(path, 'toy')).changelogEntry?.trimEnd();
}

test('readDebFacts finds the entry of a binary-only upload in a file of its own, also of native packages', async () => {
  assert.equal(await entryOf(['changelog.Debian.amd64.gz', gzipSync(rebuilt)], ['changelog.Debian', usual]), rebuilt);
  assert.equal(await entryOf(['changelog.amd64.gz', gzipSync(rebuilt)], ['changelog.gz', gzipSync(usual)]), rebuilt);
  assert.equal(await entryOf(['changelog.amd64', rebuilt]), rebuilt);
});

test('readDebFacts finds the entry of a binary-only upload at the top of the changelog', async () => {
  const whole = `${rebuilt}\n\n${usual}\n`;
  assert.equal(await entryOf(['changelog.Debian.gz', gzipSync(whole)]), rebuilt);
  assert.equal(await entryOf(['changelog', whole]), rebuilt);
  const long = `${whole}${Array.from({ length: 200_000 }, (_, line) => `  * ${line ** 3}\n`).join('')}`;
  assert.equal(await entryOf(['changelog.Debian.gz', gzipSync(long)]), rebuilt);
});

test('readDebFacts takes no other entry for that of a binary-only upload', async () => {
  assert.equal(await entryOf(['changelog.Debian.gz', gzipSync(usual)]), undefined);
  assert.equal(await entryOf(['changelog.gz', 'nothing that gzip made']), undefined);
  assert.equal(await entryOf(['changelog', heading('1.0+b2')]), undefined);
  assert.equal(await entryOf(['changelog.i386', rebuilt]), undefined);
});
