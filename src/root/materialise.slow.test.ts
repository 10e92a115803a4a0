/** Roots from real packages of a real archive, and what happens when one cannot be made. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { debian, hostArchitecture, rootDeps, smallLock, smallRoot, testApt, testCache } from '../../test/small-root.ts';
import { until } from '../../test/until.ts';
import { arOf, tarEntry, tarOf } from '../formats/deb/testdata/archive.ts';
import { sha256 } from '../kit/digest.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { writePacked } from '../plumbing/packed-file.ts';
import { runChecked } from '../plumbing/process.ts';
import { createUnshareSandbox } from '../plumbing/sandbox/unshare.ts';
import { solve } from '../lock/mod.ts';
import { exportTar, materialise, newestTime, type Root } from './mod.ts';

const sandbox = createUnshareSandbox();
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-root-'));
});
after(async () => sandbox.remove(directory));

async function lockOf(suite: string, packages: readonly string[], buildDepends = ''): Promise<Lock> {
  const request = {
    architecture: hostArchitecture,
    upstream: debian(suite),
    own: [],
    packages,
    buildDepends,
    buildConflicts: '',
  };
  const answer = await solve({ solver: testApt() }, request);
  assert.equal(answer.kind, 'solved', answer.kind === 'solved' ? '' : answer.explanation);
  assert.ok(answer.kind === 'solved');
  return answer.lock;
}

async function sh(root: Root, script: string, uid = 1000): Promise<string> {
  const chunks: Uint8Array[] = [];
  const scratch = join(directory, `run-${Math.random().toString(36).slice(2)}`);
  const outcome = await sandbox.run({
    layers: root.layers,
    scratch,
    binds: [],
    argv: ['sh', '-euc', script],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    cwd: '/tmp',
    user: { uid, gid: uid },
    network: 'none',
    hostname: 'root-test',
    limits: { wall: 60_000, silence: 60_000, memory: 2 ** 30, disk: 2 ** 30, log: 2 ** 20, processes: 100 },
    onOutput: (chunk) => chunks.push(chunk),
  });
  const output = Buffer.concat(chunks).toString();
  assert.ok(outcome.kind === 'exited' && outcome.code === 0, `${JSON.stringify(outcome)}: ${output}`);
  return output;
}

test('materialise makes a Debian 12 build root, and build dependencies on top of it as a layer', async () => {
  const base = await lockOf('bookworm', ['build-essential', 'fakeroot']);
  const whole = await lockOf(
    'bookworm',
    ['build-essential', 'fakeroot'],
    'debhelper-compat (= 13), texinfo <!nodoc>, foo [!any]',
  );
  const root = await materialise(rootDeps(), base);
  const layered = await materialise(rootDeps(), whole, base);
  assert.deepEqual(layered.layers.slice(2), root.layers);
  const output = await sh(
    layered,
    'dpkg --audit; dpkg-buildpackage --version | head -1; makeinfo --version | head -1; id -un; echo "int main(){return 7;}" >x.c; gcc -o x x.c; ./x || echo $?',
  );
  assert.match(output, /^Debian dpkg-buildpackage version 1\.21/);
  assert.match(output, /GNU texinfo/);
  assert.match(output, /\nbuilder\n7\n$/);
  const installed = await sh(
    layered,
    "dpkg-query -W -f '${Package}_${Version}_${Architecture} ${db:Status-Status}\\n'",
  );
  const expected = whole.packages.map((each) => `${each.name}_${each.version}_${each.architecture} installed`);
  assert.deepEqual(installed.trim().split('\n').toSorted(), expected.toSorted());

  const nothing = { ...sandbox, run: async () => assert.fail('a root that is there is found at once') };
  assert.deepEqual(await materialise(rootDeps(nothing), whole, base), layered);
});

test('materialise makes a Debian 13 root with apt, and activates the triggers of the base', async () => {
  const root = await materialise(rootDeps(), await lockOf('trixie', ['apt', 'tmux']));
  assert.equal(await sh(root, 'grep tmux /etc/shells'), '/usr/bin/tmux\n');
  assert.match(await sh(root, 'apt-get --version; dpkg --audit; cat /etc/debian_version'), /^apt 3\.[\s\S]*\n13\./);
});

test('a root holds nothing of the host', async () => {
  const root = await smallRoot();
  const output = await sh(
    root,
    'cat /etc/hostname; wc -c </etc/resolv.conf; ls /mnt /tmp /run /var/lib/dbus 2>&1 || true; ls -d /bin /lib -l',
    0,
  );
  assert.match(output, /^localhost\n0\n/);
  assert.match(output, /\/bin -> usr\/bin\n/);
  assert.equal(await sh(root, 'cat /etc/machine-id 2>/dev/null || true', 0), '');
  assert.equal(await sh(root, 'ls /usr/sbin/policy-rc.d /etc/hosts-of-the-host 2>/dev/null || true', 0), '');
});

type Toy = { readonly locked: LockedPackage; readonly bytes: Buffer };

/** A package built on the spot; its scripts are part of it. */
async function toy(
  name: string,
  scripts: Readonly<Record<string, string>> = {},
  fields = '',
  hook?: string,
  architecture = 'all',
): Promise<Toy> {
  const tree = await mkdtemp(join(directory, `${name}-`));
  await mkdir(join(tree, 'DEBIAN'));
  await mkdir(join(tree, 'usr/share', name), { recursive: true });
  await writeFile(join(tree, 'usr/share', name, 'file'), name);
  const control = `Package: ${name}\nVersion: 1:1.0\nArchitecture: ${architecture}\nMaintainer: T <t@example.org>\nDescription: test\n${fields}`;
  await writeFile(join(tree, 'DEBIAN/control'), control);
  if (hook !== undefined) {
    await mkdir(dirname(join(tree, hook)), { recursive: true });
    await writeFile(join(tree, hook), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(join(tree, 'DEBIAN/conffiles'), `${hook}\n`);
    await writeFile(
      join(tree, 'DEBIAN/md5sums'),
      `${createHash('md5').update('#!/bin/sh\n').digest('hex')}  ${hook.slice(1)}\n`,
    );
  }
  for (const [script, text] of Object.entries(scripts)) {
    await writeFile(join(tree, 'DEBIAN', script), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  await runChecked(['dpkg-deb', '--root-owner-group', '-Znone', '--build', '--', tree, `${tree}.deb`]);
  return lockToy(await readFile(`${tree}.deb`), name, architecture);
}

function lockToy(bytes: Buffer, name: string, architecture = 'all'): Toy {
  const names = {
    name: parsePackageName(name),
    version: parseVersion('1:1.0'),
    architecture: parseArchitecture(architecture),
  };
  return { bytes, locked: { ...names, sha256: sha256(bytes), size: bytes.length, url: '' } };
}

/** A package with these entries, as other programs than dpkg-deb write them. */
function oddToy(name: string, ...entries: readonly Uint8Array[]): Toy {
  const control = `Package: ${name}\nVersion: 1:1.0\nArchitecture: all\nMaintainer: T <t@example.org>\nDescription: test\n`;
  const members = tarOf(tarEntry('./control', control), tarEntry('./md5sums'));
  return lockToy(
    arOf([
      ['debian-binary', '2.0\n'],
      ['control.tar', members],
      ['data.tar', tarOf(...entries)],
    ]),
    name,
  );
}

/** The small root's lock and toys on top, served on loopback. */
async function withToys(toys: readonly Toy[], work: (lock: Lock, base: Lock) => Promise<void>): Promise<void> {
  const files = new Map(toys.map((each) => [`/${each.locked.sha256}.deb`, each.bytes]));
  const server = createServer((request, response) => {
    const bytes = files.get(request.url ?? '');
    if (bytes === undefined) response.writeHead(404).end();
    else response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const base = await smallLock();
    const added = toys.map((each) => ({ ...each.locked, url: `${url}/${each.locked.sha256}.deb` }));
    await work({ ...base, packages: [...base.packages, ...added] }, base);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Roots in the cache that are finished, and those that are not. */
async function rootsIn(cache: string): Promise<{ finished: string[]; building: string[] }> {
  const names = await readdir(join(cache, 'roots')).catch(() => []);
  const isBuilding = (name: string) => name.startsWith('building-');
  return { finished: names.filter((name) => !isBuilding(name)), building: names.filter((name) => isBuilding(name)) };
}

/** Roots of the shared cache, finished or not, that a toy came to be in: other tests make theirs there at the same time. */
async function tracesOf(toy: string): Promise<string[]> {
  const traces = ['debs', 'install/upper/var/lib/dpkg/info'];
  const roots = join(testCache, 'roots');
  const found: string[] = [];
  for (const name of await readdir(roots)) {
    const lists = traces.map(async (trace) => readdir(join(roots, name, trace)).catch(() => []));
    if ((await Promise.all(lists)).flat().some((file) => file.startsWith(toy))) found.push(name);
  }
  return found;
}

test('a program among the conffiles is there for others only when its package is configured', async () => {
  const hook = '/etc/sheaf-toy.d/hook';
  const toys = [
    await toy('sheaf-toy-early', { postinst: `! test -e ${hook}` }),
    await toy('sheaf-toy-hook', { postinst: `test -x ${hook}` }, 'Depends: sheaf-toy-early\n', hook),
  ];
  await withToys(toys, async (lock, base) => {
    const root = await materialise(rootDeps(), lock, base);
    assert.equal(await sh(root, `dpkg --audit; dpkg --verify; ${hook}; ls /etc/sheaf-toy.d`, 0), 'hook\n');
    await sandbox.remove(join(root.layers[0]!, '../..'));
  });
});

test('materialise names the package, the script, its exit code and its last words', async () => {
  const toys = [await toy('sheaf-toy-bad', { postinst: 'echo "no such luck" >&2; exit 3' })];
  await withToys(toys, async (lock, base) => {
    await assert.rejects(
      materialise(rootDeps(), lock, base),
      (error: { code?: string; kind?: string; message?: string }) => {
        assert.deepEqual([error.code, error.kind], ['root-failed', 'environment']);
        assert.match(error.message ?? '', /postinst script of the package sheaf-toy-bad ended with exit code 3/);
        assert.match(error.message ?? '', /no such luck/);
        return true;
      },
    );
    assert.deepEqual(await tracesOf('sheaf-toy-bad'), []);
  });
});

test('materialise configures a pre-dependency before its dependent is unpacked, and starts no services', async () => {
  const toys = [
    await toy('sheaf-toy-a', { preinst: 'test -e /var/lib/toy-b-is-configured' }, 'Pre-Depends: sheaf-toy-b\n'),
    await toy('sheaf-toy-b', {
      postinst:
        '! invoke-rc.d --disclose-deny x start 2>/dev/null; : >/var/lib/toy-b-is-configured; ! getent hosts deb.debian.org',
    }),
  ];
  await withToys(toys, async (lock, base) => {
    const root = await materialise(rootDeps(), lock, base);
    assert.match(
      await sh(root, 'cat /usr/share/sheaf-toy-a/file; ls /var/lib/toy-b-is-configured'),
      /^sheaf-toy-a\/var/,
    );
    await sandbox.remove(join(root.layers[0]!, '../..'));
  });
});

test('materialise gives owners by their names, as dpkg does, and takes archives that dpkg-deb would not write', async () => {
  const toys = [
    oddToy('sheaf-toy-owner', tarEntry('./usr/share/toy-owner', 'one', { owner: 'mail' })),
    oddToy('sheaf-toy-names', tarEntry('usr/share/toy-names', 'one')),
    oddToy('sheaf-toy-twice', tarEntry('./usr/share/toy-twice', 'one'), tarEntry('./usr/share/toy-twice', 'two')),
  ];
  await withToys(toys, async (lock) => {
    const root = await materialise(rootDeps(), lock);
    const script = 'stat --format=%U /usr/share/toy-owner; dpkg --listfiles sheaf-toy-names; cat /usr/share/toy-twice';
    assert.equal(await sh(root, script), 'mail\n/usr/share/toy-names\ntwo');
    await sandbox.remove(join(root.layers[0]!, '../..'));
  });
});

test('kernels that come with initramfs-tools have their initramfs once all is configured, each made once', async () => {
  const kernel = (version: string) => ({
    postinst: `echo CONFIG_RD_GZIP=y >/boot/config-${version}; update-initramfs -c -k ${version} -b /boot; test -e /boot/initrd.img-${version}; ! test -s /boot/initrd.img-${version}`,
  });
  const needs = 'Depends: initramfs-tools, linux-base\n';
  const toys = [
    await toy('sheaf-toy-linux-1', kernel('1.0-toy'), needs),
    await toy('sheaf-toy-linux-2', kernel('2.0-toy'), needs),
  ];
  const tools = await lockOf('bookworm', ['initramfs-tools', 'linux-base']);
  await withToys(toys, async (lock) => {
    const added = lock.packages.filter(({ name }) => name.startsWith('sheaf-toy'));
    const root = await materialise(rootDeps(), { ...tools, packages: [...tools.packages, ...added] });
    const script =
      'cd /boot; ls initrd*; find . -name "initrd*" -size -100k; command -v update-initramfs; ls /usr/local/sbin /var/tmp';
    assert.equal(
      await sh(root, script, 0),
      'initrd.img-1.0-toy\ninitrd.img-2.0-toy\n/usr/sbin/update-initramfs\n/usr/local/sbin:\n\n/var/tmp:\n',
    );
    await sandbox.remove(join(root.layers[0]!, '../..'));
  });
});

test('materialise installs packages of another architecture beside those of the root', async () => {
  const same = 'Multi-Arch: same\n';
  const configured = { postinst: ': >"/var/lib/toy-lib-is-configured-$DPKG_MAINTSCRIPT_ARCH"' };
  const needs = { preinst: 'test -e /var/lib/toy-lib-is-configured-armhf' };
  const toys = [
    await toy('sheaf-toy-app', needs, 'Pre-Depends: sheaf-toy-lib\n', undefined, 'armhf'),
    await toy('sheaf-toy-lib', configured, same, undefined, hostArchitecture),
    await toy('sheaf-toy-lib', configured, same, undefined, 'armhf'),
  ];
  await withToys(toys, async (lock) => {
    const root = await materialise(rootDeps(), lock);
    const script =
      "dpkg --audit; dpkg --print-foreign-architectures; dpkg-query --show --showformat='${binary:Package}\\n'";
    const told = (await sh(root, script)).split('\n');
    assert.equal(told[0], 'armhf');
    assert.deepEqual(
      told.filter((line) => line.includes('toy')),
      ['sheaf-toy-app:armhf', `sheaf-toy-lib:${hostArchitecture}`, 'sheaf-toy-lib:armhf'].toSorted(),
    );
    await sandbox.remove(join(root.layers[0]!, '../..'));
  });
});

/** Before a command that looks at files of the sandbox's ids, which an ordinary user cannot. */
const mapped =
  process.getuid!() === 0 ? (['env'] as const) : (['unshare', '--user', '--map-auto', '--map-root-user'] as const);

test('materialise makes the same files twice, each file once on the disk, and dpkg finds nothing wrong with them', async () => {
  const base = await smallLock();
  const caches = [join(directory, 'one'), join(directory, 'two')];
  const [one, two] = await Promise.all(
    caches.map(async (cache) => materialise({ ...rootDeps(sandbox, cache), debs: rootDeps().debs }, base)),
  );
  const list =
    "find / -xdev ! -path '/proc*' ! -path '/dev*' ! -path /etc/hosts \\( -type f -exec sha256sum {} + \\) -o -printf '%p %y %m %U %G %l\\n' | sort";
  assert.equal(await sh(one!, list, 0), await sh(two!, list, 0));
  assert.equal(await sh(one!, 'dpkg --audit; dpkg --verify', 0), '');

  // Another root of the same packages takes hardly more room: its files are links.
  const size = async () =>
    Number((await runChecked([...mapped, 'du', '--summarize', '--block-size=1', caches[0]!])).split('\t')[0]);
  const before = await size();
  await materialise({ ...rootDeps(sandbox, caches[0]), debs: rootDeps().debs, account: null }, base);
  assert.ok((await size()) - before < before / 8, `${before} ${await size()}`);
});

test('a root is looked at again after the machine was started anew, and made again when it lost something', async () => {
  const cache = join(directory, 'one');
  const deps = { ...rootDeps(sandbox, cache), debs: rootDeps().debs };
  const lock = await smallLock();
  const root = await materialise(deps, lock);
  const record = join(root.layers[0]!, '../../root.json');
  const earlier = (await readFile(record, 'utf8')).replace(/"boot":"[^"]*"/, '"boot":"before"');
  await writeFile(record, earlier);
  assert.deepEqual(await materialise(deps, lock), root);
  assert.notEqual(await readFile(record, 'utf8'), earlier, 'found whole, and noted');

  await writeFile(record, earlier);
  await runChecked([...mapped, 'truncate', '--size=10', join(root.layers[0]!, 'var/lib/dpkg/status')]);
  assert.deepEqual(await materialise(deps, lock), root);
  assert.match(await sh(root, 'dpkg-query --show bash', 0), /^bash/);

  await writeFile(record, '');
  assert.deepEqual(await materialise(deps, lock), root, 'a record that was cut off is none');
});

test('two processes that want the same root make it once', async () => {
  const stamp = 'date +%N >/etc/made-at';
  await withToys([await toy('sheaf-toy-once', { postinst: `${stamp}; sleep 0.3` })], async (lock, base) => {
    const roots = await Promise.all([1, 2, 3].map(async () => materialise(rootDeps(), lock, base)));
    assert.equal(new Set(roots.map((root) => root.layers[0])).size, 1);
    await sandbox.remove(join(roots[0]!.layers[0]!, '../..'));
  });
});

/** Another process that makes the root in a cache of its own, killed when `at` says so. */
async function killWhen(lock: Lock, cache: string, at: () => Promise<boolean>): Promise<void> {
  const script = `
    import { materialise } from ${JSON.stringify(join(import.meta.dirname, 'mod.ts'))};
    import { rootDeps } from ${JSON.stringify(join(import.meta.dirname, '../../test/small-root.ts'))};
    const deps = { ...rootDeps(undefined, ${JSON.stringify(cache)}), debs: rootDeps().debs };
    await materialise(deps, ${JSON.stringify(lock)});`;
  const other = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
  const ended = once(other, 'exit');
  await until(async () => {
    assert.equal(other.exitCode, null, 'it came to its end before');
    return at();
  });
  other.kill('SIGKILL');
  await ended;
}

const notRoot = process.getuid!() === 0 ? false : 'only root can mount a small disk';

test(
  'a full disk, and kills while packages are unpacked and configured, leave the cache whole',
  { skip: notRoot },
  async () => {
    const lock = await smallLock();
    const cache = await mkdtemp('/dev/shm/sheaf-full-');
    const store = join(cache, 'roots/unpacked/upper/packages');
    const unfinished = async () => (await readdir(store).catch(() => [])).filter((name) => name.endsWith('.part'));
    const deps = { ...rootDeps(sandbox, cache), debs: rootDeps().debs };
    const tar = async (root: Root) => {
      const file = join(directory, 'root.tar');
      const scratch = await mkdtemp(join(directory, 'export-'));
      const options = { layers: root.layers, kind: 'merged', newest: newestTime(lock), scratch } as const;
      return (await writePacked(file, 'none', async (output) => exportTar(sandbox, options, output))).sha256;
    };
    await runChecked(['mount', '-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', cache]);
    try {
      await assert.rejects(materialise(deps, lock), (error: { code?: string; message?: string }) => {
        assert.equal(error.code, 'disk-full');
        const said =
          /^Cannot make the root: no room left on the disk of (\S+) \(.* free\); the \d+ packages are \d+ MiB/;
        assert.equal(said.exec(error.message!)?.[1], join(cache, 'roots'), error.message);
        return true;
      });
      assert.deepEqual([await rootsIn(cache), await unfinished()], [{ finished: ['unpacked'], building: [] }, []]);

      await runChecked(['mount', '-o', 'remount,size=2g', cache]);
      await killWhen(lock, cache, async () => (await unfinished()).length > 0);
      await killWhen(lock, cache, async () => {
        const { building } = await rootsIn(cache);
        const found = building.map(async (name) => readdir(join(cache, 'roots', name, 'install/upper/var/lib/dpkg')));
        return (await Promise.all(found).catch(() => [])).some((names) => names.includes('status'));
      });
      assert.deepEqual((await rootsIn(cache)).finished, ['unpacked']);
      assert.equal(await tar(await materialise(deps, lock)), await tar(await smallRoot()));
      assert.deepEqual([(await rootsIn(cache)).building, await unfinished()], [[], []]);
    } finally {
      await runChecked(['umount', cache]);
      await rm(cache, { recursive: true });
    }
  },
);

test('materialise can be called off', { timeout: 120_000 }, async () => {
  await withToys([await toy('sheaf-toy-long', { postinst: 'sleep 1d' })], async (lock, base) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1500);
    await assert.rejects(materialise(rootDeps(), lock, base, { signal: controller.signal }), { code: 'aborted' });
    assert.deepEqual(await tracesOf('sheaf-toy-long'), []);
  });
});

test('solve explains what cannot be installed', async () => {
  const request = {
    architecture: hostArchitecture,
    upstream: debian('bookworm'),
    own: [],
    packages: [],
    buildConflicts: '',
  };
  const answer = await solve(
    { solver: testApt() },
    { ...request, buildDepends: 'no-such-package (>= 3), hello (>= 99)' },
  );
  assert.equal(answer.kind, 'uninstallable');
  assert.ok(answer.kind === 'uninstallable');
  assert.match(answer.explanation, /no-such-package/);
  const conflict = await solve({ solver: testApt() }, { ...request, buildDepends: 'gcc', buildConflicts: 'gcc-12' });
  assert.equal(conflict.kind, 'uninstallable');
});
