import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parseArchitecture } from '../../model/names.ts';
import { emulated, emulatorOf, formatRegistration, runsNatively } from './foreign.ts';

const [amd64, arm64] = [parseArchitecture('amd64'), parseArchitecture('arm64')];

test('formatRegistration writes what the kernel reads from "register"', () => {
  assert.equal(
    formatRegistration(arm64, '/usr/bin/qemu-aarch64-static'),
    String.raw`:sheaf:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00` +
      String.raw`:\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\xfe\xff\xff\xff` +
      ':/usr/bin/qemu-aarch64-static:OPF',
  );
});

test("formatRegistration knows a processor's programs as Debian's qemu does", (t) => {
  if (!existsSync('/usr/lib/binfmt.d/qemu-aarch64.conf')) return t.skip('qemu-user-static is not installed');
  let compared = 0;
  for (const name of emulated) {
    const architecture = parseArchitecture(name);
    const processor = emulatorOf(architecture).slice('qemu-'.length, -'-static'.length);
    const file = `/usr/lib/binfmt.d/qemu-${processor}.conf`;
    // It has none for the machine's own.
    if (!existsSync(file)) continue;
    const [ours, theirs] = [formatRegistration(architecture, ''), readFileSync(file, 'latin1')].map(readFields);
    for (const [index, byte] of theirs!.magic.entries()) {
      const both = theirs!.mask[index]! & ours!.mask[index]!;
      assert.equal(ours!.magic[index]! & both, byte & both, `${name}, byte ${index}`);
    }
    assert.equal(ours!.magic.length, theirs!.magic.length, name);
    compared += 1;
  }
  assert.ok(compared > 5);
});

test('runsNatively: a processor runs its own programs, and amd64 those of i386', () => {
  assert.ok(runsNatively(amd64, amd64) && runsNatively(parseArchitecture('i386'), amd64));
  assert.ok(!runsNatively(arm64, amd64) && !runsNatively(amd64, arm64));
});

test('emulatorOf names what it knows when it does not know an architecture', () => {
  assert.throws(() => emulatorOf(parseArchitecture('m68k')), {
    code: 'sandbox-unavailable',
    message: 'Cannot run programs of m68k: no emulator of it is known',
    hint: /^Known are .*arm64/,
  });
});

/** The bytes of a line of binfmt.d(5). */
function readFields(line: string): { magic: Buffer; mask: Buffer } {
  const [, , , , magic, mask] = line.split(':');
  const bytes = (text: string) =>
    Buffer.from(
      text.replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    );
  return { magic: bytes(magic!), mask: bytes(mask!) };
}
