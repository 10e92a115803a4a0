import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

import fc from 'fast-check';

import { formatTagName, mangleVersion, tagNameProblem, unmangleVersion, versionOfTagName } from './tag-name.ts';

/** Characters of Debian versions. */
const version = fc
  .array(fc.constantFrom(...'0123456789abcLOCK.lock.+~-:'.split('')), { minLength: 1, maxLength: 20 })
  .map((letters) => `1${letters.join('')}`);

describe('mangleVersion', () => {
  it('follows DEP-14', () => {
    for (const [plain, mangled] of [
      ['1.0-1', '1.0-1'],
      ['1:2.0~rc1-1', '1%2.0_rc1-1'],
      ['1..2', '1.#.2'],
      ['1...2', '1.#.#.2'],
      ['1.', '1.#'],
      ['1.lock', '1.#lock'],
      ['1.lock-1', '1.lock-1'],
      ['1.0.LOCK', '1.0.LOCK'],
    ] as const) {
      assert.equal(mangleVersion(plain), mangled);
      assert.equal(unmangleVersion(mangled), plain);
    }
  });

  it('makes a name that git takes, and is reversible, for any version', () => {
    fc.assert(
      fc.property(version, (text) => {
        assert.equal(unmangleVersion(mangleVersion(text)), text);
        for (const format of ['debian/%(version)s', 'v%(version)s', '%(version)s', 'release/%(version)s-final']) {
          const name = formatTagName(format, text);
          assert.equal(tagNameProblem(name), undefined, name);
          assert.equal(versionOfTagName(format, name), text);
        }
      }),
    );
  });
});

describe('versionOfTagName', () => {
  it('is undefined for names that do not fit', () => {
    for (const [format, name] of [
      ['debian/%(version)s', 'v1.0'],
      ['debian/%(version)s', 'debian/'],
      ['debian/%(version)s', 'debian/1:0'],
      ['v%(version)s-x', 'v-x'],
      ['v%(version)s', 'v1.0#1'],
      ['no placeholder', 'no placeholder'],
    ] as const) {
      assert.equal(versionOfTagName(format, name), undefined, name);
    }
  });
});

describe('tagNameProblem', () => {
  it('refuses at least what git check-ref-format refuses', () => {
    const part = fc.constantFrom(
      'a',
      '..',
      '.',
      '/',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
      ' ',
      '@{',
      '@',
      '.lock',
      '-',
      '\n',
      '\u007f',
      'é',
      '#',
      '%',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const name = parts.join('');
        if (tagNameProblem(name) !== undefined) return;
        const git = spawnSync('git', ['check-ref-format', `refs/tags/${name}`]);
        assert.equal(git.status, 0, JSON.stringify(name));
      }),
      { numRuns: 150 },
    );
  });

  it('refuses options, over-long names and bytes that were no text', () => {
    for (const name of ['-x', '--upload-pack=x', 'x'.repeat(201), 'a\ufffdb', '', 'é'.repeat(101)]) {
      assert.notEqual(tagNameProblem(name), undefined, name);
    }
  });
});
