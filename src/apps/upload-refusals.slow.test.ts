/** Both doors for uploads refuse the same, with the same reasons, and leave everything as it was. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { freePort } from '../../test/free-port.ts';
import { testDatabase, type TestDatabase } from '../../test/database.ts';
import { GpgHome } from '../../test/signers.ts';
import { store, toyChanges, toyDeb, toySource, type ToyBinary } from '../../test/toy-archive.ts';
import type { InputFile } from '../model/job.ts';
import { Blobs } from '../plumbing/blobs.ts';

const checkout = join(import.meta.dirname, '../..');
const directory = await mkdtemp(join(tmpdir(), 'sheaf-doors-'));
const grove = join(directory, 'grove');
const blobs = new Blobs(join(directory, 'made'));
let database: TestDatabase;
let home: GpgHome;
let key: string;
let server: ChildProcess;
let url: string;

const environment = () => ({ ...process.env, SHEAF_DATABASE_URL: database.url, SHEAF_DIR: grove });

function sheaf(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(join(checkout, 'sheaf'), args, { cwd: directory, encoding: 'utf8', env: environment() });
}

before(async () => {
  database = await testDatabase();
  home = await GpgHome.make();
  key = await home.key('ada@example.org');
  const made = sheaf('init', grove);
  assert.equal(made.status, 0, made.stderr);
  await writeFile(join(grove, 'keys/ada.asc'), await home.exportKey(key));
  await writeFile(join(grove, 'secrets/uploaders'), 'ada:secret\n', { mode: 0o600 });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const settings = join(grove, 'sheaf.toml');
  const text = await readFile(settings, 'utf8');
  // The settings of the server itself are the first, before any table.
  await writeFile(settings, `url = "${url}"\nlisten = "127.0.0.1:${port}"\n${text}`);
  await appendFile(
    settings,
    '\n[person.ada]\nopenpgp = ["keys/ada.asc"]\nmay-release = [{ packages = ["toy-*"], suites = ["*"] }]\n',
  );
  server = spawn(join(checkout, 'sheaf'), ['serve'], { env: environment(), stdio: ['ignore', 'ignore', 'inherit'] });
  await reachable();
  assert.equal((await put(await upload('toy-a', '1.0', [{ name: 'toy-a' }]))).status, 201);
});

after(async () => {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
  await home.close();
  await database.close();
  await rm(directory, { recursive: true });
});

async function reachable(): Promise<void> {
  while (
    !(await fetch(`${url}/main/key.asc`)
      .then((response) => response.ok)
      .catch(() => false))
  ) {
    assert.equal(server.exitCode, null, 'the server has ended');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The `.changes` last. */
async function upload(source: string, version: string, binaries: readonly ToyBinary[]): Promise<InputFile[]> {
  const files = await toySource(blobs, source, version, binaries);
  for (const binary of binaries) files.push(await toyDeb(blobs, source, version, binary));
  const plain = await toyChanges(blobs, source, version, files);
  const signed = await home.gpg(['--clearsign', '-u', `${key}!`], await blobs.read(plain.sha256));
  return [...files, await store(blobs, plain.name, signed)];
}

async function put(files: readonly InputFile[]): Promise<{ readonly status: number; readonly text: string }> {
  let last = { status: 0, text: '' };
  for (const file of files) {
    const response = await fetch(`${url}/upload/stable/${file.name}`, {
      method: 'PUT',
      headers: { authorization: `Basic ${Buffer.from('ada:secret').toString('base64')}` },
      body: new Uint8Array(await blobs.read(file.sha256)),
    });
    last = { status: response.status, text: await response.text() };
  }
  return last;
}

async function include(
  files: readonly InputFile[],
): Promise<{ readonly status: number | null; readonly text: string }> {
  const folder = await mkdtemp(join(directory, 'upload-'));
  await mkdir(folder, { recursive: true });
  for (const file of files) await writeFile(join(folder, file.name), await blobs.read(file.sha256));
  const { status, stdout, stderr } = sheaf('suite', 'include', 'stable', join(folder, files.at(-1)!.name));
  return { status, text: stdout + stderr };
}

async function everything() {
  const { rows } = await database.pool.query(
    `select (select json_agg(s order by s.id) from source_package s) sources,
       (select json_agg(b order by b.id) from binary_package b) binaries, (select count(*) from pool_file) files,
       (select json_agg(p order by p.id) from publication p) publications, (select max(number) from snapshot) snapshot`,
  );
  const release = await fetch(`${url}/main/dists/stable/InRelease`);
  return { ...rows[0], release: await release.text() };
}

const cases: Record<string, [files: () => Promise<InputFile[]>, reason: RegExp, status: number]> = {
  'the same version with other bytes': [
    () => upload('toy-a', '1.0', [{ name: 'toy-a', content: 'other' }]),
    /toy-a_1\.0_amd64\.deb: it was accepted before with other bytes/,
    409,
  ],
  'a lower version': [
    () => upload('toy-a', '0.9', [{ name: 'toy-a' }]),
    /Source toy-a 0\.9: suite "stable" has the higher version 1\.0/,
    409,
  ],
  'a file whose hash differs from its .changes': [
    async () => {
      const files = await upload('toy-b', '1', [{ name: 'toy-b' }]);
      const other = await toyDeb(blobs, 'toy-b', '1', { name: 'toy-b', content: 'other' });
      return files.map((file) => (file.name === other.name ? other : file));
    },
    // What is sent by HTTP waits under its hash: there the other file is one that nobody asks for.
    /toy-b_1_amd64\.deb: (?:its size or SHA-256 is not that in the \.changes|the \.changes lists it, but it was not given with that size and SHA-256)/,
    422,
  ],
  "another source's binary": [
    () => upload('toy-thief', '9', [{ name: 'toy-thief' }, { name: 'toy-a' }]),
    /toy-a: in suite "stable" source toy-a builds this package, not toy-thief/,
    409,
  ],
  'a package of an architecture that the suite does not have': [
    () => upload('toy-c', '1', [{ name: 'toy-c' }, { name: 'toy-c-tools', architecture: 'riscv64' }]),
    /toy-c-tools_1_riscv64\.deb: architecture riscv64 is not one of suite "stable" \(amd64\)/,
    422,
  ],
};

for (const [what, [files, reason, status]] of Object.entries(cases)) {
  test(`sheaf suite include and an upload by HTTP refuse ${what}, and nothing is half-included`, async () => {
    const given = await files();
    const untouched = await everything();
    const included = await include(given);
    assert.equal(included.status, 1, included.text);
    assert.match(included.text, reason);
    const sent = await put(given);
    assert.equal(sent.status, status, sent.text);
    assert.match(sent.text, reason);
    assert.deepEqual(await everything(), untouched);
  });
}

test('sheaf suite publish refuses a clock that was set back, and says what to do', async () => {
  await database.pool.query(`update snapshot set created_at = created_at + interval '3 days'`);
  try {
    const { status, stderr } = sheaf('suite', 'publish', 'stable', '--force');
    assert.equal(status, 3, stderr);
    assert.match(
      stderr,
      /^sheaf: Cannot publish suite "stable": the clock says .*, but its last snapshot was made at /,
    );
    assert.match(stderr, /^hint: Set the clock right/m);
  } finally {
    await database.pool.query(`update snapshot set created_at = created_at - interval '3 days'`);
  }
  assert.equal(sheaf('suite', 'publish', 'stable', '--force').status, 0);
});

test('sheaf suite show, list and publish tell of the end of a suite and of all its versions', async () => {
  const settings = join(grove, 'sheaf.toml');
  const text = await readFile(settings, 'utf8');
  await writeFile(
    settings,
    text.replace('[suite.stable]', '[suite.stable]\nversions = "all"\nend-of-life = 2026-01-31'),
  );
  try {
    const shown = sheaf('suite', 'show', 'stable').stdout;
    assert.match(
      shown,
      /^Published as .*\. Its life ended on 2026-01-31: it is neither published nor renewed any more\.$/m,
    );
    assert.match(shown, /^versions: +all: every one that was ever taken$/m);
    assert.match(shown, /^end of life: +2026-01-31 00:00:00/m);
    const [listed] = JSON.parse(sheaf('suite', 'list', '--json').stdout).suites;
    assert.deepEqual([listed.endOfLife, listed.versions], ['2026-01-31T00:00:00.000Z', 'all']);
    const published = sheaf('suite', 'publish', 'stable');
    assert.equal(published.status, 1, published.stderr);
    assert.match(
      published.stderr,
      /^sheaf: Cannot publish suite "stable": .* came to the end of its life on 2026-01-31/,
    );
  } finally {
    await writeFile(settings, text);
  }
});
