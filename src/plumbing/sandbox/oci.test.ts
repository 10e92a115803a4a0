import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { toOciConfig } from './oci.ts';
import type { SandboxSpec } from './port.ts';

const spec: SandboxSpec = {
  layers: ['/layer'],
  scratch: '/scratch',
  binds: [{ source: '/host/in', target: '/in', readOnly: true }],
  argv: ['true'],
  env: { A: 'b' },
  cwd: '/',
  user: { uid: 0, gid: 0 },
  network: 'none',
  hostname: 'host',
  limits: { wall: 1, silence: 1, memory: 1000, disk: 1, log: 1, processes: 10 },
};

type Config = {
  readonly process: {
    readonly capabilities: { readonly bounding: readonly string[] };
    readonly noNewPrivileges: boolean;
  };
  readonly mounts: readonly {
    readonly destination: string;
    readonly source: string;
    readonly options: readonly string[];
  }[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
};
const config = (changes: Partial<SandboxSpec> = {}) =>
  toOciConfig({ ...spec, ...changes }, (index) => `/bind/${index}`) as Config;

test('toOciConfig gives ordinary users no capability and nobody new privileges', () => {
  assert.deepEqual(config({ user: { uid: 1000, gid: 1000 } }).process.capabilities.bounding, []);
  assert.equal(config().process.noNewPrivileges, true);
});

test('toOciConfig gives root the same capabilities as enter.pl', () => {
  const script = readFileSync(new URL('enter.pl', import.meta.url), 'utf8');
  const numbers = /@root_capabilities = \(([\d, ]+)\)/.exec(script)![1]!.split(', ').map(Number);
  // capabilities(7): linux/capability.h.
  const names: Readonly<Record<number, string>> = {
    0: 'CHOWN',
    1: 'DAC_OVERRIDE',
    3: 'FOWNER',
    4: 'FSETID',
    5: 'KILL',
    6: 'SETGID',
    7: 'SETUID',
    8: 'SETPCAP',
    10: 'NET_BIND_SERVICE',
    18: 'SYS_CHROOT',
    27: 'MKNOD',
    29: 'AUDIT_WRITE',
    31: 'SETFCAP',
  };
  assert.deepEqual(
    config().process.capabilities.bounding,
    numbers.map((number) => `CAP_${names[number]}`),
  );
});

test('toOciConfig makes a network of its own unless the host’s is wanted', () => {
  const has = (changes: Partial<SandboxSpec>) =>
    config(changes).linux.namespaces.some(({ type }) => type === 'network');
  assert.deepEqual([has({ network: 'none' }), has({ network: 'host' })], [true, false]);
});

test('toOciConfig takes binds from the bundle, never from the host’s path', () => {
  const bind = config().mounts.find(({ destination }) => destination === '/in')!;
  assert.equal(bind.source, '/bind/0');
  assert.ok(bind.options.includes('ro') && bind.options.includes('nosuid'));
});
