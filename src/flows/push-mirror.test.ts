import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after, before } from 'node:test';

import { mirrorWorld, seeObjects, someMirror, type MirrorWorld } from '../../test/mirror-world.ts';
import { fingerprint as fullFingerprint, readSuite } from '../../test/published-tree.ts';
import { doubleCredentials, s3Double, type Misbehaviour, type S3Double } from '../../test/s3-double.ts';
import { parseRelease } from '../formats/deb/release.ts';
import type { StoreTarget } from '../mirror/mod.ts';
import { folderTarget } from '../plumbing/mirror-target/folder.ts';
import { rsyncTarget } from '../plumbing/mirror-target/rsync.ts';
import { s3Target } from '../plumbing/mirror-target/s3.ts';
import { run } from '../plumbing/process.ts';
import { mirrorStatus, pushMirror } from './push-mirror.ts';

const plain = { verify: false, delete: false };
const now = () => new Date();

let world: MirrorWorld;
let scratch: string;
let counter = 0;

before(async () => {
  world = await mirrorWorld();
  scratch = await mkdtemp(join(tmpdir(), 'sheaf-mirror-'));
  await world.publish();
  await world.publish();
});

after(async () => {
  await world.close();
  await rm(scratch, { recursive: true });
});

/** A new place for a mirror, and another for its memory. */
function place() {
  counter += 1;
  return { folder: join(scratch, `mirror-${counter}`), memory: join(scratch, `memory-${counter}`) };
}

function bucket(double: S3Double, parts?: number): StoreTarget {
  const settings = {
    url: `${double.url}/some/prefix`,
    region: 'us-east-1',
    credentials: doubleCredentials,
    now,
    pause: 1,
  };
  return s3Target({ ...settings, ...(parts === undefined ? {} : { parts }) });
}

/** Names, hashes and links; times only of the signed files, where clients look at them. */
async function fingerprint(directory: string): Promise<ReadonlyMap<string, string>> {
  const found = [...(await fullFingerprint(directory))].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return new Map(found.map(([name, what]) => [name, /Release/.test(name) ? what : what.replace(/ [\d.]+$/, '')]));
}

const read = (double: S3Double) => (path: string) => double.objects.get(`some/prefix/${path}`)?.bytes;

test('pushMirror makes a folder that is the published tree, and then brings only what is new', async () => {
  const { folder, memory } = place();
  const deps = world.deps(folderTarget(folder), memory);
  const first = await pushMirror(deps, someMirror, plain);
  assert.equal(first.brought, first.names);
  assert.deepEqual(await fingerprint(folder), await fingerprint(world.root));
  const seen = await readSuite(folder, 'stable');
  assert.equal(seen.packages.length, 2);
  for (const number of ['1', '2']) await readSuite(join(folder, 'snapshot/stable', number), 'stable');

  const again = await pushMirror(deps, someMirror, plain);
  assert.deepEqual([again.brought, again.checked], [0, 0]);
  assert.deepEqual(
    (await mirrorStatus(deps, someMirror)).suites.map((suite) => suite.behind),
    [0],
  );

  await world.publish();
  assert.deepEqual(
    (await mirrorStatus(deps, someMirror)).suites.map((suite) => suite.behind),
    [1],
  );
  const third = await pushMirror(deps, someMirror, plain);
  assert.ok(third.brought > 0 && third.brought < first.names, String(third.brought));
  assert.deepEqual(await fingerprint(folder), await fingerprint(world.root));
});

test('pushMirror says before it brings anything that a folder can have no symbolic links', async () => {
  const { folder, memory } = place();
  const fat = folderTarget(folder, async () => false);
  await assert.rejects(pushMirror(world.deps(fat, memory), someMirror, plain), {
    ...{ code: 'mirror-failed', kind: 'environment' },
    message: `Cannot push to ${folder}: its file system has no symbolic links`,
  });
  assert.deepEqual(await readdir(folder), ['.sheaf-push']);
});

test('pushMirror without its memory reads the mirror again and brings nothing', async () => {
  const { folder, memory } = place();
  const deps = world.deps(folderTarget(folder), memory);
  await pushMirror(deps, someMirror, plain);
  await writeFile(join(memory, 'manifest'), '["test"]\n["pool/x","broken');
  const again = await pushMirror(deps, someMirror, plain);
  assert.equal(again.brought, 0);
  assert.ok(again.checked > 0);
});

test('pushMirror replaces a file of the mirror whose bytes are wrong', async () => {
  const { folder, memory } = place();
  const deps = world.deps(folderTarget(folder), memory);
  await pushMirror(deps, someMirror, plain);
  const names = [...(await fingerprint(folder)).keys()].filter((name) => name.endsWith('.deb'));
  const [hidden, changed] = [join(folder, names[0]!), join(folder, names[1]!)];
  await writeFile(changed, (await readFile(changed)).fill(1));
  assert.equal((await pushMirror(deps, someMirror, plain)).brought, 1);
  // The same size and the same time: only reading it finds that.
  const time = new Date(1e12);
  await utimes(hidden, time, time);
  await pushMirror(deps, someMirror, plain);
  const inode = await readFile(hidden);
  await writeFile(hidden, inode.fill(1));
  await utimes(hidden, time, time);
  assert.equal((await pushMirror(deps, someMirror, plain)).brought, 0);
  assert.equal((await pushMirror(deps, someMirror, { ...plain, verify: true })).brought, 1);
  assert.equal((await readSuite(folder, 'stable')).packages.length, 2);
});

test('pushMirror removes nothing but with delete', async () => {
  const { folder, memory } = place();
  const deps = world.deps(folderTarget(folder), memory);
  await mkdir(join(folder, 'pool'), { recursive: true });
  await writeFile(join(folder, 'pool/stray'), 'x');
  await assert.rejects(pushMirror(deps, someMirror, { ...plain, delete: true }), { code: 'mirror-new' });
  await pushMirror(deps, someMirror, plain);
  assert.ok(existsSync(join(folder, 'pool/stray')));
  assert.equal((await pushMirror(deps, someMirror, { ...plain, delete: true })).removed, 1);
  assert.ok(!existsSync(join(folder, 'pool/stray')));
});

test('pushMirror does not spread a file that is not what was published', async () => {
  const { folder, memory } = place();
  const name = [...(await fingerprint(world.root)).keys()].find((each) => each.endsWith('.deb'))!;
  const source = join(world.root, name);
  const bytes = await readFile(source);
  await chmod(source, 0o644);
  await writeFile(source, Buffer.alloc(bytes.length));
  try {
    const push = pushMirror(world.deps(folderTarget(folder), memory), someMirror, plain);
    await assert.rejects(push, { code: 'mirror-source' });
    assert.ok(!existsSync(join(folder, name)));
    assert.ok(!existsSync(join(folder, 'dists/stable')), 'no client is led there');
  } finally {
    await writeFile(source, bytes);
  }
});

test('pushMirror does not take the clients of a mirror back', async () => {
  const { folder, memory } = place();
  const double = await s3Double();
  try {
    await pushMirror(world.deps(folderTarget(folder), memory), someMirror, plain);
    await pushMirror(world.deps(bucket(double), place().memory), someMirror, plain);
    const older = await mirrorWorld();
    try {
      await older.publish();
      for (const target of [folderTarget(folder), bucket(double)]) {
        const push = pushMirror(older.deps(target, place().memory), someMirror, plain);
        await assert.rejects(push, { code: 'mirror-ahead' });
      }
    } finally {
      await older.close();
    }
  } finally {
    await double.close();
  }
});

test('pushMirror to a bucket: whatever object was stored last, a client sees one consistent suite', async () => {
  const double = await s3Double({ page: 7 });
  try {
    const target = bucket(double);
    const seen: string[] = [];
    double.onPut(() => seen.push(String(seeObjects(read(double)))));
    const { memory } = place();
    for (let round = 0; round < 3; round += 1) {
      await pushMirror(world.deps(target, memory), someMirror, plain);
      await world.publish();
    }
    // Nothing, and then each of three publications.
    assert.equal(new Set(seen).size, 4, [...new Set(seen)].join());
    const again = await pushMirror(world.deps(target, memory), someMirror, plain);
    const last = await pushMirror(world.deps(target, memory), someMirror, plain);
    assert.ok(again.brought > 0);
    assert.deepEqual([last.brought, last.checked], [0, 0]);
    const lost = await pushMirror(world.deps(target, place().memory), someMirror, plain);
    assert.equal(lost.brought, 0);
    assert.equal(lost.checked, lost.names);
  } finally {
    await double.close();
  }
});

test('pushMirror with delete leaves in a bucket what the Release file before names', async () => {
  const double = await s3Double();
  const own = await mirrorWorld();
  try {
    const push = async () => {
      await own.publish();
      await pushMirror(own.deps(bucket(double)), someMirror, { ...plain, delete: double.objects.size > 0 });
      const { files } = parseRelease(read(double)('dists/stable/InRelease')!.toString(), 'InRelease');
      const packed = files.filter(({ path }) => path.endsWith('.xz'));
      return packed.map(({ path, sha256 }) => `dists/stable/${dirname(path)}/by-hash/SHA256/${sha256}`);
    };
    const first = await push();
    const second = await push();
    const there = (names: readonly string[]) => names.every((name) => read(double)(name) !== undefined);
    assert.ok(there(first) && there(second));
    const third = await push();
    assert.ok(!there(first) && there(second) && there(third));
  } finally {
    await own.close();
    await double.close();
  }
});

for (const checksums of [true, false]) {
  test(`pushMirror sends large files in parts, to a server ${checksums ? 'with' : 'without'} checksums`, async () => {
    const double = await s3Double({ checksums });
    try {
      const { memory } = place();
      await pushMirror(world.deps(bucket(double, 100), memory), someMirror, plain);
      assert.notEqual(seeObjects(read(double)), undefined);
      assert.ok([...double.objects.values()].some(({ etag }) => /-\d+$/.test(etag)));
      const lost = await pushMirror(world.deps(bucket(double, 100), place().memory), someMirror, plain);
      assert.equal(lost.brought, 0);
    } finally {
      await double.close();
    }
  });

  test(`pushMirror finds wrong bytes in a bucket, of a server ${checksums ? 'with' : 'without'} checksums`, async () => {
    const double = await s3Double({ checksums });
    try {
      const { memory } = place();
      double.misbehave((method, key) => (method === 'PUT' && key.endsWith('.deb') ? 'wrong-bytes' : undefined));
      const push = pushMirror(world.deps(bucket(double), memory), someMirror, plain);
      await assert.rejects(push, { code: 'mirror-wrong-bytes' });
      assert.equal(seeObjects(read(double)), undefined);
      double.misbehave(() => undefined);
      await pushMirror(world.deps(bucket(double), memory), someMirror, plain);
      assert.notEqual(seeObjects(read(double)), undefined);
    } finally {
      await double.close();
    }
  });
}

test('pushMirror lives through a bucket that answers 500, 503 or not at all now and then', async () => {
  for (const fault of ['cut', 'after', 'slow-down', 'internal'] as const) {
    const double = await s3Double();
    try {
      // Each thing fails twice before it goes well.
      const tries = new Map<string, number>();
      double.misbehave((method, key) => {
        const name = `${method} ${key}`;
        tries.set(name, (tries.get(name) ?? 0) + 1);
        return tries.get(name)! < 3 ? fault : undefined;
      });
      await pushMirror(world.deps(bucket(double), place().memory), someMirror, plain);
      assert.notEqual(seeObjects(read(double)), undefined, fault);
    } finally {
      await double.close();
    }
  }
});

test('pushMirror goes on after a bucket was full or gone from any request on', async () => {
  const double = await s3Double();
  const { memory } = place();
  try {
    const modes: readonly Misbehaviour[] = ['full', 'cut'];
    let failed = 0;
    for (let step = 1; step < 120; step += 5) {
      let begun = double.requests.length;
      const mode = modes[step % 2];
      double.misbehave((method, _, count) =>
        count - begun >= step && (mode === 'cut' || method === 'PUT') ? mode : undefined,
      );
      const before = seeObjects(read(double));
      const code = await pushMirror(world.deps(bucket(double), memory), someMirror, plain).then(
        () => 'pushed',
        (error: unknown) => String((error as { code?: unknown }).code),
      );
      const visible = seeObjects(read(double));
      if (code === 'pushed') {
        assert.notEqual(visible, undefined);
        // From here on a new suite is half there when it fails; three rounds of that are enough.
        if (failed > 24 || step > 90) break;
        await world.publish();
        continue;
      }
      failed += 1;
      assert.equal(code, mode === 'full' ? 'mirror-full' : 'mirror-failed');
      assert.ok(before === undefined || visible !== undefined);
      const last = (await mirrorStatus(world.deps(bucket(double), memory), someMirror)).last;
      assert.equal(last?.outcome, 'failed');
      begun = double.requests.length;
    }
    assert.ok(failed > 5, `${failed} failures`);
    double.misbehave(() => undefined);
    await pushMirror(world.deps(bucket(double), memory), someMirror, plain);
    assert.notEqual(seeObjects(read(double)), undefined);
  } finally {
    await double.close();
  }
});

test('a push that is killed at any file leaves a consistent mirror, and the next one finishes it', async () => {
  const { folder, memory } = place();
  await mkdir(folder);
  const bytes = (path: string) => {
    try {
      return readFileSync(join(folder, path));
    } catch {
      return undefined;
    }
  };
  let killed = 0;
  for (let step = 2; step < 40; step += 5) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../test/push-and-die.ts'), world.root, folder, memory, String(step)],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    seeObjects(bytes);
    if (signal === 'SIGKILL') killed += 1;
    else {
      assert.equal(code, 0);
      await world.publish();
    }
  }
  assert.ok(killed >= 3, `${killed} killed`);
  await pushMirror(world.deps(folderTarget(folder), memory), someMirror, plain);
  assert.deepEqual(await fingerprint(folder), await fingerprint(world.root));
});

test('pushMirror says that a folder is full, and goes on when there is room', async (t) => {
  const { folder, memory } = place();
  await mkdir(folder);
  // A disk of a few pages, seen only by the child and what it starts.
  const program = join(import.meta.dirname, '../../test/push-and-die.ts');
  const script = 'mount -t tmpfs -o size=24k none "$3" || exit 77; exec "$0" "$@"';
  const child = [process.execPath, program, world.root, folder, memory, '0'];
  const result = await run(['unshare', '-rm', 'sh', '-c', script, ...child]);
  if (result.code === 77 || /unshare:/.test(result.stderr)) return t.skip('no user namespaces here');
  assert.match(result.stderr, /mirror-full/);
  await pushMirror(world.deps(folderTarget(folder), memory), someMirror, plain);
  assert.deepEqual(await fingerprint(folder), await fingerprint(world.root));
});

test('pushMirror by rsync makes the same tree, in order, and finds wrong bytes', async (t) => {
  const env = { ...process.env } as Record<string, string>;
  const found = await run(['rsync', '--version'], { env }).then(
    () => true,
    () => false,
  );
  if (!found) return t.skip('no rsync here');
  const { folder, memory } = place();
  const bin = await mkdtemp(join(scratch, 'bin-'));
  // Instead of ssh: drops the options and the host, and runs the rest here.
  await writeFile(
    join(bin, 'ssh'),
    '#!/bin/sh\nwhile :; do case "$1" in -o|-i) shift 2;; -*) shift;; *) break;; esac; done\nshift\nexec "$@"\n',
    { mode: 0o755 },
  );
  const settings = { root: world.root, remote: `far:${folder}`, sshKey: undefined, pause: 1 };
  const target = rsyncTarget({ ...settings, env: { ...env, PATH: `${bin}:${env['PATH']}` } });
  const deps = world.deps(target, memory);
  const first = await pushMirror(deps, someMirror, plain);
  assert.deepEqual(await fingerprint(folder), await fingerprint(world.root));
  assert.equal(first.brought, first.names);
  assert.equal((await pushMirror(deps, someMirror, plain)).brought, 0);
  await world.publish();
  assert.ok((await pushMirror(deps, someMirror, plain)).brought > 0);
  assert.deepEqual(await fingerprint(folder), await fingerprint(world.root));

  const name = [...(await fingerprint(folder)).keys()].find((each) => each.endsWith('.deb'))!;
  const expected = await fingerprint(world.root);
  const time = (await stat(join(world.root, name))).mtime;
  await writeFile(join(folder, name), (await readFile(join(folder, name))).fill(1));
  await utimes(join(folder, name), time, time);
  assert.equal((await pushMirror(deps, someMirror, { ...plain, verify: true })).brought, 1);
  await writeFile(join(folder, 'pool/stray'), 'x');
  assert.equal((await pushMirror(deps, someMirror, { ...plain, delete: true })).removed, 1);
  assert.deepEqual(await fingerprint(folder), expected);

  await writeFile(join(bin, 'ssh'), '#!/bin/sh\necho no route >&2\nexit 255\n', { mode: 0o755 });
  await assert.rejects(pushMirror(deps, someMirror, plain), { code: 'mirror-failed', message: /no route/ });
  const older = await readdir(join(folder, 'dists'));
  assert.deepEqual(older, ['stable']);
});
