/** A mirror behind a real sshd of our own on loopback, with the line that the manual gives for authorized_keys. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test, { after, before, type TestContext } from 'node:test';

import { mirrorWorld, someMirror, type MirrorWorld } from '../../../test/mirror-world.ts';
import { freePort } from '../../../test/free-port.ts';
import { fingerprint } from '../../../test/published-tree.ts';
import { pushMirror } from '../../flows/push-mirror.ts';
import { rsyncTarget } from '../../plumbing/mirror-target/rsync.ts';
import { run, runChecked } from '../../plumbing/process.ts';

const plain = { verify: false, delete: false };
const path = `${process.env['PATH']}:/usr/sbin:/sbin`;

let world: MirrorWorld;
let scratch: string;

before(async () => {
  world = await mirrorWorld();
  scratch = await mkdtemp(join(tmpdir(), 'sheaf-ssh-'));
  await world.publish();
});

after(async () => {
  await world.close();
  await rm(scratch, { recursive: true });
});

type FarHost = {
  readonly folder: string;
  /** `remote`: what stands in sheaf.toml. */
  readonly push: (remote: string, settings?: typeof plain) => ReturnType<typeof pushMirror>;
  /** The next connection through which this many bytes go out ends there. */
  readonly cutAfter: (bytes: number) => Promise<void>;
  readonly wasCut: () => boolean;
  /** The host has another key now, as when somebody stands in between. */
  readonly forgetHost: () => Promise<void>;
};

/** Undefined, and the test skipped, when a program is missing. `allow`: what the key may do, for authorized_keys. */
async function farHost(t: TestContext, allow: (folder: string) => string): Promise<FarHost | undefined> {
  for (const program of ['sshd', 'ssh', 'ssh-keygen', 'rsync', 'rrsync']) {
    const { code } = await run(['sh', '-c', `command -v ${program}`], { env: { PATH: path } });
    if (code !== 0) {
      t.skip(`no ${program} here`);
      return undefined;
    }
  }
  const home = await mkdtemp(join(scratch, 'far-'));
  const file = (name: string) => join(home, name);
  for (const name of ['host', 'client', 'other']) {
    await runChecked(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file(name)]);
  }
  const port = await freePort();
  const folder = file('mirror');
  await mkdir(folder);
  await writeFile(file('authorized_keys'), `${allow(folder)}${await readFile(file('client.pub'), 'utf8')}`);
  const know = async (key: string) =>
    writeFile(file('known_hosts'), `[127.0.0.1]:${port} ${await readFile(file(`${key}.pub`), 'utf8')}`);
  await know('host');
  await writeFile(
    file('sshd_config'),
    [
      ...[`ListenAddress 127.0.0.1:${port}`, `HostKey ${file('host')}`, `PidFile ${file('pid')}`],
      ...[`AuthorizedKeysFile ${file('authorized_keys')}`, 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no'],
      ...['KbdInteractiveAuthentication no', 'PermitRootLogin prohibit-password', ''],
    ].join('\n'),
  );
  await writeFile(
    file('ssh_config'),
    [
      ...['Host far', 'HostName 127.0.0.1', `Port ${port}`, `User ${userInfo().username}`],
      ...[`UserKnownHostsFile ${file('known_hosts')}`, 'GlobalKnownHostsFile /dev/null', ''],
    ].join('\n'),
  );
  await startSshd(t, file('sshd_config'), port);
  // ssh asks the system for the user's folder and not the environment: so a test says where its own settings are.
  const bin = file('bin');
  await mkdir(bin);
  const script = `#!/bin/sh
set -- "$(PATH="${path}" command -v ssh)" -F "${home}/ssh_config" "$@"
if [ ! -e "${home}/cut" ]; then exec "$@"; fi
bytes=$(cat "${home}/cut")
mkfifo "${home}/pipe-$$"
exec 3<&0
{
  sent=$(dd bs=1 count="$bytes" status=none <&3 | tee "${home}/pipe-$$" | wc -c)
  if [ "$sent" -eq "$bytes" ]; then rm "${home}/cut"; fi
} >&2 &
exec "$@" <"${home}/pipe-$$" 3<&-
`;
  await writeFile(join(bin, 'ssh'), script);
  await chmod(join(bin, 'ssh'), 0o755);
  const push = (remote: string, settings = plain) => {
    const env = { PATH: `${bin}:${path}` };
    const target = rsyncTarget({ root: world.root, remote, sshKey: file('client'), env, pause: 1 });
    return pushMirror(world.deps(target, file('memory')), someMirror, settings);
  };
  return {
    folder,
    push,
    cutAfter: (bytes) => writeFile(file('cut'), String(bytes)),
    wasCut: () => !existsSync(file('cut')),
    forgetHost: () => know('other'),
  };
}

async function startSshd(t: TestContext, config: string, port: number): Promise<void> {
  // Where root's sshd locks itself in before anybody has logged in.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const program = (await runChecked(['sh', '-c', 'command -v sshd'], { env: { PATH: path } })).trim();
  const child = spawn(program, ['-D', '-e', '-f', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const gone = once(child, 'exit');
  t.after(async () => {
    child.kill();
    await gone;
  });
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    const socket = connect(port, '127.0.0.1');
    const answers = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (answers) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`sshd does not answer: ${said}`);
}

/** Names, hashes and links; of rsync's times only whole seconds are the same. */
async function names(directory: string): Promise<readonly string[]> {
  const found = [...(await fingerprint(directory))].map(([name, what]) => `${name} ${what.replace(/ [\d.]+$/, '')}`);
  return found.toSorted();
}

test('pushMirror over ssh makes the same tree, goes on after a cut, and mends', async (t) => {
  const far = await farHost(t, () => '');
  if (far === undefined) return;
  const remote = `far:${far.folder}/deep/mirror`;
  const folder = join(far.folder, 'deep/mirror');
  await far.cutAfter(1500);
  const first = await far.push(remote);
  assert.ok(far.wasCut());
  assert.ok(first.brought > 0);
  assert.deepEqual(await names(folder), await names(world.root));
  assert.equal((await far.push(remote)).brought, 0);

  await world.publish();
  await far.cutAfter(1500);
  assert.ok((await far.push(remote)).brought > 0);
  assert.ok(far.wasCut());
  assert.deepEqual(await names(folder), await names(world.root));

  const deb = [...(await fingerprint(folder)).keys()].find((name) => name.endsWith('.deb'))!;
  const { mtime } = await stat(join(folder, deb));
  await writeFile(join(folder, deb), (await readFile(join(folder, deb))).fill(1));
  await utimes(join(folder, deb), mtime, mtime);
  assert.equal((await far.push(remote, { verify: true, delete: false })).brought, 1);
  assert.deepEqual(await names(folder), await names(world.root));
});

test('pushMirror over ssh needs no more than rrsync allows', async (t) => {
  const far = await farHost(t, (folder) => `command="rrsync ${folder}",restrict `);
  if (far === undefined) return;
  await far.push('far:/');
  assert.deepEqual(await names(far.folder), await names(world.root));
  await writeFile(join(far.folder, 'pool/stray'), 'x');
  assert.equal((await far.push('far:/', { verify: false, delete: true })).removed, 1);
  assert.deepEqual(await names(far.folder), await names(world.root));
});

test('pushMirror over ssh sends nothing to a host that has another key', async (t) => {
  const far = await farHost(t, () => '');
  if (far === undefined) return;
  await far.forgetHost();
  await assert.rejects(far.push(`far:${far.folder}`), {
    code: 'mirror-failed',
    message: /HOST IDENTIFICATION HAS CHANGED/,
  });
  assert.deepEqual(await names(far.folder), []);
});
