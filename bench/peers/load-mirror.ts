/**
 * A mirror of Debian's indexes on loopback, so that everybody fetches the same bytes from the same server: a process of
 * its own, whose work is nobody's. What it lacks is fetched from Debian's mirror once, and checked against the signed
 * InRelease.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { stripClearsign } from '../../src/formats/deb/clearsign.ts';
import { parseRelease } from '../../src/formats/deb/release.ts';
import { sha256 } from '../../src/kit/digest.ts';
import { runChecked } from '../../src/plumbing/process.ts';
import { progress } from '../measure.ts';

const debian = 'http://deb.debian.org/debian';
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
export const indexes = ['main/binary-amd64/Packages', 'main/source/Sources'] as const;

export type LocalMirror = { readonly url: string; readonly stop: () => void };

/** Serves `directory`; first fetches what the suites need into it. */
export async function startMirror(directory: string, suites: readonly string[]): Promise<LocalMirror> {
  for (const suite of suites) await fillSuite(join(directory, 'dists', suite), suite);
  const child = fork(fileURLToPath(import.meta.url), ['serve', directory]);
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}

async function fillSuite(folder: string, suite: string): Promise<void> {
  const file = join(folder, 'InRelease');
  const bytes = (await readFile(file).catch(() => undefined)) ?? (await download(`${debian}/dists/${suite}/InRelease`));
  await keep(file, bytes);
  await runChecked(['gpgv', '--keyring', keyring, '--output', '/dev/null', file]);
  const text = bytes.toString();
  await keep(join(folder, 'Release'), Buffer.from(stripClearsign(text, file).text));
  const { files } = parseRelease(text, file);
  for (const path of indexes) {
    const listed = files.find((each) => each.path === `${path}.xz`)!;
    const target = join(folder, listed.path);
    const known = await readFile(target).catch(() => undefined);
    if (known !== undefined && sha256(known) === listed.sha256) continue;
    progress(`fetching ${suite} ${listed.path}`);
    const fetched = await download(`${debian}/dists/${suite}/${dirname(path)}/by-hash/SHA256/${listed.sha256}`);
    if (sha256(fetched) !== listed.sha256) throw new Error(`${suite} ${listed.path} is not what InRelease lists`);
    await keep(target, fetched);
  }
}

async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5 * 60_000) });
  if (!response.ok) throw new Error(`Cannot fetch ${url}: the answer is ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function keep(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, bytes);
  await rename(`${file}.new`, file);
}

/** By name, and by hash: of each index there is one file. */
async function serve(directory: string): Promise<void> {
  const hashes = new Map<string, string>();
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://localhost').pathname));
    const match = /^\/dists\/([^/]+)\/(.+)\/by-hash\/SHA256\/([0-9a-f]{64})$/.exec(path);
    const file = match === null ? join(directory, path) : hashes.get(match[3]!);
    const found = file === undefined ? undefined : await stat(file).catch(() => undefined);
    if (file === undefined || !found?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': found.size });
    if (request.method === 'HEAD') response.end();
    else createReadStream(file).pipe(response);
    if (!path.endsWith('/InRelease')) return;
    const { files } = parseRelease(await readFile(file, 'utf8'));
    for (const each of files) {
      if (indexes.some((name) => each.path === `${name}.xz`)) hashes.set(each.sha256, join(dirname(file), each.path));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send!((server.address() as AddressInfo).port);
  process.on('disconnect', () => process.exit());
}

if (process.argv[2] === 'serve') await serve(process.argv[3]!);
