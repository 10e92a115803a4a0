/** Control files of uploads and archives that are spoilt: each is refused with the file, a line in it and the reason. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import fc from 'fast-check';

import { SheafError } from '../../kit/error.ts';
import { parseBuildinfo } from './buildinfo.ts';
import { parseChangelog } from './changelog.ts';
import { parseChanges } from './changes.ts';
import { parseDsc } from './dsc.ts';
import { parsePdiffIndex } from './pdiff.ts';
import { parseRelations } from './relation.ts';
import { formatRelease, parseRelease } from './release.ts';

const hash = 'a'.repeat(64);
const list = (name: string) => `Checksums-Sha256:\n ${hash} 7 ${name}\n`;
const files = (name: string, columns = '') => `Files:\n ${'b'.repeat(32)} 7 ${columns}${name}\n`;

const formats = [
  {
    name: 'parseDsc',
    parse: (text: string) => parseDsc(text, 'x'),
    good: `Format: 3.0 (quilt)\nSource: a0\nBinary: a0, a1\nArchitecture: any all\nVersion: 1:1-1\n${list('a0_1.orig.tar.xz')}${files('a0_1.orig.tar.xz')}`,
    required: ['Format', 'Source', 'Architecture', 'Version', 'Checksums-Sha256'],
  },
  {
    name: 'parseChanges',
    parse: (text: string) => parseChanges(text, 'x'),
    good: `Format: 1.8\nDate: Sat, 21 Nov 2026 03:04:05 +0000\nSource: a0 (1:1)\nBinary: a0\nArchitecture: amd64\nVersion: 1:1+b1\nDistribution: unstable\nMaintainer: A <a@b>\nChanges:\n a0 (1) unstable\n .\n   * x\n${list('a0_1+b1_amd64.deb')}${files('a0_1+b1_amd64.deb', 'misc optional ')}`,
    required: ['Date', 'Source', 'Architecture', 'Version', 'Distribution', 'Maintainer', 'Checksums-Sha256', 'Files'],
  },
  {
    name: 'parseBuildinfo',
    parse: (text: string) => parseBuildinfo(text, 'x'),
    good: `Format: 1.0\nSource: a0\nBinary: a0\nArchitecture: amd64\nVersion: 1\n${list('a0_1_amd64.deb')}Build-Architecture: amd64\nInstalled-Build-Depends:\n gcc:i386 (= 4:12-1),\n dpkg-dev (= 1.21)\nEnvironment:\n A="x \\"y\\" z"\n B=""\n`,
    required: ['Format', 'Source', 'Architecture', 'Version', 'Checksums-Sha256', 'Build-Architecture', 'Installed-Build-Depends'],
  },
  {
    name: 'parseRelease',
    parse: (text: string) => parseRelease(text, 'x'),
    good: formatRelease({
      suite: 'stable',
      date: new Date('2026-11-21T03:04:05Z'),
      validUntil: new Date('2026-11-28T03:04:05Z'),
      architectures: ['amd64'],
      components: ['main'],
      files: [{ path: 'main/binary-amd64/Packages', size: 1234, sha256: hash }],
    }),
    required: ['Date', 'SHA256'],
  },
  {
    name: 'parsePdiffIndex',
    parse: (text: string) => parsePdiffIndex(text, 'x'),
    good: `SHA256-Current: ${hash} 7\nSHA256-History:\n ${hash} 7 a\nSHA256-Patches:\n ${hash} 7 a\nSHA256-Download:\n ${hash} 7 a.gz\n`,
    required: ['SHA256-Current', 'SHA256-Patches'],
  },
] as const; // prettier-ignore

/** What `work` throws must be an error of the house that names the file and a line. */
function refusalOf(work: () => unknown, what: string): SheafError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SheafError, `${what}: ${String((error as Error).stack).slice(0, 500)}`);
    assert.equal(error.place?.file, 'x', what);
    assert.ok((error.place?.line ?? 0) >= 1, `${what}: ${error.message}`);
    assert.match(error.message, /^Cannot read x: .{5,}/, what);
    return error;
  }
}

for (const { name, parse, good, required } of formats) {
  const lines = good.trimEnd().split('\n');

  test(`${name} reads what is spoilt below`, () => {
    assert.equal(refusalOf(() => parse(good), 'good'), undefined); // prettier-ignore
  });

  test(`${name} refuses a field that is missing, empty or there twice`, () => {
    for (const each of required) {
      const without = good.replace(new RegExp(`^${each}:.*\n(?: .*\n)*`, 'm'), '');
      assert.match(refusalOf(() => parse(without), each)!.code, /missing-field|bad-field/);
      const twice = `${good}${each.toUpperCase()}: x\n`;
      assert.match(refusalOf(() => parse(twice), each)!.message, /stands twice/);
    }
  });

  test(`${name} names the line of a NUL, a carriage return, or a line that is nothing`, () => {
    lines.forEach((line, i) => {
      const spoil = (text: string) => lines.with(i, text).join('\n');
      for (const text of [
        `${line}\0`,
        `${line}\r`,
        line.replace(/[:\s]/, '\0'),
        `nothing\n${line}`,
        `-${line.trim()}`,
      ]) {
        assert.equal(refusalOf(() => parse(spoil(text)), text)?.place?.line, i + 1, text);
      }
    });
    assert.match(refusalOf(() => parse(good.replaceAll('\n', '\r\n')), 'CR LF')!.message, /carriage return/);
    assert.match(refusalOf(() => parse(good.replaceAll('\n', '\r')), 'CR')!.message, /carriage return/);
  });

  test(`${name} refuses names that leave their folder, and sizes that no file has`, () => {
    for (const [from, to] of [
      [/ 7 (?:\S+ \S+ )?(\S+)$/gm, '../$1'],
      [/ 7 (?:\S+ \S+ )?(\S+)$/gm, '/$1'],
      [/ 7 (?:\S+ \S+ )?(\S+)$/gm, '..'],
      [/^ (\S+) +(?:7|1234) /gm, ' $1 -7 '],
      [/^ (\S+) +(?:7|1234) /gm, ` $1 ${'9'.repeat(30)} `],
      [/^ (\S+) +(?:7|1234) /gm, ' $1 7e9 '],
      [/ (7|1234) main\/binary/g, ' $1 ../../main'],
    ] as const) {
      const spoilt = good.replace(from, (whole, ...groups: string[]) =>
        to.startsWith(' ') ? to.replace('$1', groups[0]!) : whole.replace(/\S+$/, to.replace('$1', groups[0]!)),
      );
      if (spoilt !== good) assert.equal(refusalOf(() => parse(spoilt), spoilt)?.code, 'bad-field', spoilt);
    }
  });

  test(`${name} ends with a value or with a SheafError wherever the file is cut`, () => {
    for (let cut = 0; cut < good.length; cut++) refusalOf(() => parse(good.slice(0, cut)), `cut at ${cut}`);
  });

  test(`${name} ends with a value or with a SheafError whatever is changed`, () => {
    const piece = fc.oneof(
      fc.constantFrom('\0', '\r', '\n', '\n\n', ':', ' ', '\t', '#', ',', '(', ')', '"', '\\', '=', '-', '\uFFFD', '\u{1F600}', '..', '/', '9'.repeat(20)),
      fc.string({ maxLength: 5 }),
      fc.constantFrom(...lines),
    ); // prettier-ignore
    const change = fc.tuple(fc.nat(good.length), fc.nat(20), piece);
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let text: string = good;
        for (const [at, length, put] of changes) text = text.slice(0, at) + put + text.slice(at + length);
        refusalOf(() => parse(text), JSON.stringify(text));
      }),
      { numRuns: 1000 },
    );
  });

  // Nothing here may take time or depth that grows faster than its length.
  test(`${name} comes to an end with enormous fields`, { timeout: 120_000 }, () => {
    for (const size of [20_000, 200_000]) {
      const long = [' '.repeat(size), 'x'.repeat(size), 'x '.repeat(size / 2), '('.repeat(size), '\\'.repeat(size), 'a="b" '.repeat(size / 6), 'a (= 1), '.repeat(size / 9), '<a> '.repeat(size / 4), 'a | '.repeat(size / 4), '\n x'.repeat(size / 3), `\n ${hash} 7 a`.repeat(size / 70), '\n#'.repeat(size / 2)]; // prettier-ignore
      for (const value of long) {
        for (const line of lines.filter((each) => /^[A-Z]/.test(each))) {
          for (const end of ['', '!']) {
            const text = good.replace(line, `${line.slice(0, line.indexOf(':') + 2)} aa ${value}${end}`);
            refusalOf(() => parse(text), `${line} with ${value.slice(0, 20)}`);
          }
        }
      }
      refusalOf(() => parse('F: x\n'.repeat(size / 5)), 'fields');
      refusalOf(() => parse(Array.from({ length: size / 10 }, (_, i) => `F${i}: x\n`).join('')), 'different fields');
      refusalOf(() => parse('A: b\n\n'.repeat(size / 6)), 'stanzas');
      refusalOf(() => parse('\n'.repeat(size)), 'blank lines');
      refusalOf(() => parse(`-----BEGIN PGP SIGNED MESSAGE-----\n${'Hash: x\n'.repeat(size / 8)}`), 'armor');
      refusalOf(() => parse(`-----BEGIN PGP SIGNED MESSAGE-----\n\n${'- x\n'.repeat(size / 4)}`), 'escaped lines');
    }
  });
}

const helloDsc = readFileSync(join(import.meta.dirname, 'testdata/hello_2.10-3.dsc'), 'utf8');

test('parseDsc ends with a value or with a SheafError wherever a signed file is cut or changed', () => {
  for (let cut = 0; cut < helloDsc.length; cut += 3) refusalOf(() => parseDsc(helloDsc.slice(0, cut), 'x'), `${cut}`);
  fc.assert(
    fc.property(
      fc.nat(helloDsc.length),
      fc.nat(60),
      fc.constantFrom('', '\0', '\n', '- ', '-----', 'é'),
      (at, length, put) => {
        const text = helloDsc.slice(0, at) + put + helloDsc.slice(at + length);
        refusalOf(() => parseDsc(text, 'x'), JSON.stringify(text));
      },
    ),
    { numRuns: 1000 },
  );
});

test('parseRelations comes to an end with long runs of white space and of restrictions', { timeout: 60_000 }, () => {
  for (const text of [
    `aa ${' '.repeat(1e6)}!`,
    `aa (= 1)${'\t'.repeat(1e6)}[`,
    `aa ${'<a> '.repeat(1e6)}`,
    'a'.repeat(1e6),
  ]) {
    assert.throws(() => parseRelations(text), { code: 'bad-relation' });
  }
  assert.equal(parseRelations('aa, '.repeat(100_000)).length, 100_000);
});

test('parseChangelog refuses a heading of a million words', () => {
  const text = `a (1) ${'x '.repeat(2_000_000)}; urgency=low\n`;
  assert.throws(() => parseChangelog(text), { code: 'bad-changelog', place: { file: 'debian/changelog', line: 1 } });
});
