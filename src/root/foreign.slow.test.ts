/**
 * Roots of another architecture than the host's, whose programs qemu runs. With SHEAF_TEST_FOREIGN=1 also all essential
 * packages of Debian, twice: minutes.
 */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { foreignArchitecture, foreignLock, rootDeps, smallLock } from '../../test/small-root.ts';
import { emulatorOf } from '../plumbing/sandbox/foreign.ts';
import type { Sandbox, SandboxOutcome, SandboxSpec } from '../plumbing/sandbox/port.ts';
import { probeSandbox } from '../plumbing/sandbox/probe.ts';
import { createRuncSandbox } from '../plumbing/sandbox/runc.ts';
import { createUnshareSandbox } from '../plumbing/sandbox/unshare.ts';
import { exportTar, materialise, newestTime } from './mod.ts';

const sandbox = createUnshareSandbox();
const probe = await probeSandbox(sandbox, foreignArchitecture);
const skip = !probe.works && probe.reason.includes('binfmt_misc') ? probe.hint! : false;

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sheaf-foreign-'));
});
after(async () => sandbox.remove(directory));

type Ran = { readonly outcome: SandboxOutcome; readonly output: string };

async function sh(by: Sandbox, script: string, changes: Partial<SandboxSpec> = {}): Promise<Ran> {
  const chunks: Uint8Array[] = [];
  const { layers } = await materialise(rootDeps(), await foreignLock());
  const outcome = await by.run({
    layers,
    architecture: foreignArchitecture,
    scratch: join(directory, randomUUID()),
    binds: [],
    argv: ['sh', '-uc', script],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    user: { uid: 0, gid: 0 },
    network: 'none',
    hostname: 'foreign-test',
    limits: { wall: 60_000, silence: 60_000, memory: 2 ** 30, disk: 2 ** 30, log: 2 ** 20, processes: 100 },
    onOutput: (chunk) => chunks.push(chunk),
    ...changes,
  });
  return { outcome, output: Buffer.concat(chunks).toString() };
}

for (const by of [sandbox, createRuncSandbox()]) {
  test(`materialise makes a root of another architecture, and the ${by.name} sandbox runs it`, { skip }, async () => {
    const { output } = await sh(by, 'uname -m; dpkg --print-architecture; dpkg --audit; dpkg-query -W libc6');
    const machine = foreignArchitecture === 'arm64' ? 'aarch64' : 'x86_64';
    assert.match(
      output,
      new RegExp(`^${machine}\n${foreignArchitecture}\nlibc6:${foreignArchitecture}\t2\\.36\\S+\n$`),
    );
  });

  test(`the ${by.name} sandbox shows nothing of the emulator to root inside`, { skip }, async () => {
    const script =
      'exec 2>/dev/null; ls -A /proc/sys/fs/binfmt_misc; grep binfmt_misc /proc/mounts; ls -d /usr/bin/qemu*;' +
      'for fd in /proc/[0-9]*/fd/*; do [ ! -e $fd/register ] || echo $fd; done; readlink /proc/self/exe; echo "$0"';
    const argv = ['sh', '-uc', script, 'own-name'] as const;
    assert.equal((await sh(by, '', { argv })).output, '/usr/bin/readlink\nown-name\n');
  });

  const known = existsSync(`/proc/sys/fs/binfmt_misc/${emulatorOf(foreignArchitecture).replace('-static', '')}`);
  const also = known ? 'the host itself runs such programs' : skip;
  test(`the ${by.name} sandbox runs such programs only when it is told so`, { skip: also }, async () => {
    const { outcome, output } = await sh(by, 'echo ran', { architecture: undefined });
    assert.ok(outcome.kind === 'exited' && outcome.code !== 0 && !output.includes('ran\n'), output);
  });
}

test('materialise says that there is no emulator before it fetches anything', async () => {
  const fetch = () => assert.fail('it fetches');
  const path = process.env['PATH'];
  // No machine has this one in /usr/sbin.
  process.env['PATH'] = '';
  try {
    const deps = { ...rootDeps(sandbox, join(directory, 'none')), debs: { fetch } };
    await assert.rejects(materialise(deps, { architecture: foreignArchitecture, sources: [], packages: [] }), {
      code: 'sandbox-unavailable',
      message: `Cannot run programs of ${foreignArchitecture}: this machine has no ${emulatorOf(foreignArchitecture)}`,
      hint: /apt-get install qemu-user-static$/,
    });
  } finally {
    process.env['PATH'] = path;
  }
});

const big = process.env['SHEAF_TEST_FOREIGN'] === '1' ? skip : 'minutes long: SHEAF_TEST_FOREIGN=1 runs it';
test('a root of another architecture is the same, byte for byte, whenever it is made', { skip: big }, async () => {
  const lock = await smallLock(foreignArchitecture);
  const digests: string[] = [];
  for (const name of ['one', 'two']) {
    const deps = { ...rootDeps(sandbox, join(directory, name)), debs: rootDeps().debs };
    const { layers } = await materialise(deps, lock);
    const hash = createHash('sha256');
    const scratch = join(directory, randomUUID());
    await exportTar(sandbox, { layers, kind: 'merged', newest: newestTime(lock), scratch }, hash);
    digests.push(hash.digest('hex'));
  }
  assert.equal(digests[0], digests[1]);
});
