/** Roots by the command line: the same bytes for everyone, and commands in them. Packages come from a real archive. */
import assert from 'node:assert/strict';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { asOrdinaryUser, noOrdinaryUser, ordinaryUser } from '../../../../test/ordinary-user.ts';
import { debian, hostArchitecture, smallLock, smallRoot, testApt, testCache } from '../../../../test/small-root.ts';
import { sha256 } from '../../../kit/digest.ts';
import { formatLock, solve } from '../../../lock/mod.ts';
import type { Lock } from '../../../model/lock.ts';
import { run, runChecked, type RunResult } from '../../../plumbing/process.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';

const program = join(import.meta.dirname, '../../../../sheaf');
const sandbox = createUnshareSandbox();
let directory: string;
let lock: string;
let packages: Lock;

type Settings = { readonly env?: Readonly<Record<string, string>>; readonly input?: string };

async function sheaf(words: readonly string[], settings: Settings = {}): Promise<RunResult> {
  const env = { PATH: process.env['PATH']!, HOME: directory, SHEAF_CACHE: join(directory, 'cache'), ...settings.env };
  const input = settings.input === undefined ? {} : { input: settings.input };
  return run([program, ...words], { cwd: directory, env, timeout: 10 * 60_000, ...input });
}

async function built(words: readonly string[], settings: Settings = {}): Promise<Record<string, unknown>> {
  const result = await sheaf(['root', 'build', ...words, '--from', join(directory, 'debs'), '--json'], settings);
  assert.equal(result.code, 0, result.stderr);
  return JSON.parse(result.stdout.toString()) as Record<string, unknown>;
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-roots-'));
  await smallRoot();
  packages = await smallLock();
  lock = join(directory, 'small.lock');
  await writeFile(lock, formatLock(packages));
  await mkdir(join(directory, 'debs'));
  for (const { sha256: hash } of packages.packages) {
    const name = `${hash}.deb`;
    await mkdir(join(directory, 'debs', hash.slice(0, 2)), { recursive: true });
    await copyFile(join(testCache, 'debs', hash.slice(0, 2), name), join(directory, 'debs', hash.slice(0, 2), name));
  }
});
after(async () => sandbox.remove(directory));

test('root build makes the same archive again, from what is cached and from nothing', async () => {
  const first = await built([lock, '--output', join(directory, 'first.tar')]);
  const again = await built([lock, '--output', join(directory, 'again.tar')]);
  assert.deepEqual([first['cached'], again['cached']], [false, true]);
  assert.equal(again['sha256'], first['sha256']);
  assert.equal(sha256(await readFile(join(directory, 'again.tar'))), first['sha256']);
  assert.equal(first['lock'], sha256(await readFile(lock)));

  const env = { SHEAF_CACHE: join(directory, 'other-cache'), TZ: 'Asia/Kathmandu', LC_ALL: 'tr_TR.UTF-8' };
  const other = await built([lock, '--output', join(directory, 'other.tar')], { env });
  assert.deepEqual([other['cached'], other['sha256']], [false, first['sha256']]);
});

test('root build gives an ordinary user on another filesystem the same archive', { skip: noOrdinaryUser }, async () => {
  const { sha256: expected } = await built([lock, '--output', join(directory, 'expected.tar')]);
  const { uid, gid } = ordinaryUser!;
  const place = await mkdtemp('/dev/shm/sheaf-roots-');
  try {
    for (const name of ['debs', 'out']) await mkdir(join(place, name), { mode: 0o755 });
    await chown(place, uid, gid);
    await chown(join(place, 'out'), uid, gid);
    await copyFile(lock, join(place, 'small.lock'));
    for (const { sha256: hash } of packages.packages) {
      const name = join(hash.slice(0, 2), `${hash}.deb`);
      await mkdir(join(place, 'debs', hash.slice(0, 2)), { recursive: true });
      await copyFile(join(directory, 'debs', name), join(place, 'debs', name));
    }
    const output = join(place, 'out/root.tar');
    const words = ['root', 'build', join(place, 'small.lock'), '--from', join(place, 'debs'), '--output', output];
    const strange = ['sh', '-c', 'umask 077; exec "$@"', 'sh', program, ...words] as const;
    const env = { PATH: process.env['PATH']!, HOME: place, TZ: 'America/St_Johns', LC_ALL: 'de_DE.UTF-8' };
    const result = await run(asOrdinaryUser([...strange]), { cwd: '/', env, timeout: 10 * 60_000 });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(sha256(await readFile(output)), expected);

    const refused = await run(asOrdinaryUser([...strange.slice(0, -1), join(place, 'out/tree')] as [string]), {
      cwd: '/',
      env,
    });
    assert.deepEqual([refused.code, /only root can make files of others/.test(refused.stderr)], [2, true]);
  } finally {
    await sandbox.remove(place);
  }
});

test('root build writes what tar, gzip, xz and zstd read, and every file with its owner', async () => {
  const plain = join(directory, 'plain.tar');
  const { sha256: hash } = await built([lock, '--output', plain]);
  const listed = (await run(['tar', '--list', '--verbose', '--numeric-owner', '--file', plain])).stdout.toString();
  for (const expected of [
    /^drwxr-xr-x 0\/0 .* \.\/\n/,
    /^drwxrwsr-x 0\/8 .* \.\/var\/mail\/$/m,
    /^hrwxr-xr-x 0\/0 .* \.\/usr\/bin\/perl\S* link to \.\/usr\/bin\/perl$/m,
    /^lrwxrwxrwx 0\/0 .* \.\/bin -> usr\/bin$/m,
  ]) {
    assert.ok(expected.test(listed), String(expected));
  }
  assert.ok(!/^[bcs]/m.test(listed));
  const names = listed.trimEnd().split('\n').length;
  assert.ok(names > 5000, String(names));
  for (const [suffix, unpack] of [
    ['gz', 'gzip'],
    ['zst', 'zstd'],
  ] as const) {
    const file = join(directory, `packed.tar.${suffix}`);
    await built([lock, '--output', file]);
    const bytes = await run([unpack, '--decompress', '--stdout', file], { limit: 2 ** 30 });
    assert.equal(sha256(bytes.stdout), hash, suffix);
  }
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('root build writes an OCI image of two layers with a base, whose parts name one another by hash', async () => {
  const request = { packages: ['hello', 'iputils-ping'], own: [], buildDepends: '', buildConflicts: '' };
  const upstream = debian('bookworm');
  const answer = await solve({ solver: testApt() }, { ...request, architecture: hostArchitecture, upstream });
  assert.ok(answer.kind === 'solved');
  const larger = join(directory, 'larger.lock');
  await writeFile(larger, formatLock(answer.lock));
  const image = join(directory, 'image');
  const { sha256: digest } = await built([larger, '--base', lock, '--output', `oci:${image}`]);
  const blob = async (hash: string) => readFile(join(image, 'blobs/sha256', hash.replace('sha256:', '')));
  type Described = { readonly digest: string; readonly size: number };
  const parse = <T>(bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as T;
  const index = parse<{ readonly manifests: readonly Described[] }>(await readFile(join(image, 'index.json')));
  assert.equal(index.manifests[0]!.digest, `sha256:${digest as string}`);
  const manifest = parse<{ readonly config: Described; readonly layers: readonly Described[] }>(
    await blob(index.manifests[0]!.digest),
  );
  for (const part of [...index.manifests, manifest.config, ...manifest.layers]) {
    const bytes = await blob(part.digest);
    assert.deepEqual([`sha256:${sha256(bytes)}`, bytes.length], [part.digest, part.size]);
  }
  assert.equal(manifest.layers.length, 2);
  const { sha256: base } = await built([lock, '--output', join(directory, 'base.tar')]);
  assert.equal(manifest.layers[0]!.digest, `sha256:${base as string}`);
  const above = join(image, 'blobs/sha256', manifest.layers[1]!.digest.replace('sha256:', ''));
  const names = (await run(['tar', '--list', '--file', above])).stdout.toString().split('\n');
  assert.ok(names.includes('./usr/bin/hello') && !names.includes('./usr/bin/perl'));
  // What ping may do without being root is an attribute of its file.
  assert.ok((await readFile(above)).includes('SCHILY.xattr.security.capability=\u0001'));
  const skopeo = await run(['skopeo', 'inspect', `oci:${image}:latest`]).catch(() => undefined);
  if (skopeo !== undefined) assert.ok(skopeo.stdout.includes(manifest.layers[1]!.digest), skopeo.stderr);
  const words = ['root', 'run', lock, '--base', larger, '--from', join(directory, 'debs'), '--', 'true'];
  const { code, stderr } = await sheaf(words);
  assert.deepEqual(
    [code, /small\.lock does not begin with \S+larger\.lock: no root is shared/.test(stderr)],
    [0, true],
    stderr,
  );
});

test('root build writes several architectures only into an image', async () => {
  const words = ['root', 'build', lock, '--arch', 'amd64', '--arch', 'arm64', '--output', join(directory, 'both.tar')];
  const { code, stderr } = await sheaf(words);
  assert.deepEqual([code, /several architectures to .*both\.tar: only an image/.test(stderr)], [2, true], stderr);
});

test('root build refuses forms that it does not make, and places that it cannot write to', async () => {
  for (const [output, expected] of [
    ['root.tgz', /root\.tgz: this form is not known\nhint: There are FILE\.tar, .* \.\/root\.tgz\//],
    ['ROOT.TAR', /ROOT\.TAR: this form is not known/],
    ['-', /to -: this form is not known\nhint: There are FILE\.tar, .* \.\/-\//],
    ['docker:root', /this form is not known/],
    ['oci:root:v1', /oci:DIR, and is called latest/],
    ['oci:', /oci:DIR/],
    ['no/root.tar', /Cannot write \S+: there is no folder \S+\/no\n/],
  ] as const) {
    const { code, stderr } = await sheaf(['root', 'build', lock, '--output', output]);
    assert.deepEqual([code, expected.test(stderr)], [2, true], stderr);
  }
});

test('root run says of a cache that cannot be used which it is, and how to name another', async () => {
  const env = { SHEAF_CACHE: join(lock, 'cache') };
  const { code, stderr } = await sheaf(['root', 'run', lock, '--', 'true'], { env });
  assert.deepEqual([code, /Cannot use the cache \S+: .*\nhint: .*SHEAF_CACHE/.test(stderr)], [3, true], stderr);
});

test('folders that are bound or have packages must be there, and the one to start in is one of the root', async () => {
  for (const [option, word, expected] of [
    ['--bind', 'nowhere:/src', /Cannot bind \S+\/nowhere: there is no such file or folder/],
    ['--keep', lock, /Cannot keep what is written in \S+: it is no folder/],
    ['--cwd', 'src', /Cannot read --cwd src: expected a folder of the root, which begins with "\/"/],
    ['--from', 'nowhere', /Cannot take packages from nowhere: there is no such folder\nhint: --from names/],
  ] as const) {
    const { code, stderr } = await sheaf(['root', 'run', lock, option, word, '--', 'true']);
    assert.deepEqual([code, expected.test(stderr)], [2, true], stderr);
  }
});

test('root run passes input, output and the exit code through, and throws away what was written', async () => {
  const words = ['root', 'run', lock, '--from', join(directory, 'debs')];
  const shell = ['--', 'sh', '-c', 'cat; echo err >/dev/stderr; touch /new; id -u; exit 7'];
  const first = await sheaf([...words, ...shell], { input: 'given\n' });
  assert.deepEqual([first.code, first.stdout.toString()], [7, 'given\n0\n'], first.stderr);
  assert.match(first.stderr, /err\n$/);
  const again = await sheaf([...words, '--json', '--', 'sh', '-c', 'ls /new; kill -9 $$']);
  const document = JSON.parse(again.stdout.toString()) as Record<string, unknown>;
  assert.deepEqual([again.code, document['code'], document['signal']], [137, 137, 'SIGKILL']);
  assert.match(document['output'] as string, /No such file/);
});

test('root run takes binds, variables, a user, a folder to start in, limits and a place to keep changes', async () => {
  const words = ['root', 'run', lock, '--from', join(directory, 'debs')];
  const options = ['--bind', `${lock}:/in/lock:ro`, '--env', 'A=b c', '--user', 'nobody', '--cwd', '/tmp'];
  const { stdout, stderr } = await sheaf([
    ...words,
    ...options,
    '--',
    'sh',
    '-c',
    'head -1 /in/lock; echo $A; id -un; pwd',
  ]);
  assert.equal(stdout.toString(), 'Package: sheaf-lock\nb c\nnobody\n/tmp\n', stderr);
  const keep = ['--keep', join(directory, 'kept')];
  await sheaf([...words, ...keep, '--', 'sh', '-c', 'echo there >/kept']);
  assert.equal((await sheaf([...words, ...keep, '--', 'cat', '/kept'])).stdout.toString(), 'there\n');
  const limited = await sheaf([
    ...words,
    '--limit',
    'processes=2',
    '--',
    'sh',
    '-c',
    'for i in 1 2 3 4; do sleep 9 & done; wait',
  ]);
  assert.deepEqual([limited.code, /processes/.test(limited.stderr)], [1, true], limited.stderr);
});

test('root build names a package that nobody has, its address and who could have it', async () => {
  const broken = join(directory, 'broken.lock');
  const text = await readFile(lock, 'utf8');
  const gone = text
    .replaceAll(/^URL: .*\/(.*)$/gm, 'URL: http://127.0.0.1:1/$1')
    .replaceAll(/^SHA256: ./gm, 'SHA256: 0');
  await writeFile(broken, gone);
  const env = { SHEAF_CACHE: join(directory, 'empty-cache') };
  // Of the right name and size, but another file.
  const [first] = packages.packages;
  const given = join(directory, `${first!.name}_${first!.version.replaceAll(':', '%3a')}_${first!.architecture}.deb`);
  await writeFile(given, Buffer.alloc(first!.size));
  const words = ['root', 'build', broken, '--from', directory, '--output', join(directory, 'broken.tar')];
  const result = await sheaf(words, { env });
  assert.equal(result.code, 3);
  assert.match(result.stderr, /Cannot fetch \S+ \S+ \(\w+\) from http:\/\/127\.0\.0\.1:1\/\S+\.deb/);
  assert.ok(result.stderr.includes(`hint: ${given} is not the file that was locked.`), result.stderr);
  assert.match(result.stderr, /hint: .*\/var\/cache\/apt\/archives.*snapshot\.debian\.org.*--from/);
  await rm(broken);
});

const notRoot = process.getuid!() === 0 ? false : 'only root can mount a small disk';

test(
  'root build fills an empty disk where it is mounted, and a folder that a link leads to',
  { skip: notRoot },
  async () => {
    const disk = join(directory, 'disk');
    await mkdir(disk);
    await symlink('disk', join(directory, 'link'));
    for (const form of ['', 'oci:']) {
      await runChecked(['mount', '-t', 'tmpfs', 'tmpfs', disk]);
      try {
        await mkdir(join(disk, 'lost+found'));
        await built([lock, '--output', `${form}${join(directory, 'link')}`]);
        const expected =
          form === '' ? ['etc', 'usr', 'lost+found'] : ['blobs', 'index.json', 'lost+found', 'oci-layout'];
        const found = await readdir(disk);
        assert.deepEqual(
          expected.filter((name) => !found.includes(name)),
          [],
        );
      } finally {
        await runChecked(['umount', disk]);
      }
    }
  },
);

test(
  'root build says which disk has no room for the archive or the directory, and leaves nothing there',
  { skip: notRoot },
  async () => {
    const small = join(directory, 'small');
    await mkdir(small);
    await runChecked(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', small]);
    try {
      for (const name of ['root.tar', 'root']) {
        const result = await sheaf(['root', 'build', lock, '--output', join(small, name)]);
        assert.equal(result.code, 3);
        assert.ok(
          result.stderr.includes(`Cannot write the root: no room left on the disk of ${small} (2.0 MiB free); the`),
          result.stderr,
        );
        assert.deepEqual(await readdir(small), []);
      }
    } finally {
      await runChecked(['umount', small]);
    }
  },
);
