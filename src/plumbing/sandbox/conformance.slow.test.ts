/** The sandbox's contract (port.ts), held by every implementation. Exceptions are named where they are made. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { smallRoot } from '../../../test/small-root.ts';
import type { BuildLimits } from '../../model/distribution.ts';
import { run } from '../process.ts';
import type { Sandbox, SandboxOutcome, SandboxSpec } from './port.ts';
import { createRuncSandbox } from './runc.ts';
import { createUnshareSandbox } from './unshare.ts';

const generous: BuildLimits = {
  wall: 60_000,
  silence: 60_000,
  memory: 2 ** 30,
  disk: 2 ** 30,
  log: 16 * 2 ** 20,
  processes: 200,
};

const hasRunc = await run(['runc', '--version']).then(
  ({ code }) => code === 0,
  () => false,
);

for (const sandbox of [createUnshareSandbox(), createRuncSandbox()]) {
  const skip = sandbox.name === 'runc' && !hasRunc ? 'runc is not installed' : false;
  describe(`the ${sandbox.name} sandbox`, { skip }, () => suite(sandbox));
}

function suite(sandbox: Sandbox): void {
  const isRunc = sandbox.name === 'runc';
  let layers: readonly string[];
  let directory: string;
  let count = 0;

  before(async () => {
    layers = (await smallRoot()).layers;
    directory = await mkdtemp(join(tmpdir(), 'sheaf-sandbox-'));
  });
  after(async () => sandbox.remove(directory));

  type Ran = { readonly outcome: SandboxOutcome; readonly output: string; readonly scratch: string };

  async function sh(script: string, changes: Partial<SandboxSpec> = {}): Promise<Ran> {
    const chunks: Uint8Array[] = [];
    const scratch = changes.scratch ?? join(directory, `scratch-${count++}`);
    const outcome = await sandbox.run({
      layers,
      scratch,
      binds: [],
      argv: ['sh', '-c', script],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent' },
      cwd: '/',
      user: { uid: 1000, gid: 1000 },
      network: 'none',
      hostname: 'sheaf-test',
      limits: generous,
      onOutput: (chunk) => chunks.push(chunk),
      ...changes,
    });
    return { outcome, output: Buffer.concat(chunks).toString(), scratch };
  }

  async function limited(script: string, limits: Partial<BuildLimits>, changes: Partial<SandboxSpec> = {}) {
    const ran = await sh(script, { ...changes, limits: { ...generous, ...limits } });
    assert.equal(ran.outcome.kind, 'limit', ran.output.slice(-500));
    assert.ok(ran.outcome.kind === 'limit');
    return { ...ran, outcome: ran.outcome };
  }

  const root = { user: { uid: 0, gid: 0 } };

  test('run gives exit codes, and 127 for a program that is not there', async () => {
    for (const code of [0, 3, 125, 255]) {
      const { outcome } = await sh(`exit ${code}`);
      assert.deepEqual([outcome.kind, outcome.kind === 'exited' && outcome.code], ['exited', code]);
    }
    const { outcome, output } = await sh('', { argv: ['/no/such/program'] });
    assert.deepEqual([outcome.kind, outcome.kind === 'exited' && outcome.code], ['exited', 127]);
    assert.match(output, /no such file/i);
  });

  test('run names the signal that ended the command', async () => {
    // A true fault: under runc the command is pid 1, which signals from inside do not reach.
    const { outcome } = await sh('', { argv: ['perl', '-e', 'unpack("p", pack("J", 1))'] });
    assert.deepEqual([outcome.kind, outcome.kind === 'killed' && outcome.signal], ['killed', 'SIGSEGV']);
  });

  test('run keeps standard output and standard error in their order', async () => {
    const { output } = await sh('for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done; echo again >/dev/stderr');
    assert.equal(output, `${[1, 2, 3, 4, 5].map((i) => `out ${i}\nerr ${i}\n`).join('')}again\n`);
  });

  test('run passes all output on, however fast it comes', async () => {
    const { output } = await sh('head -c 3000000 /dev/zero | tr "\\0" x; echo; echo end');
    assert.equal(output.length, 3_000_005);
  });

  test('run hands standard error over apart where that is asked for', async () => {
    const errors: Uint8Array[] = [];
    const { output } = await sh('echo out; echo err >&2; echo again >/dev/stderr', {
      onError: (chunk) => errors.push(chunk),
    });
    assert.deepEqual([output, Buffer.concat(errors).toString()], ['out\n', 'err\nagain\n']);
  });

  test('run lets a command wait whose output is not taken, and fails as the taker does', async () => {
    let most = 0;
    let taking = 0;
    let size = 0;
    const take = async (chunk: Uint8Array) => {
      most = Math.max(most, ++taking);
      await sleep(1);
      size += chunk.length;
      taking--;
    };
    const { outcome } = await sh('head -c 5000000 /dev/zero; sleep 0.3', { onOutput: take });
    assert.deepEqual([outcome.kind, size, most], ['exited', 5_000_000, 1]);
    const refuse = async () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(sh('yes', { onOutput: refuse }), /the disk is full/);
  });

  test('run gives the command the input, output and error of this process', async () => {
    const script = `
      import { create${isRunc ? 'Runc' : 'Unshare'}Sandbox as create } from ${JSON.stringify(join(import.meta.dirname, `${sandbox.name}.ts`))};
      const outcome = await create().run({ layers: ${JSON.stringify(layers)}, scratch: ${JSON.stringify(join(directory, 'inherits'))}, binds: [],
        argv: ['sh', '-c', 'read line; echo "got $line"; cat /dev/stdin | wc -c; echo err >/dev/stderr; exit 5'], env: { PATH: '/usr/bin' }, cwd: '/',
        user: { uid: 1000, gid: 1000 }, network: 'none', hostname: 'inherits', limits: ${JSON.stringify(generous)}, stdio: 'inherit' });
      process.exitCode = outcome.code;`;
    const input = `first\n${'x'.repeat(300_000)}`;
    const ran = await run([process.execPath, '--input-type=module', '--eval', script], { input });
    assert.deepEqual([ran.code, ran.stdout.toString(), ran.stderr], [5, 'got first\n300000\n', 'err\n']);
  });

  test('a file that this process was given is not handed on', async () => {
    const script = `
      import { create${isRunc ? 'Runc' : 'Unshare'}Sandbox as create } from ${JSON.stringify(join(import.meta.dirname, `${sandbox.name}.ts`))};
      await create().run({ layers: ${JSON.stringify(layers)}, scratch: ${JSON.stringify(join(directory, 'given'))}, binds: [],
        argv: ['sh', '-c', 'for fd in /proc/self/fd/*; do readlink "$fd"; done; :'], env: { PATH: '/usr/bin' }, cwd: '/',
        user: { uid: 1000, gid: 1000 }, network: 'none', hostname: 'given', limits: ${JSON.stringify(generous)}, stdio: 'inherit' });`;
    // Node itself keeps low numbers back.
    const given = ['-c', 'exec 200<"$1"; shift; exec "$@"', 'bash', directory] as const;
    const ran = await run(['bash', ...given, process.execPath, '--input-type=module', '--eval', script]);
    assert.equal(ran.code, 0, ran.stderr);
    assert.ok(!ran.stdout.toString().includes(directory), ran.stdout.toString());
    assert.match(ran.stdout.toString(), /pipe/);
  });

  // Exception: an OCI runtime would have to hand its terminal over another way.
  test('run gives the command a terminal of its own', { skip: isRunc }, async () => {
    const script = `
      import { createUnshareSandbox } from ${JSON.stringify(join(import.meta.dirname, 'unshare.ts'))};
      await createUnshareSandbox().run({ layers: ${JSON.stringify(layers)}, scratch: ${JSON.stringify(join(directory, 'terminal'))}, binds: [],
        argv: ['sh', '-c', 'tty; stty size; trap "echo interrupted" INT; kill -INT -$$; echo end'], env: { PATH: '/usr/bin:/bin' }, cwd: '/',
        user: { uid: 1000, gid: 1000 }, network: 'none', hostname: 'terminal', limits: ${JSON.stringify(generous)}, stdio: 'terminal' });`;
    const file = join(directory, 'terminal.mjs');
    await writeFile(file, script);
    const shown = await run([
      'script',
      '--quiet',
      '--command',
      `stty cols 91 rows 17; ${process.execPath} ${file}`,
      '/dev/null',
    ]);
    assert.match(shown.stdout.toString(), /\/dev\/pts\/0\r\n17 91\r\ninterrupted\r\nend\r\n/);
  });

  test('run gives exactly the environment, arguments, directory and host name asked for', async () => {
    const env = { HOME: '/h', PATH: '/usr/bin', ODD: 'a=b "c" $(id)\n\té', EMPTY: '' };
    const { output } = await sh('', { argv: ['env', '-0'], env });
    const found = output.split('\0').filter((line) => line !== '');
    assert.deepEqual(new Set(found), new Set(Object.entries(env).map(([name, value]) => `${name}=${value}`)));
    const words = ['printf', '%s|', '$(id)', 'a b', '', '*', '\n'] as const;
    assert.equal((await sh('', { argv: words })).output, '$(id)|a b||*|\n|');
    assert.equal((await sh('pwd; uname -n; cat /etc/hosts', { cwd: '/usr/bin' })).output.split('\n')[0], '/usr/bin');
    assert.match((await sh('uname -n; cat /etc/hosts')).output, /^sheaf-test\n127\.0\.0\.1\s.*sheaf-test/);
  });

  test('run starts the command as the ids asked for, without privileges and without a way to get any', async () => {
    const { output } = await sh('id -u; id -g; id -G; cat /proc/self/status; umask; ulimit -c');
    assert.match(output, /^1000\n1000\n1000\n/);
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) assert.match(output, new RegExp(`Cap${set}:\t0+\n`));
    assert.match(output, /NoNewPrivs:\t1\n/);
    assert.match(output, /0022\n0\n$/);
    const asRoot = await sh(
      'id -u; unshare --user true; mount -t tmpfs x /mnt; mknod /tmp/sda b 8 0; cat /proc/self/status',
      root,
    );
    assert.match(asRoot.output, /^0\n/);
    assert.match(asRoot.output, /unshare failed/);
    assert.doesNotMatch((await sh('cat /proc/self/mountinfo', root)).output, / \/mnt /);
    const capabilities = BigInt(`0x${/CapPrm:\t([0-9a-f]+)/.exec(asRoot.output)![1]}`);
    for (const number of [12, 16, 17, 19, 21, 38, 39])
      assert.equal((capabilities >> BigInt(number)) & 1n, 0n, `capability ${number}`);
  });

  test('no process inside has an id of root or of the caller on the host', async () => {
    for (const user of [{ uid: 1000, gid: 1000 }, root.user]) {
      const marker = newMarker();
      const controller = new AbortController();
      const running = sh(`sleep ${marker} & sleep ${marker}`, { user, signal: controller.signal });
      const processes = await untilRunning(marker, 2);
      for (const pid of processes) {
        const status = await readFile(`/proc/${pid}/status`, 'utf8');
        for (const [, line] of status.matchAll(/^[UG]id:\t(.*)$/gm)) {
          for (const id of line!.split('\t').map(Number)) assert.ok(id > 65_535 && id !== process.getuid!(), line);
        }
        for (const name of ['user', 'mnt', 'pid', 'ipc', 'uts', 'net']) {
          if (process.getuid!() !== 0) continue;
          assert.notEqual(await readlink(`/proc/${pid}/ns/${name}`), await readlink(`/proc/self/ns/${name}`), name);
        }
      }
      controller.abort();
      assert.equal((await running).outcome.kind, 'aborted');
      assert.deepEqual(await findMarked(marker), []);
    }
  });

  test('nothing of the host’s files is visible but layers and binds', async () => {
    const secret = join(directory, 'secret');
    await writeFile(secret, 'of the host');
    const { output } = await sh(
      `ls -A /; echo; cat ${secret} ${import.meta.filename}; ls /proc/1/root/ /proc/1/cwd/`,
      root,
    );
    assert.doesNotMatch(output, /of the host/);
    const known = new Set(['proc', 'dev', ...(await topNames(layers))]);
    for (const name of output.split('\n\n')[0]!.split('\n')) assert.ok(known.has(name), name);
    const mounts = (await sh('cat /proc/self/mountinfo')).output
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[4]!);
    for (const mount of mounts) assert.match(mount, /^\/(?:$|proc|dev|etc\/hosts$)/);
    // The host's processes neither, and nobody inside may look through its first process.
    const processes = (await sh('cd /proc; ls -d [0-9]*', root)).output.trim().split('\n');
    assert.ok(processes.length <= 4, processes.join(' '));
    assert.doesNotMatch((await sh('cat /proc/1/environ')).output, /node|sheaf-sandbox|SHEAF/);
  });

  test('network none has a loopback device and nothing else', async () => {
    const { output } = await sh(
      'cat /proc/net/dev /proc/net/route; perl -MIO::Socket::INET -e \'print IO::Socket::INET->new("192.0.2.1:80") ? "reached" : $!\'',
    );
    const devices = [...output.matchAll(/^\s*(\S+):/gm)].map((match) => match[1]);
    assert.deepEqual(devices, ['lo']);
    assert.match(output, /Network is unreachable/);
    const server =
      'perl -MIO::Socket::INET -e \'$s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die; print IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport) ? "up" : "down"\'';
    assert.equal((await sh(server)).output, 'up');
  });

  test('network host is the host’s network, with its resolver', async () => {
    const { output } = await sh('cat /proc/net/dev; echo --; cat /etc/resolv.conf', { network: 'host' });
    const names = (text: string) => [...text.matchAll(/^\s*(\S+):/gm)].map((match) => match[1]);
    assert.deepEqual(names(output.split('--\n')[0]!), names(await readFile('/proc/net/dev', 'utf8')));
    assert.equal(output.split('--\n')[1], await readFile('/etc/resolv.conf', 'utf8'));
  });

  test('a layer is never written', async () => {
    const before = await fingerprint(layers);
    const { outcome, scratch } = await sh(
      'rm -rf /etc/debian_version /usr/share/doc; echo x >>/etc/passwd; chmod 700 /usr/bin/ls; echo new >/new',
      root,
    );
    assert.equal(outcome.kind, 'exited');
    assert.deepEqual(await fingerprint(layers), before);
    assert.equal(await readFile(join(scratch, 'upper/new'), 'utf8'), 'new\n');
    // What was written on top is there for the next command of the same scratch, and for nobody else.
    assert.equal((await sh('cat /new; ls /usr/share/doc', { scratch })).output.split('\n')[0], 'new');
    assert.match((await sh('cat /new')).output, /No such file/);
  });

  test('binds are read-only unless asked otherwise, files and directories alike', async () => {
    const shared = join(directory, 'shared');
    await mkdir(shared, { mode: 0o755 });
    await writeFile(join(shared, 'input'), 'input');
    await mkdir(join(directory, 'open'));
    await chmod(join(directory, 'open'), 0o777);
    const binds = [
      { source: shared, target: '/in/put', readOnly: true },
      { source: join(shared, 'input'), target: '/one/file', readOnly: true },
      { source: join(directory, 'open'), target: '/out', readOnly: false },
    ];
    const { output } = await sh(
      'cat /in/put/input /one/file; for f in /in/put/x /one/file /out/y; do echo z >$f && echo wrote $f; done',
      { ...root, binds },
    );
    assert.match(output, /^inputinput/);
    assert.deepEqual(output.match(/wrote \S+/g), ['wrote /out/y']);
    assert.equal(await readFile(join(directory, 'open/y'), 'utf8'), 'z\n');
    assert.equal(await readFile(join(shared, 'input'), 'utf8'), 'input');
  });

  test('the devices that programs expect work', async () => {
    const { output } = await sh(
      'echo x >/dev/null && head -c 4 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c; echo full >/dev/full; echo s >/dev/shm/s && cat /dev/shm/s; echo o >/dev/stdout; perl -e \'open(P, "+<", "/dev/ptmx") and print "pty\\n"\'',
    );
    assert.match(output, /^4\n4\n.*(?:No space left on device|I\/O error)\ns\no\npty\n$/s);
  });

  test('limit wall ends a command that runs too long', async () => {
    const { outcome } = await limited('while true; do echo x; sleep 0.1; done', { wall: 700 });
    assert.equal(outcome.limit, 'wall');
    assert.match(outcome.message, /longer than 700 ms/);
    assert.ok(outcome.usage.wall < 5000);
  });

  test('limit silence ends a command that says nothing, and only then', async () => {
    assert.equal((await limited('echo one; sleep 0.3; echo two; sleep 30', { silence: 600 })).output, 'one\ntwo\n');
    const talking = await sh('for i in 1 2 3 4; do echo $i; sleep 0.3; done', {
      limits: { ...generous, silence: 900 },
    });
    assert.equal(talking.outcome.kind, 'exited');
  });

  test('limit memory counts all processes together', async () => {
    const each = "perl -e '$x = q(x) x 60_000_000; sleep 30' &";
    const { outcome } = await limited(`${each} ${each} ${each} wait`, { memory: 128 * 2 ** 20 });
    assert.equal(outcome.limit, 'memory');
    assert.ok(outcome.usage.peakMemory > 128 * 2 ** 20);
  });

  test('limit disk counts what is written, deleted files that are open included', async () => {
    const write = 'dd if=/dev/zero bs=1M count=200 status=none';
    assert.equal((await limited(`${write} of=/tmp/big; sleep 30`, { disk: 50 * 2 ** 20 })).outcome.limit, 'disk');
    const deleted = `exec 9>/tmp/big; rm /tmp/big; ${write} >&9; sleep 30`;
    assert.equal((await limited(deleted, { disk: 50 * 2 ** 20 })).outcome.limit, 'disk');
  });

  test('limit disk is kept while others free as much', async () => {
    const other = join(directory, 'other');
    await writeFile(other, Buffer.alloc(300 * 2 ** 20));
    const script = 'echo; sleep 1; dd if=/dev/zero of=/tmp/big bs=1M count=200 status=none; sleep 30';
    const { outcome } = await limited(script, { disk: 50 * 2 ** 20 }, { onOutput: async () => rm(other) });
    assert.equal(outcome.limit, 'disk');
  });

  test('limit log ends a command that says too much, and cuts there', async () => {
    const { outcome, output } = await limited('yes', { log: 10_000 });
    assert.equal(outcome.limit, 'log');
    assert.equal(output.length, 10_000);
  });

  test('limit processes ends a fork bomb with all its children', async () => {
    const marker = newMarker();
    // The shell itself needs no more processes: one that cannot fork would end before anyone looks.
    const bomb = `bomb() { sleep ${marker} & bomb & bomb; }; (bomb) & exec sleep ${marker}`;
    const { outcome } = await limited(bomb, { processes: 60, wall: 20_000 });
    assert.equal(outcome.limit, 'processes');
    assert.deepEqual(await findMarked(marker), []);
  });

  test('nothing outlives the command', async () => {
    const marker = newMarker();
    const { outcome } = await sh(`setsid sleep ${marker} </dev/null >/dev/null 2>&1 & (sleep ${marker} &); exit 4`);
    assert.deepEqual([outcome.kind, outcome.kind === 'exited' && outcome.code], ['exited', 4]);
    assert.deepEqual(await findMarked(marker), []);
  });

  test('nothing outlives a caller that is killed', async () => {
    const marker = newMarker();
    const script = `
      import { create${isRunc ? 'Runc' : 'Unshare'}Sandbox as create } from ${JSON.stringify(join(import.meta.dirname, `${sandbox.name}.ts`))};
      await create().run({ layers: ${JSON.stringify(layers)}, scratch: ${JSON.stringify(join(directory, 'killed'))}, binds: [],
        argv: ['sh', '-c', 'setsid sleep ${marker} & sleep ${marker}'], env: { PATH: '/usr/bin' }, cwd: '/', user: { uid: 1000, gid: 1000 },
        network: 'none', hostname: 'killed', limits: ${JSON.stringify(generous)} });`;
    const caller = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' });
    await untilRunning(marker, 2);
    caller.kill('SIGKILL');
    for (let i = 0; i < 50 && (await findMarked(marker)).length > 0; i++) await sleep(100);
    assert.deepEqual(await findMarked(marker), []);
  });

  test('an abort ends the command, before it started as well', async () => {
    const marker = newMarker();
    const controller = new AbortController();
    const running = sh(`sleep ${marker}`, { signal: controller.signal });
    await untilRunning(marker, 1);
    controller.abort();
    assert.equal((await running).outcome.kind, 'aborted');
    assert.equal((await sh('echo started', { signal: AbortSignal.abort() })).outcome.kind, 'aborted');
    assert.deepEqual(await findMarked(marker), []);
  });

  test('run says what is wrong with a specification', async () => {
    await assert.rejects(sh('', { layers: ['/no/such/layer'] }), {
      code: 'sandbox-layer-missing',
      kind: 'environment',
    });
    await assert.rejects(sh('', { layers: [] }), { code: 'bad-sandbox-spec' });
    await assert.rejects(sh('', { hostname: 'a b' }), { code: 'bad-sandbox-spec' });
    await assert.rejects(sh('', { cwd: 'relative' }), { code: 'bad-sandbox-spec' });
    await assert.rejects(sh('', { env: { 'A=B': '' } }), { code: 'bad-sandbox-spec' });
    await assert.rejects(sh('', { binds: [{ source: '/no/such/bind', target: '/x', readOnly: true }] }), {
      code: 'sandbox-unavailable',
      message: /\/no\/such\/bind/,
    });
  });

  test('a symbolic link in a layer leads nowhere on the host', async () => {
    const { scratch } = await sh('rm -rf /mnt /srv; ln -s ../../../../../../tmp /mnt; ln -s /etc /srv', root);
    const layer = join(scratch, 'upper');
    const shared = join(directory, 'linked');
    await mkdir(shared, { mode: 0o755 });
    const binds = [{ source: shared, target: '/mnt/bound', readOnly: true }];
    const { outcome, output } = await sh('ls -ld /mnt /tmp /tmp/bound; cat /proc/self/mountinfo | grep bound', {
      layers: [layer, ...layers],
      binds,
    });
    assert.equal(outcome.kind === 'exited' && outcome.code, 0, output);
    await assert.rejects(lstat(join(tmpdir(), 'bound')));
  });

  test('remove takes away whatever the namespace left, twice too', async () => {
    const { scratch } = await sh('mkdir -p /x/y; touch /x/y/z; chmod 000 /x/y /x; ln -s / /link', root);
    await sandbox.remove(scratch);
    await assert.rejects(lstat(scratch), { code: 'ENOENT' });
    await sandbox.remove(scratch);
    await lstat('/usr');
  });

  test('many at once do not disturb one another', async () => {
    const all = await Promise.all(
      Array.from({ length: 6 }, (_, index) => sh(`echo ${index} >/tmp/me; sleep 0.2; cat /tmp/me`)),
    );
    assert.deepEqual(
      all.map(({ output }) => output),
      ['0\n', '1\n', '2\n', '3\n', '4\n', '5\n'],
    );
  });
}

let markers = 0;
/** A number of seconds that no other process sleeps. */
function newMarker(): string {
  return `${86_400 + markers++}.${process.pid}`;
}

/** Processes of the host with a marker among their arguments. */
async function findMarked(marker: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words[0] === 'sleep' && words.includes(marker)) found.push(pid);
  }
  return found;
}

async function untilRunning(marker: string, count: number): Promise<string[]> {
  for (let i = 0; i < 200; i++) {
    const found = await findMarked(marker);
    if (found.length >= count) return found;
    await sleep(50);
  }
  throw new Error(`no ${count} processes with ${marker} came up`);
}

async function topNames(layers: readonly string[]): Promise<string[]> {
  return (await Promise.all(layers.map((layer) => readdir(layer)))).flat();
}

/** Names, times and sizes of all files of the layers. */
async function fingerprint(layers: readonly string[]): Promise<string> {
  const { stdout } = await run(['find', ...layers, '-xdev', '-printf', '%p %y %m %U %s %T@ %C@\\n'], {
    limit: 256 * 2 ** 20,
  });
  return createHash('sha256').update(stdout).digest('hex');
}
