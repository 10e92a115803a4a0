import assert from 'node:assert/strict';
import { test } from 'node:test';

import { arOf, someControl, tarEntry, tarOf } from '../formats/deb/testdata/archive.ts';
import { parseSha256 } from '../kit/digest.ts';
import * as compression from '../plumbing/compression.ts';
import { readPackage, type CheckDeps } from './blob-check.ts';
import { Reasons } from './refusal.ts';

test('readPackage does not read a large package into memory', async () => {
  const zeros = Buffer.alloc(2 ** 24);
  const dataSize = 130 * zeros.length;
  const head = arOf([
    ['debian-binary', '2.0\n'],
    ['control.tar', tarOf(tarEntry('./control', someControl))],
    ['data.tar', '', String(dataSize)],
  ]);
  async function* stream() {
    yield head;
    for (let at = 0; at < dataSize; at += zeros.length) yield zeros;
  }
  const read = () => assert.fail('it was read into memory');
  const blobs = { read, info: read, stream } as unknown as CheckDeps['blobs'];
  const file = { name: 'one_1-1_all.deb', sha256: parseSha256('0'.repeat(64)), size: head.length + dataSize };
  const reasons = new Reasons();
  const deb = await readPackage({ blobs, compression }, file, reasons);
  assert.deepEqual([deb?.name, deb?.dataMember.size, reasons.any], ['one', dataSize, false]);
});
