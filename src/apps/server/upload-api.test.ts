import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';

import { serve } from '@hono/node-server';

import { dputHost } from '../../../test/dput-host.ts';
import { GpgHome } from '../../../test/signers.ts';
import { toyArchive, toyChanges, toyDeb, toySource } from '../../../test/toy-archive.ts';
import { until } from '../../../test/until.ts';
import type { ArchiveDeps } from '../../archive/mod.ts';
import type { InputFile } from '../../model/job.ts';
import { parseLabel, parseSuiteName } from '../../model/names.ts';
import { SheafError } from '../../kit/error.ts';
import { verifyDocument } from '../../plumbing/upload-signature.ts';
import type { RunLintian } from '../../upload/mod.ts';
import { Incoming, incomingLimits } from './incoming.ts';
import { uploadApi } from './upload-api.ts';

const run = promisify(execFile);
const toy = await toyArchive();
const home = await GpgHome.make();
const folder = await mkdtemp('/tmp/sheaf-upload-');
const key = await home.key('alice@example.org');
await writeFile(join(folder, 'alice.asc'), await home.exportKey(key));
const { blobs } = toy.deps;
const alice = {
  ...{ name: parseLabel('alice'), fullName: 'Alice', email: undefined, ssh: [], revoked: [] },
  openpgp: [join(folder, 'alice.asc')],
  permissions: [{ packages: ['toy-*'], suites: ['*'] }],
};
const archive: ArchiveDeps = {
  ...toy.deps,
  distribution: { ...toy.deps.distribution, people: new Map([[alice.name, alice]]) },
};
let time = new Date();
const runLintian: RunLintian = async () => {
  throw new SheafError('lintian-missing', 'no lintian here', { kind: 'environment', hint: 'apt-get install lintian' });
};
const incomingFolder = join(folder, 'incoming');
const reports: unknown[] = [];
const make = (limits = incomingLimits, users: string | undefined = 'ann:se:cret\n') =>
  uploadApi({
    ...{ archive, verifyDocument, runLintian, incoming: new Incoming(incomingFolder, limits) },
    uploaders: async () => users,
    clock: { now: () => time },
    report: (error) => reports.push(error),
  });
const app = make();
test.after(async () => {
  await home.close();
  await toy.close();
  await rm(folder, { recursive: true });
  assert.deepEqual(reports, []);
});

const basic = (user = 'ann:se:cret') => ({ authorization: `Basic ${Buffer.from(user).toString('base64')}` });

async function put(name: string, bytes: Uint8Array | string, headers: Record<string, string> = basic(), to = app) {
  const response = await to.request(`/upload/stable/${name}`, {
    method: 'PUT',
    headers,
    body: new Uint8Array(Buffer.from(bytes as string)),
  });
  return { status: response.status, text: await response.text() };
}

async function makeUpload(name: string, version: string, by: string | null = key): Promise<InputFile[]> {
  const files = [...(await toySource(blobs, name, version, [{ name }])), await toyDeb(blobs, name, version, { name })];
  // dput goes by MD5.
  const lines: string[] = [];
  for (const file of files) {
    const md5 = createHash('md5')
      .update(await blobs.read(file.sha256))
      .digest('hex');
    lines.push(`\n${md5} ${file.size} misc optional ${file.name}`);
  }
  const changes = await toyChanges(blobs, name, version, files, { Files: lines.join('') });
  const text = await blobs.read(changes.sha256);
  const signed = by === null ? text : await home.gpg(['--clearsign', '-u', `${by}!`], text);
  return [...files, { ...changes, ...(await blobs.putBytes(signed)) }];
}

async function putText(name: string, text: string): Promise<InputFile> {
  const bytes = Buffer.from(text);
  return { name, size: bytes.length, sha256: (await blobs.putBytes(bytes)).sha256 };
}

async function send(files: readonly InputFile[]) {
  let last = { status: 0, text: '' };
  for (const file of files) last = await put(file.name, await blobs.read(file.sha256));
  return last;
}

async function waiting(): Promise<string[]> {
  const entries = await readdir(incomingFolder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.parentPath.split('/').at(-1)!)
    .toSorted();
}

test('uploadApi takes an upload, publishes it, keeps nothing in the incoming place, and takes it again as nothing new', async () => {
  const files = await makeUpload('toy-a', '1');
  assert.deepEqual(await send(files), { status: 201, text: 'Accepted toy-a 1; the suite is at stable@1.\n' });
  assert.deepEqual(await waiting(), []);
  assert.match((await send(files)).text, /accepted before; nothing has changed/);
  assert.match((await send(files.slice(-1))).text, /accepted before; nothing has changed/);
  assert.deepEqual(await waiting(), []);
});

test('uploadApi needs no file again that the repository has, and takes no other that only its name and bytes tell', async () => {
  const first = await makeUpload('toy-again', '1');
  assert.equal((await send(first)).status, 201);
  const buildinfo = await putText(
    'toy-again_1_amd64.buildinfo',
    `Format: 1.0\nSource: toy-again\nBinary: toy-again\nArchitecture: amd64\nVersion: 1\nBuild-Architecture: amd64\nInstalled-Build-Depends: dpkg (= 1)\nChecksums-Sha256:\n ${'0'.repeat(64)} 1 toy-again_1_amd64.deb\n`,
  );
  const signedAnew = await toyChanges(blobs, 'toy-again', '1', [...first.slice(0, -1), buildinfo]);
  const text = await home.gpg(['--clearsign', '-u', `${key}!`], await blobs.read(signedAnew.sha256));
  assert.deepEqual(await put(signedAnew.name, text), {
    status: 201,
    text: 'toy-again 1 was accepted before; nothing has changed.\n',
  });
  // Its bytes are among the blobs, and nowhere in the pool.
  const next = await makeUpload('toy-again', '2');
  assert.match(
    (await send(next.slice(-1))).text,
    /toy-again_2_amd64\.deb: the \.changes lists it, but it was not given/,
  );
});

test('uploadApi keeps two uploads apart that send a file of one name at once', async () => {
  const good = await makeUpload('toy-b', '1');
  const deb = good.find((file) => file.name.endsWith('.deb'))!;
  for (const file of good.slice(0, -1)) await put(file.name, await blobs.read(file.sha256));
  assert.equal((await put(deb.name, 'bytes of somebody else')).status, 201);
  const changes = good.at(-1)!;
  assert.equal((await put(changes.name, await blobs.read(changes.sha256))).status, 201);
  assert.deepEqual(await waiting(), [deb.name]);
});

test('uploadApi answers 403, 409 and 422 with all reasons, and takes a .changes that was signed later', async () => {
  const unsigned = await makeUpload('toy-c', '1', null);
  const refused = await send(unsigned);
  assert.equal(refused.status, 403);
  assert.match(refused.text, /^Refused:\n- .*It is not signed/);
  const changes = unsigned.at(-1)!;
  const signed = await home.gpg(['--clearsign', '-u', `${key}!`], await blobs.read(changes.sha256));
  assert.equal((await put(changes.name, signed)).status, 201);
  const lower = await send(await makeUpload('toy-c', '0.5'));
  assert.equal(lower.status, 409);
  assert.match(lower.text, /higher version 1/);
  const partly = await makeUpload('toy-d', '1');
  const missing = await send(partly.filter((file) => !file.name.endsWith('.deb')));
  assert.equal(missing.status, 422);
  assert.match(missing.text, /toy-d_1_amd64\.deb: the \.changes lists it, but it was not given/);
});

test('uploadApi asks for a password, and knows only plain names of files of an upload', async () => {
  assert.equal((await put('x.deb', 'x', {})).status, 401);
  for (const wrong of ['ann:se', 'ann:se:cret ', ':', 'bob:se:cret']) {
    assert.equal((await put('x.deb', 'x', basic(wrong))).status, 401, wrong);
  }
  for (const name of ['..%2f..%2fx.deb', '.hidden.deb', 'x.sh', '%2fetc%2fx.deb', 'a%00.deb']) {
    assert.equal((await put(name, 'x')).status, 422, name);
  }
  const closed = uploadApi({
    ...{ archive, verifyDocument, runLintian, incoming: new Incoming(incomingFolder) },
    ...{ uploaders: async () => undefined, clock: { now: () => time }, report: () => {} },
  });
  assert.equal((await put('x.deb', 'x', basic(), closed)).status, 403);
  const nowhere = await app.request('/upload/nowhere/x.deb', { method: 'PUT', headers: basic(), body: 'x' });
  assert.equal(nowhere.status, 404);
  assert.equal((await app.request('/upload/stable/x.deb')).status, 404);
});

async function* neverRead(): AsyncGenerator<Uint8Array> {
  yield await Promise.reject(new Error('it was read'));
}

test('uploadApi bounds size, count and age of what waits', async () => {
  await rm(incomingFolder, { recursive: true, force: true });
  const small = make({ file: 10, total: 15, files: 2, age: 1000 });
  assert.equal((await put('a.deb', 'x'.repeat(11), basic(), small)).status, 413);
  const announced = new Incoming(incomingFolder, { ...incomingLimits, file: 10 });
  await assert.rejects(announced.put(parseSuiteName('stable'), 'a.deb', neverRead(), time, 11), {
    code: 'file-too-large',
  });
  assert.equal((await put('a.deb', 'x'.repeat(8), basic(), small)).status, 201);
  assert.equal((await put('b.deb', 'x'.repeat(8), basic(), small)).status, 507);
  assert.equal((await put('b.deb', 'x'.repeat(2), basic(), small)).status, 201);
  assert.equal((await put('c.deb', 'x', basic(), small)).status, 507);
  assert.deepEqual(await waiting(), ['a.deb', 'b.deb']);
  time = new Date(time.getTime() + 5000);
  assert.equal((await put('c.deb', 'x', basic(), small)).status, 201);
  assert.deepEqual(await waiting(), ['c.deb']);
  time = new Date();
});

test('uploadApi keeps nothing of a file whose connection is cut, and takes it when it is sent again', async () => {
  await rm(incomingFolder, { recursive: true, force: true });
  const files = await makeUpload('toy-cut', '1');
  const deb = files.find((file) => file.name.endsWith('.deb'))!;
  const bytes = await blobs.read(deb.sha256);
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  try {
    const { port } = server.address() as { port: number };
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const head = [`PUT /upload/stable/${deb.name} HTTP/1.1`, 'Host: x', `Authorization: ${basic().authorization}`];
    socket.write(`${[...head, `Content-Length: ${bytes.length}`].join('\r\n')}\r\n\r\n`);
    socket.write(bytes.subarray(0, bytes.length / 2));
    const parts = join(incomingFolder, '.parts');
    await until(async () => (await readdir(parts).catch(() => [])).length > 0);
    socket.destroy();
    await until(async () => (await readdir(parts)).length === 0);
  } finally {
    server.close();
  }
  assert.deepEqual(await waiting(), []);
  // Half of it under its name is not the file that the .changes means.
  await put(deb.name, bytes.subarray(0, bytes.length / 2));
  const short = await send(files.filter((file) => file !== deb));
  assert.equal(short.status, 422);
  assert.match(short.text, /_amd64\.deb: the \.changes lists it, but it was not given/);
  assert.equal((await send([deb, files.at(-1)!])).status, 201);
  assert.equal((await send(files)).status, 201);
});

test('uploadApi says who may not, and whose key it does not know', async () => {
  const stranger = await home.key('mallory@example.org');
  const unknown = await send(await makeUpload('toy-who', '1', stranger));
  assert.equal(unknown.status, 403);
  assert.match(unknown.text, /which no person in sheaf\.toml has/);
  const rare = await send(await makeUpload('rare', '1'));
  assert.equal(rare.status, 403);
  assert.match(rare.text, /alice may not release rare into stable/);
  const files = await makeUpload('toy-who', '1');
  const changes = files.at(-1)!;
  const text = (await blobs.read(changes.sha256)).toString().replace('Urgency: medium', 'Urgency: high');
  for (const file of files.slice(0, -1)) await put(file.name, await blobs.read(file.sha256));
  const forged = await put(changes.name, text);
  assert.equal(forged.status, 403);
  assert.match(forged.text, /does not fit the text/);
});

test('uploadApi says where the packages are built that did not come with their source', async () => {
  const source = await toySource(blobs, 'toy-s', '1', [{ name: 'toy-s' }]);
  const plain = await toyChanges(blobs, 'toy-s', '1', source);
  const text = await home.gpg(['--clearsign', '-u', `${key}!`], await blobs.read(plain.sha256));
  const answer = await send([...source, { ...plain, ...(await blobs.putBytes(text)) }]);
  assert.equal(answer.status, 201);
  assert.match(
    answer.text,
    /^Accepted toy-s 1; what did not come with it is built now: http:\/\/toy\.example\/tag-build\/\d+\n$/,
  );
});

test('uploadApi says what the machine lacks, and takes the same upload once it is there', async () => {
  const suite = archive.distribution.suites.get(parseSuiteName('stable'))!;
  const strict: ArchiveDeps = {
    ...archive,
    distribution: { ...archive.distribution, suites: new Map([[suite.name, { ...suite, lintian: true }]]) },
  };
  const failures: unknown[] = [];
  const lacking = uploadApi({
    ...{ archive: strict, verifyDocument, runLintian, incoming: new Incoming(incomingFolder) },
    ...{ uploaders: async () => 'ann:se:cret\n', clock: { now: () => time }, report: (error) => failures.push(error) },
  });
  const files = await makeUpload('toy-lint', '1');
  let last = { status: 0, text: '' };
  for (const file of files) last = await put(file.name, await blobs.read(file.sha256), basic(), lacking);
  assert.deepEqual(last, { status: 503, text: 'no lintian here\napt-get install lintian\n' });
  assert.equal(failures.length, 1);
  const changes = files.at(-1)!;
  assert.equal((await put(changes.name, await blobs.read(changes.sha256))).status, 201);
});

// dput and dput-ng are both called dput and cannot be installed together: each is tried where it is.
test('dput, or dput-ng, uploads by http', async (t) => {
  const installed = async (name: string) =>
    run('dpkg-query', ['-W', '-f', '${Status}', name]).then(
      ({ stdout }) => stdout === 'install ok installed',
      () => false,
    );
  const ng = await installed('dput-ng');
  if (!ng && !(await installed('dput'))) return t.skip('neither is installed');
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const way = ng ? undefined : await dputHost(`http://127.0.0.1:${port}`);
  try {
    if (!ng && way === undefined) return t.skip('this dput asks port 80, which is not free for us');
    const files = await makeUpload('toy-p', '1');
    const place = join(folder, 'dput');
    await mkdir(place);
    for (const file of files) await writeFile(join(place, file.name), await blobs.read(file.sha256));
    const target = join(folder, 'dput.cf');
    const fqdn = way?.host ?? `http://ann:se:cret@127.0.0.1:${port}`;
    const lines = [`fqdn = ${fqdn}`, 'method = http', 'incoming = /upload/stable', 'login = ann'];
    await writeFile(target, ['[grove]', ...lines, 'allow_unsigned_uploads = 1', ''].join('\n'));
    const changes = join(place, files.at(-1)!.name);
    // dput asks for the password: without a terminal it reads standard input.
    const child = run('setsid', ['-w', 'dput', ...(ng ? [] : ['-u']), '-c', target, 'grove', changes], {
      env: { ...process.env, HOME: folder, GNUPGHOME: home.directory, USER: 'ann' },
      timeout: 60_000,
    });
    child.child.stdin!.end('se:cret\n');
    const { stdout, stderr } = await child;
    t.diagnostic(`${ng ? 'dput-ng' : 'dput'}: ${stdout}${stderr}`);
    const { rows } = await toy.database.pool.query(`select 1 from source_package where name = 'toy-p'`);
    assert.equal(rows.length, 1);

    // Refused: the person sees why.
    const lower = await makeUpload('toy-p', '0.1');
    for (const file of lower) await writeFile(join(place, file.name), await blobs.read(file.sha256));
    const second = run(
      'setsid',
      ['-w', 'dput', ...(ng ? [] : ['-u']), '-c', target, 'grove', join(place, lower.at(-1)!.name)],
      {
        env: { ...process.env, HOME: folder, GNUPGHOME: home.directory, USER: 'ann' },
        timeout: 60_000,
      },
    );
    second.child.stdin!.end('se:cret\n');
    await assert.rejects(second, ({ stdout: out, stderr: err }: { stdout: string; stderr: string }) => {
      assert.match(out + err, /Source toy-p 0\.1: suite "stable" has the higher version 1/);
      return true;
    });
  } finally {
    await way?.close();
    server.close();
  }
});
