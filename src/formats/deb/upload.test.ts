/** dsc.ts, changes.ts and buildinfo.ts share their lists of files and meet each other in an upload. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { parseBuildinfo } from './buildinfo.ts';
import { parseChanges } from './changes.ts';
import { stripClearsign } from './clearsign.ts';
import { parseDsc } from './dsc.ts';
import { missing, missingDpkgPerl, refusal, run, temporaryDirectory } from './testdata/oracle.ts';
import { makePackage, packageTools } from './testdata/package.ts';

const helloDsc = readFileSync(join(import.meta.dirname, 'testdata/hello_2.10-3.dsc'), 'utf8');
const skip = missing(...packageTools) || missingDpkgPerl();

test('parseDsc reads a signed .dsc from Debian', () => {
  const dsc = parseDsc(helloDsc);
  assert.equal(dsc.source, 'hello');
  assert.equal(dsc.version, '2.10-3');
  assert.equal(dsc.format, '3.0 (quilt)');
  assert.deepEqual([dsc.architectures, dsc.binaries], [['any'], ['hello']]);
  assert.deepEqual(dsc.files[0], {
    name: 'hello_2.10.orig.tar.gz',
    size: 725946,
    sha256: '31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b',
  });
  assert.equal(dsc.files.length, 3);
  assert.equal(dsc.stanza.fields[0]!.line, 4);
});

test('parseDsc, parseChanges and parseBuildinfo read what dpkg writes, and hash what is there', { skip }, () => {
  using directory = temporaryDirectory();
  const made = makePackage(directory.path);
  const dsc = parseDsc(made.dsc);
  const changes = parseChanges(made.changes);
  const buildinfo = parseBuildinfo(made.buildinfo);
  for (const listed of [...dsc.files, ...changes.files, ...buildinfo.files]) {
    const bytes = readFileSync(join(directory.path, listed.name));
    assert.equal(listed.size, bytes.length);
    assert.equal(listed.sha256, createHash('sha256').update(bytes).digest('hex'));
  }
  assert.deepEqual([dsc.source, dsc.version, dsc.format], ['sheaf-probe', '1:1.0~rc1', '3.0 (native)']);
  assert.deepEqual(dsc.binaries, ['sheaf-probe', 'sheaf-probe-data']);
  assert.deepEqual(dsc.architectures, ['any', 'all']);
  assert.equal(changes.files.length, 4);
  assert.ok(changes.files.every((each) => each.section === 'contrib/misc' && each.priority === 'optional'));
  assert.equal(
    changes.changes,
    'sheaf-probe (1:1.0~rc1) unstable; urgency=medium\n\n  * First release. (Closes: #12, #34)',
  );
  assert.deepEqual(
    [changes.distributions, changes.binaries, changes.closes],
    [['unstable'], ['sheaf-probe'], ['12', '34']],
  );
  assert.equal(changes.sourceVersion, '1:1.0~rc1');
  const installed = buildinfo.installed.find((each) => each.name === 'dpkg');
  assert.equal(installed?.version, run('dpkg-query', ['-W', '-f${Version}', 'dpkg']).toString());
  assert.equal(buildinfo.environment.get('SOURCE_DATE_EPOCH'), '1700000000');
  assert.equal(buildinfo.buildArchitecture, run('dpkg', ['--print-architecture']).toString().trim());
});

const hash = 'a'.repeat(64);
const dscText = (lists: string) => `Format: 1.0\nSource: a0\nVersion: 1\nArchitecture: any\n${lists}`;
const listed = (line: string) => dscText(`Checksums-Sha256:\n ${line}\n`);
const invalidDsc: readonly (readonly [string, string, string, RegExp])[] = [
  ['two stanzas', `${listed(`${hash} 1 a`)}\nA: b\n`, 'bad-control-file', /found 2/],
  [
    'no version',
    'Format: 1.0\nSource: a0\nArchitecture: any\nChecksums-Sha256:\n',
    'missing-field',
    /"Version" is missing/,
  ],
  ['no strong hashes', dscText(`Files:\n ${'a'.repeat(32)} 1 a\n`), 'bad-field', /missing/],
  ['a short hash', listed('abc 1 a'), 'bad-field', /"abc" is not a SHA-256/],
  ['an upper-case hash', listed(`${hash.toUpperCase()} 1 a`), 'bad-field', /not a SHA-256/],
  ['a negative size', listed(`${hash} -1 a`), 'bad-field', /not "checksum size name"/],
  ['a size that no file has', listed(`${hash} ${'9'.repeat(40)} a`), 'bad-field', /not "checksum size name"/],
  ['a hexadecimal size', listed(`${hash} 0x10 a`), 'bad-field', /not "checksum size name"/],
  ['a name with a slash', listed(`${hash} 1 ../a`), 'bad-field', /not a plain file name/],
  ['a name that is an option', listed(`${hash} 1 -rf`), 'bad-field', /not a plain file name/],
  ['a hidden file', listed(`${hash} 1 .ssh`), 'bad-field', /not a plain file name/],
  ['a fourth column', listed(`${hash} 1 a b`), 'bad-field', /not "checksum size name"/],
  ['a file twice', listed(`${hash} 1 a\n ${hash} 2 a`), 'bad-field', /listed twice/],
  [
    'too many files',
    listed(Array.from({ length: 10_001 }, (_, i) => `${hash} 1 f${i}`).join('\n ')),
    'bad-field',
    /more than 10000/,
  ],
  [
    'Files with another size',
    listed(`${hash} 1 a\nFiles:\n ${'b'.repeat(32)} 2 a`),
    'bad-field',
    /"Files", "a" is not in/,
  ],
  ['Files with one more', listed(`${hash} 1 a\nFiles:\n x 1 a\n x 1 b`), 'bad-field', /"b" is not in/],
  ['Files with one less', listed(`${hash} 1 a\n ${hash} 1 b\nFiles:\n x 1 a`), 'bad-field', /1 files are listed, 2/],
  [
    'a version with a slash',
    listed(`${hash} 1 a`).replace('Version: 1', 'Version: 1/2'),
    'bad-field',
    /"1\/2" is not a version/,
  ],
  [
    'a version without a digit',
    listed(`${hash} 1 a`).replace('Version: 1', 'Version: x'),
    'bad-field',
    /not a version/,
  ],
  ['an empty revision', listed(`${hash} 1 a`).replace('Version: 1', 'Version: 1-'), 'bad-field', /not a version/],
];
for (const [what, text, code, message] of invalidDsc) {
  test(`parseDsc refuses ${what}`, () => {
    assert.throws(() => parseDsc(text, 'x.dsc'), refusal(code, message));
  });
}

test('parseDsc names the line of the file, armor included', () => {
  const broken = helloDsc.replace('Version: 2.10-3', 'Version: 2.10-');
  assert.throws(() => parseDsc(broken, 'x.dsc'), refusal('bad-field', /Version/, 8));
});

const changesText = `Format: 1.8
Date: Sat, 21 Nov 2026 03:04:05 +0000
Source: a0 (1:1)
Binary: a0
Architecture: amd64
Version: 1:1+b1
Distribution: unstable
Maintainer: A <a@b>
Checksums-Sha256:
 ${hash} 7 a0_1+b1_amd64.deb
Files:
 ${'b'.repeat(32)} 7 misc optional a0_1+b1_amd64.deb
`;

test('parseChanges tells the source version of a binNMU apart', () => {
  const changes = parseChanges(changesText);
  assert.deepEqual([changes.source, changes.version, changes.sourceVersion], ['a0', '1:1+b1', '1:1']);
  assert.equal(changes.urgency, 'unknown');
});

test('parseChanges refuses uploads whose lists differ or are missing', () => {
  for (const [from, to, message] of [
    ['7 misc', '8 misc', /not in Checksums-Sha256/],
    ['7 misc optional', '7', /section priority/],
    [/^Files:\n.*\n/m, '', /"Files".*missing/],
    [/^Checksums-Sha256:\n.*\n/m, '', /"Checksums-Sha256".*missing/],
    ['Source: a0 (1:1)', 'Source: a0 (x)', /not a version/],
    ['Source: a0 (1:1)', 'Source: a0 b0', /not a name with a version/],
  ] as const) {
    assert.throws(() => parseChanges(changesText.replace(from, to)), refusal('bad-field', message));
  }
});

const buildinfoText = `Format: 1.0
Source: a0
Architecture: amd64
Version: 1
Checksums-Sha256:
 ${hash} 7 a0_1_amd64.deb
Build-Architecture: amd64
Build-Path: /build/a0-1
Installed-Build-Depends:
 base-files (= 12.4),
 libc6:i386 (= 2.36-9)
Environment:
 A="1"
 B="two \\"words\\" and a \\\\"
 C="two
 lines"
 D=""
`;

test('parseBuildinfo reads installed packages and the environment', () => {
  const buildinfo = parseBuildinfo(buildinfoText);
  assert.deepEqual(buildinfo.installed, [
    { name: 'base-files', architecture: undefined, version: '12.4' },
    { name: 'libc6', architecture: 'i386', version: '2.36-9' },
  ]);
  assert.deepEqual(Object.fromEntries(buildinfo.environment), {
    A: '1',
    B: 'two "words" and a \\',
    C: 'two\nlines',
    D: '',
  });
  assert.equal(buildinfo.buildPath, '/build/a0-1');
});

test('parseBuildinfo refuses what is not a record of a build', () => {
  for (const [from, to, code, message] of [
    ['Format: 1.0', 'Format: 2.0', 'bad-field', /"2.0" is not 1.x/],
    ['(= 12.4)', '(>= 12.4)', 'bad-field', /one exact version/],
    ['(= 12.4)', '(= 12.4) | b', 'bad-field', /one exact version/],
    ['base-files (= 12.4)', 'base-files', 'bad-field', /one exact version/],
    [/^Installed.*\n(?: .*\n)*/m, '', 'missing-field', /Installed-Build-Depends/],
    ['A="1"', 'A=1', 'bad-field', /NAME="value"/],
    ['A="1"', 'A="1"B="2"', 'bad-field', /NAME="value"/],
    ['D=""', 'D="', 'bad-field', /NAME="value"/],
    ['D=""', 'A=""', 'bad-field', /"A" stands twice/],
  ] as const) {
    assert.throws(() => parseBuildinfo(buildinfoText.replace(from, to)), refusal(code, message), String(to));
  }
});

test('parseBuildinfo takes an environment of a megabyte without trouble', () => {
  const long = 'x\\"'.repeat(400_000);
  assert.equal(parseBuildinfo(buildinfoText.replace('A="1"', `A="${long}"`)).environment.get('A')!.length, 800_000);
  assert.throws(() => parseBuildinfo(buildinfoText.replace('A="1"', `A="${long}`)), refusal('bad-field', /NAME/));
});

const begin = '-----BEGIN PGP SIGNED MESSAGE-----';
const armor = (body: string, hashes = 'Hash: SHA512\n') =>
  `${begin}\n${hashes}\n${body}-----BEGIN PGP SIGNATURE-----\n\nabc=\n-----END PGP SIGNATURE-----\n`;

test('stripClearsign gives the signed text without dash escapes and its first line', () => {
  assert.deepEqual(stripClearsign('A: b\n'), { text: 'A: b\n', firstLine: 1 });
  assert.deepEqual(stripClearsign(armor('A: b\n - c\n- -d\n')), { text: 'A: b\n - c\n-d\n', firstLine: 4 });
  assert.deepEqual(stripClearsign(armor('A: b\n').replaceAll('\n', '\r\n')), { text: 'A: b\n', firstLine: 4 });
  assert.deepEqual(stripClearsign(armor('A: b\n', '')), { text: 'A: b\n', firstLine: 3 });
});

test('stripClearsign refuses text that the signature does not cover', () => {
  const good = armor('A: b\n');
  for (const [text, message] of [
    [`${good}Evil: yes\n`, /behind the signature/],
    [`${good}\n${good}`, /behind the signature/],
    [good.replace('Hash: SHA512', 'Evil: yes'), /"Hash" headers/],
    [good.replace('-----END PGP SIGNATURE-----', ''), /no end/],
    [good.slice(0, good.indexOf('-----BEGIN PGP SIGNATURE')), /no end/],
    [begin, /"Hash" headers/],
    [armor(`-----BEGIN X-----\n`), /unescaped hyphen/],
    [`${begin}junk\n${good.slice(begin.length + 1)}`, /"Hash" headers/],
  ] as const) {
    assert.throws(() => stripClearsign(text, 'x.dsc'), refusal('bad-armor', message), text);
  }
  // Text before the armor is not armor at all: the control file it then is refused by its reader.
  assert.throws(() => parseDsc(`A: b\n${helloDsc}`), refusal('bad-control-file', /hyphen/));
});
