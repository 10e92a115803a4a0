import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { isZip, readZip, zipContent, zipExtra } from './zip.ts';

/** What Python makes, and what it finds in it. */
const made = execFileSync('python3', [
  '-c',
  `
import base64, io, json, zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as archive:
    for name, time, mode, text in [("a/", (1980, 1, 1, 0, 0, 0), 0o40755, b""),
                                   ("a/b.txt", (2026, 11, 21, 10, 59, 58), 0o100644, b"hello" * 100),
                                   ("\\u00e4", (2107, 12, 31, 23, 59, 58), 0o100755, b"x")]:
        info = zipfile.ZipInfo(name, time)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, text)
    archive.comment = b"PK\\x05\\x06 is no end"
entries = [[i.filename, "%04d-%02d-%02d %02d:%02d:%02d" % i.date_time, i.CRC, i.file_size, i.compress_size,
            i.compress_type, i.external_attr >> 16] for i in archive.infolist()]
print(json.dumps([base64.b64encode(out.getvalue()).decode(), entries]))
`,
]);
const [encoded, expected] = JSON.parse(made.toString()) as [string, unknown[][]];
const archive = Buffer.from(encoded, 'base64');

test('readZip finds the entries that Python finds', () => {
  assert.ok(isZip(archive));
  const entries = readZip(archive).map((each) => {
    return [each.path, each.time, each.crc32, each.size, each.compressedSize, each.method, each.mode];
  });
  assert.deepEqual(entries, expected);
});

test('zipContent gives what is in an entry', () => {
  const [, text, single] = readZip(archive).map((entry) => {
    const { kind, bytes } = zipContent(archive, entry)!;
    return kind === 'gzip' ? gunzipSync(bytes).toString() : Buffer.from(bytes).toString();
  });
  assert.deepEqual([text, single], ['hello'.repeat(100), 'x']);
});

test('readZip refuses what is cut off or lies, and fails in no other way', () => {
  assert.throws(() => readZip(archive.subarray(0, -1)), { code: 'bad-zip' });
  assert.throws(() => readZip(Buffer.alloc(0)), { code: 'bad-zip' });
  const property = fc.property(fc.array(fc.tuple(fc.nat(archive.length - 1), fc.nat(255))), (edits) => {
    const bytes = Buffer.from(archive);
    for (const [at, value] of edits) bytes[at] = value;
    try {
      for (const entry of readZip(bytes)) {
        zipContent(bytes, entry);
        zipExtra(bytes, entry);
      }
    } catch (error) {
      assert.ok(error instanceof SheafError && error.code === 'bad-zip', String(error));
    }
  });
  fc.assert(property, { numRuns: 500 });
});
