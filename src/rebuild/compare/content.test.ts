/** What is told of the contents of files, made by the tools that make such files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import fc from 'fast-check';

import { decompressStream } from '../../plumbing/decompress.ts';
import { compareContents } from './content.ts';
import { compareLimits } from './ports.ts';

const directory = mkdtempSync(join(tmpdir(), 'sheaf-content-'));
after(() => rmSync(directory, { recursive: true }));

const compare = async (left: Uint8Array, right: Uint8Array, name = 'a') =>
  compareContents({ name, left, right }, { decompress: decompressStream }, compareLimits);

const run = (program: string, ...words: string[]) => execFileSync(program, words, { cwd: directory });

/** Two files that a script makes; `side` is 1 or 2 in it. */
function python(script: string): [Buffer, Buffer] {
  return ['1', '2'].map((side) => {
    return execFileSync('python3', ['-c', `import sys; side = ${side}\n${script}`], { cwd: directory });
  }) as [Buffer, Buffer];
}

test('compareContents tells sections, build-ids and texts of ELF files', async () => {
  const program = readFileSync('/bin/true');
  writeFileSync(join(directory, 'note'), 'built in /build/one');
  run('objcopy', '--add-section=.rodata.one=note', '/bin/true', 'one');
  writeFileSync(join(directory, 'note'), 'built in /build/two');
  run('objcopy', '--add-section=.rodata.one=note', '/bin/true', 'two');
  const two = readFileSync(join(directory, 'two'));
  assert.deepEqual(await compare(readFileSync(join(directory, 'one')), two), {
    format: 'elf',
    details: [
      { kind: 'strings', section: '.rodata.one', left: ['built in /build/one'], right: ['built in /build/two'] },
      { kind: 'section', section: '.rodata.one', left: 19, right: 19 },
    ],
  });
  const id = /Build ID: ([0-9a-f]+)/.exec(run('readelf', '--notes', '/bin/true').toString())![1]!;
  const at = program.indexOf(Buffer.from(id, 'hex'));
  const other = Buffer.from(program);
  other[at] = program[at]! ^ 0xff;
  const otherId = `${(program[at]! ^ 0xff).toString(16).padStart(2, '0')}${id.slice(2)}`;
  assert.deepEqual((await compare(program, other)).details, [{ kind: 'build-id', left: id, right: otherId }]);
});

test('compareContents tells versions in code, which is too short for a text', async () => {
  // movabs $…,%rax; the rest is as chance has it.
  const program = (version: string, rest = '') => {
    writeFileSync(join(directory, 'code'), Buffer.from(`H\xb8${version}\0\0\0\xc31.2H${rest}`, 'latin1'));
    run('objcopy', '--add-section=.text.one=code', '/bin/true', 'coded');
    return readFileSync(join(directory, 'coded'));
  };
  const versions = async (left: Buffer, right: Buffer) =>
    (await compare(left, right)).details.filter(({ kind }) => kind === 'strings');
  assert.deepEqual(await versions(program('1.1.0'), program('1.1.2')), [
    { kind: 'strings', section: '.text.one', left: ['1.1.0'], right: ['1.1.2'] },
  ]);
  assert.deepEqual(await versions(program('1.1.0', 'a'), program('1.1.0', 'b')), []);
  // Where most differs, code has moved.
  const [one, other] = ['ab', 'ba'].map((turn) => program(turn === 'ab' ? '1.1.0' : '1.1.2', turn.repeat(300)));
  assert.deepEqual(await versions(one!, other!), []);
});

test('compareContents tells names of a program in another order', async () => {
  const program = (words: string) => {
    writeFileSync(join(directory, 'names'), words);
    run('objcopy', '--remove-section=.dynstr', '/bin/true', 'bare');
    run('objcopy', '--add-section=.dynstr=names', 'bare', 'named');
    return readFileSync(join(directory, 'named'));
  };
  const { details } = await compare(program('\0malloc\0free\0'), program('\0free\0malloc\0'));
  assert.deepEqual(details, [
    { kind: 'order', of: 'names' },
    { kind: 'section', section: '.dynstr', left: 13, right: 13 },
  ]);
});

test('compareContents tells sections of a program in another order', async () => {
  const program = (...names: string[]) => {
    writeFileSync(join(directory, 'text'), 'text');
    run('objcopy', ...names.map((name) => `--add-section=${name}=text`), '/bin/true', 'more');
    return readFileSync(join(directory, 'more'));
  };
  const { details } = await compare(program('.one', '.two'), program('.two', '.one'));
  assert.deepEqual(details[0], { kind: 'order', of: 'sections' });
  const aligned = (bytes: string) => {
    run('objcopy', `--set-section-alignment=.two=${bytes}`, 'more', 'aligned');
    return readFileSync(join(directory, 'aligned'));
  };
  const { details: moved } = await compare(aligned('1'), aligned('8'));
  assert.deepEqual(
    moved.map((each) => each.kind === 'header' && each.field),
    ['offset of .two'],
  );
  const { details: others } = await compare(program('.one', '.two'), program('.one', '.six'));
  assert.ok(others.every(({ kind }) => kind === 'section'));
});

test('compareContents tells times and contents of zip archives by entry', async () => {
  const [left, right] = python(`
import io, zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, "w") as archive:
    for name in (["x", "y", "z"] if side == 1 else ["y", "x", "w"]):
        info = zipfile.ZipInfo(name, (2026, 1, 2 + side, 3, 4, 6))
        archive.writestr(info, b"text" if name == "y" else b"%d" % side)
sys.stdout.buffer.write(out.getvalue())`);
  const time = { kind: 'header', field: 'time', left: '2026-01-03 03:04:06', right: '2026-01-04 03:04:06' };
  const { format, details } = await compare(left, right, 'a.jar');
  assert.equal(format, 'zip');
  const lines = { kind: 'lines', line: { left: 1, right: 1 }, removed: 1, added: 1, left: ['1'], right: ['2'] };
  assert.deepEqual(details, [
    { kind: 'part', name: 'x', details: [time, lines] },
    { kind: 'part', name: 'y', details: [time] },
    { kind: 'part', name: 'z', side: 'left' },
    { kind: 'part', name: 'w', side: 'right' },
  ]);
});

test('compareContents looks into the compressed entries of zip archives, and tells what Info-ZIP adds', async () => {
  const [one, other] = [1, 2].map((side) => {
    const texts = [`Built-By: user${side}\n`, ...Array.from({ length: 30 }, () => `${side}\n`)];
    const names = texts.map((text, index) => {
      writeFileSync(join(directory, `e${index}`), text.padEnd(200));
      run('touch', '-m', '--date=2026-01-02 03:04:06', `e${index}`);
      run('touch', '-a', `--date=2026-01-0${side} 03:04:06`, `e${index}`);
      return `e${index}`;
    });
    rmSync(join(directory, 'e.zip'), { force: true });
    execFileSync('zip', ['-q', 'e.zip', ...names], { cwd: directory, env: { ...process.env, TZ: 'UTC' } });
    return readFileSync(join(directory, 'e.zip'));
  }) as [Buffer, Buffer];
  const { details } = await compare(one, other, 'e.jar');
  const accessed = { left: '2026-01-01T03:04:06Z', right: '2026-01-02T03:04:06Z' };
  const lines = { kind: 'lines', line: { left: 1, right: 1 }, removed: 1, added: 1 };
  assert.deepEqual(details[0], {
    ...{ kind: 'part', name: 'e0' },
    details: [
      { kind: 'header', field: 'accessed', ...accessed },
      { ...lines, left: ['Built-By: user1'], right: ['Built-By: user2'] },
    ],
  });
  assert.match(JSON.stringify(details.at(-1)), /"field":"content","left":"200 bytes, CRC-32/);
  const broken = Buffer.from(one);
  broken.fill(0xff, 100, 110);
  assert.equal((await compare(broken, other, 'e.jar')).format, 'zip');
});

test('compareContents tells the header of a Python file from its code', async () => {
  const pyc = (code: string) => `
import importlib._bootstrap_external as b
sys.stdout.buffer.write(b._code_to_timestamp_pyc(compile("${code}", "a.py", "exec"), 86400 * side, 10))`;
  const [left, right] = python(pyc('x = 1'));
  assert.deepEqual(await compare(left, right, 'a.pyc'), {
    format: 'python',
    details: [{ kind: 'header', field: 'time', left: '1970-01-02T00:00:00Z', right: '1970-01-03T00:00:00Z' }],
  });
});

test('compareContents tells members of static libraries', async () => {
  const member = join(directory, 'm.txt');
  const library = (text: string, time: string) => {
    writeFileSync(member, text);
    run('touch', `--date=${time}`, 'm.txt');
    rmSync(join(directory, 'm.a'), { force: true });
    run('ar', 'rcU', 'm.a', 'm.txt');
    return readFileSync(join(directory, 'm.a'));
  };
  const { details } = await compare(library('a\n', '1970-01-02Z'), library('b\n', '1970-01-03Z'));
  assert.deepEqual(details, [
    {
      kind: 'part',
      name: 'm.txt',
      details: [
        { kind: 'header', field: 'time', left: '1970-01-02T00:00:00Z', right: '1970-01-03T00:00:00Z' },
        { kind: 'lines', line: { left: 1, right: 1 }, removed: 1, added: 1, left: ['a'], right: ['b'] },
      ],
    },
  ]);
});

test('compareContents looks into tar archives, however they are compressed', async () => {
  const archive = (time: string, text: string, order: readonly string[], mode = '644') => {
    for (const name of order) writeFileSync(join(directory, name), name === 'b' ? text : 'a\n');
    run('tar', 'cf', 't.tar', '--owner=root:0', '--group=root:0', `--mtime=${time}`, `--mode=${mode}`, ...order);
    return readFileSync(join(directory, 't.tar'));
  };
  const one = archive('1970-01-02Z', 'one\n', ['a', 'b']);
  const other = archive('1970-01-03Z', 'two\n', ['b', 'a'], '664');
  const time = { kind: 'header', field: 'time', left: '1970-01-02T00:00:00Z', right: '1970-01-03T00:00:00Z' };
  const mode = { kind: 'header', field: 'mode', left: '644', right: '664' };
  const lines = { kind: 'lines', line: { left: 1, right: 1 }, removed: 1, added: 1, left: ['one'], right: ['two'] };
  const details = [
    { kind: 'order', of: 'parts', sorted: 'left' },
    { kind: 'part', name: 'a', details: [time, mode] },
    { kind: 'part', name: 'b', details: [time, mode, lines] },
  ];
  assert.deepEqual(await compare(one, other, 't.tar'), { format: 'tar', details });
  for (const [format, ending] of Object.entries({ gzip: 'gz', xz: 'xz', zstd: 'zst', bzip2: 'bz2' })) {
    const pack = (bytes: Buffer) => execFileSync(format, ['-c'], { input: bytes });
    const found = await compare(pack(one), pack(other), `usr/share/t.tar.${ending}`);
    const inside = found.details.filter((each) => each.kind !== 'header');
    assert.deepEqual([found.format, inside], [format, [{ kind: 'part', name: 't.tar', details }]]);
  }
  const [fast, best] = ['-0', '-9e'].map((level) => execFileSync('xz', ['-c', level], { input: one })) as [
    Buffer,
    Buffer,
  ];
  const packed = { kind: 'header', field: 'compression', left: `${fast.length} bytes`, right: `${best.length} bytes` };
  assert.deepEqual((await compare(fast, best)).details, fast.length === best.length ? [] : [packed]);
});

test('compareContents tells what no line shows: its end, and a byte order mark', async () => {
  const lines = async (left: string, right: string) => {
    const { details } = await compare(Buffer.from(left), Buffer.from(right));
    return details.map((each) => (each.kind === 'lines' ? [each.left, each.right] : each));
  };
  const none = '\\ No newline at end of file';
  assert.deepEqual(await lines('a\nb\n', 'a\nb'), [[['b'], ['b', none]]]);
  assert.deepEqual(await lines('a', 'b\n'), [[['a', none], ['b']]]);
  assert.deepEqual(await lines('a\nb', 'c\nb'), [[['a'], ['c']]]);
  assert.deepEqual(await lines('a\nb', 'a\nc'), [[['b'], ['c']]]);
  assert.deepEqual(await lines('a\nb\nx\n', 'c\nb\nx'), [[['a'], ['c']], [['x'], ['x', none]]]); // prettier-ignore
  assert.deepEqual(await lines('a\n', '\ufeffa\n'), [[['a'], ['\ufffda']]]);
});

test('compareContents tells chunks of pictures', async () => {
  const [left, right] = python(`
import struct, zlib
def chunk(name, data): return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
date = b"date\\0" + b"2026-01-0%d" % side
sys.stdout.buffer.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"tEXt", date) + chunk(b"iTXt", b"made\\0\\0\\0\\0\\0" + b"by %d" % side)
    + chunk(b"tIME", struct.pack(">HBBBBB", 2026, 1, side, 3, 4, 5)) + chunk(b"IDAT", zlib.compress(b"\\0\\0")) + chunk(b"IEND", b""))`);
  const [detail, more, time] = (await compare(left, right)).details;
  assert.ok(more?.kind === 'part' && 'details' in more);
  assert.equal(more.details[0]?.kind, 'lines');
  assert.match(JSON.stringify(more.details), /by 1.*by 2/);
  assert.deepEqual(time, {
    ...{ kind: 'part', name: 'tIME' },
    details: [{ kind: 'header', field: 'time', left: '2026-01-01T03:04:05Z', right: '2026-01-02T03:04:05Z' }],
  });
  assert.ok(detail?.kind === 'part' && 'details' in detail);
  const [line] = detail.details;
  assert.ok(line?.kind === 'lines');
  assert.match([...line.left, ...line.right].join(' '), /date\ufffd2026-01-01 date\ufffd2026-01-02/);
});

test('compareContents finds something in whatever differs, and never fails', async () => {
  const heads = ['', '\x7fELF\x02\x01', '!<arch>\n', 'PK\x03\x04', '\x1f\x8b\x08\0', '\x89PNG\r\n\x1a\n'];
  const file = fc
    .tuple(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 200 }))
    .map(([head, rest]) => Buffer.concat([Buffer.from(head, 'latin1'), rest]));
  const real = [readFileSync('/bin/true'), readFileSync('/bin/false')] as const;
  const edited = fc
    .tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(64), fc.nat(255))))
    .map(([bytes, edits]) => {
      const copy = Buffer.from(bytes);
      for (const [at, value] of edits) copy[at < 16 ? at : at % 2 === 0 ? at : copy.length - at] = value;
      return copy;
    });
  const any = fc.oneof(file, edited);
  const property = fc.asyncProperty(any, any, fc.constantFrom('a', 'a.pyc'), async (left, right, name) => {
    if (left.equals(right)) return;
    assert.ok((await compare(left, right, name)).details.length > 0);
  });
  await fc.assert(property, { numRuns: 150 });
});
