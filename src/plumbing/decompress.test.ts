import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

import { SheafError } from '../kit/error.ts';
import { decompressIndex, decompressStream } from './decompress.ts';

const text = Buffer.concat([Buffer.from('Package: hello\nVersion: 2.10-3\n\n'.repeat(10_000)), randomBytes(20_000)]);
const pack = (argv: [string, ...string[]], input: Uint8Array) =>
  execFileSync(argv[0], argv.slice(1), { input, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'pipe'] });

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const two = (argv: [string, ...string[]]) =>
  Buffer.concat([pack(argv, text.subarray(0, 30_000)), pack(argv, text.subarray(30_000))]);
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5]);

const ways: readonly [string, Uint8Array][] = [
  ['nothing', text],
  ['gzip', pack(['gzip', '-9n'], text)],
  ['gzip, two members', two(['gzip', '-1n'])],
  ['gzip, two members and zeros', Buffer.concat([two(['gzip', '-1n']), Buffer.alloc(512)])],
  ['bzip2', pack(['bzip2', '-9'], text)],
  ['bzip2, two streams', two(['bzip2', '-1'])],
  ['zstd', pack(['zstd', '-3'], text)],
  ['zstd -19 --long of many blocks', pack(['zstd', '-19', '--long=27'], text)],
  ['zstd without a checksum', pack(['zstd', '-1', '--no-check'], text)],
  ['zstd, two frames', two(['zstd', '-1'])],
  ['zstd, skippable frames', Buffer.concat([skippable, two(['zstd', '-1']), skippable])],
  ['xz', pack(['xz', '-6'], text)],
  ['xz of many blocks', pack(['xz', '-1', '-T2', '--block-size=100000'], text)],
  ['xz, two streams and padding', Buffer.concat([two(['xz', '-0', '-Csha256']), Buffer.alloc(8)])],
];

for (const [name, packed] of ways) {
  test(`decompressIndex reads ${name}`, async () => {
    assert.ok(text.equals(await decompressIndex(packed, text.length)));
  });

  for (const size of [3, 4096]) {
    test(`decompressStream reads ${name} in pieces of ${size} bytes`, async () => {
      assert.ok(text.equals(await collect(decompressStream(pieces(packed, size), { limit: text.length }))));
    });
  }

  test(`decompressIndex stops at its limit for ${name}`, async () => {
    await assert.rejects(decompressIndex(packed, text.length - 1, 'Packages'), {
      code: 'over-limit',
      place: { file: 'Packages' },
    });
  });

  if (name === 'nothing') continue;
  test(`decompressIndex refuses ${name} that is cut short, or gives all of it`, async () => {
    const cuts = [11, 12, 13, 24, 100, 1000, ...[1, 2, 4, 5, 8, 9, 12, 13, 20, 21, 24].map((n) => packed.length - n)];
    for (const cut of [...cuts, Math.floor(packed.length / 2)]) {
      const result = await decompressIndex(packed.subarray(0, cut), 2 ** 24, 'x').catch((error: unknown) => error);
      if (result instanceof SheafError) assert.equal(result.code, 'bad-compression', `cut at ${cut}`);
      // Padding may be cut, and whole members too.
      else assert.match(name, /zeros|padding|two|skippable/, `cut at ${cut}`);
    }
  });
}

test('decompressStream reads .lzma when told so', async () => {
  const packed = pack(['xz', '--format=lzma'], text);
  const options = { limit: text.length, kind: 'lzma' } as const;
  assert.ok(text.equals(await collect(decompressStream(pieces(packed, 100), options))));
  const greedy = Buffer.from(packed);
  greedy.writeUInt32LE(0xf000_0000, 1);
  await assert.rejects(collect(decompressStream(pieces(greedy, 100), options)), { code: 'bad-compression' });
});

test('decompressStream takes the kind it is told, not the one it sees', async () => {
  const packed = gzipSync(text);
  for (const kind of ['xz', 'zstd', 'bzip2', 'lzma'] as const) {
    await assert.rejects(collect(decompressStream(pieces(packed, 100), { limit: 2 ** 24, kind })), {
      code: 'bad-compression',
    });
  }
});

for (const argv of [['gzip'], ['zstd'], ['xz'], ['xz', '-T2', '--block-size=1000000'], ['bzip2']] as const) {
  const bomb = pack([...argv], Buffer.alloc(2 ** 27));
  test(`decompressStream gives a bomb of ${argv.join(' ')} in small pieces`, async () => {
    const before = process.memoryUsage().rss;
    let size = 0;
    let peak = 0;
    for await (const chunk of decompressStream(pieces(bomb, 2 ** 16), { limit: 2 ** 27 })) {
      size += chunk.length;
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    assert.equal(size, 2 ** 27);
    assert.ok(peak < 2 ** 26, `${peak} bytes of memory`);
  });

  test(`decompressStream ends its work and its source when it is left, for ${argv.join(' ')}`, async () => {
    let closed = false;
    async function* source() {
      try {
        yield* pieces(bomb, 1000);
      } finally {
        closed = true;
      }
    }
    for await (const chunk of decompressStream(source(), { limit: 2 ** 27 })) {
      assert.ok(chunk.length > 0);
      break;
    }
    assert.ok(closed);
  });

  test(`decompressStream passes on an error of its source, for ${argv.join(' ')}`, async () => {
    const failure = new SheafError('connection-lost', 'Cannot go on: the line is cut');
    async function* source() {
      yield bomb.subarray(0, bomb.length / 2);
      throw failure;
    }
    await assert.rejects(collect(decompressStream(source(), { limit: 2 ** 27 })), failure);
  });
}

test('decompressIndex refuses an .xz whose index tells lies, whose dictionary is absurd, whose block header is too long', async () => {
  // xz 5.6 and newer work with several threads, whose blocks' headers are others.
  const packed = pack(['xz', '-6', '-T1'], text);
  const dictionary = Buffer.from(packed);
  // Block header: size, flags, filter 0x21, its properties' length, the dictionary.
  assert.deepEqual([...dictionary.subarray(14, 16)], [0x21, 0x01]);
  dictionary[16] = 40;
  await assert.rejects(decompressIndex(dictionary, 2 ** 24), { code: 'bad-compression', message: /dictionary/ });
  const indexSize = (packed.readUInt32LE(packed.length - 8) + 1) * 4;
  const index = packed.length - 12 - indexSize;
  assert.deepEqual([...packed.subarray(index, index + 2)], [0, 1]);
  const many = Buffer.from(packed);
  many[index + 1] = 0x7f;
  await assert.rejects(decompressIndex(many, 2 ** 24), { code: 'bad-compression', message: /127 blocks/ });
  const other = Buffer.from(packed);
  other[index + 3]! ^= 1;
  await assert.rejects(decompressIndex(other, 2 ** 24), { code: 'bad-compression' });
  const header = Buffer.from(packed);
  header[15] = 0x7f;
  await assert.rejects(decompressIndex(header, 2 ** 24), { code: 'bad-compression', message: /longer than it says/ });
});

test('decompressIndex refuses a .zst of very many frames', async () => {
  const frame = pack(['zstd', '--no-check'], Buffer.alloc(0));
  const many = Buffer.concat(Array.from({ length: 10_001 }, () => frame));
  await assert.rejects(decompressIndex(many, 2 ** 24), { code: 'bad-compression', message: /frames/ });
});

test('decompressIndex refuses damage anywhere, or gives bytes within its limit', async () => {
  const small = text.subarray(0, 3000);
  for (const argv of [['gzip'], ['zstd'], ['xz'], ['bzip2']] as const) {
    const packed = pack([...argv], small);
    const step = argv[0] === 'bzip2' ? 11 : 1;
    for (let at = 0; at < packed.length; at += step) {
      const damaged = Buffer.from(packed);
      damaged[at]! ^= 0x55;
      const result = await decompressIndex(damaged, 2 ** 20).catch((error: unknown) => error);
      if (result instanceof Uint8Array) assert.ok(result.length <= 2 ** 20);
      else assert.match((result as SheafError).code, /^(bad-compression|over-limit)$/, `${argv[0]} at ${at}`);
    }
  }
});

test('decompressStream gives an empty stream as it is', async () => {
  assert.equal((await collect(decompressStream(Readable.from([]), { limit: 10 }))).length, 0);
  for (const argv of [['gzip'], ['zstd'], ['xz'], ['bzip2']] as const) {
    assert.equal((await decompressIndex(pack([...argv], Buffer.alloc(0)), 0)).length, 0);
  }
});
