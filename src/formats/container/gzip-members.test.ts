import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { gzipMember, splitGzipMembers } from './gzip-members.ts';

const member = (text: Uint8Array) => gzipMember(deflateRawSync(text), crc32(text), text.length);
const isBadGzip = (error: unknown) => error instanceof SheafError && error.code === 'bad-gzip';

test('members are a file that gzip reads, and come apart again', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 5000 }), { minLength: 1, maxLength: 6 }), (texts) => {
      const members = texts.map(member);
      const whole = Buffer.concat(members.map((each) => each.bytes));
      const { status, stdout } = spawnSync('gzip', ['-dc'], { input: whole });
      assert.equal(status, 0);
      assert.deepEqual(stdout, Buffer.concat(texts));
      assert.deepEqual(
        splitGzipMembers(whole).map((each) => Buffer.from(each.bytes)),
        members.map((each) => Buffer.from(each.bytes)),
      );
    }),
    { numRuns: 40 },
  );
});

test('what is not such a file is refused', () => {
  const whole = Buffer.concat([member(Buffer.from('a')), member(Buffer.from('bc'))].map((each) => each.bytes));
  for (let length = 1; length < whole.length; length++) {
    if (length === member(Buffer.from('a')).bytes.length) continue;
    assert.throws(() => splitGzipMembers(whole.subarray(0, length)), isBadGzip, `cut at ${length}`);
  }
  const { stdout } = spawnSync('gzip', ['-c'], { input: 'by another program' });
  assert.throws(() => splitGzipMembers(stdout), isBadGzip);
});
