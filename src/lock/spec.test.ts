import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { checkLockSpec, isPackageWord, parseLockSpec, readLockSpec } from './spec.ts';

const least = 'from = ["debian/trixie"]\narchitectures = ["amd64"]\n';

test('parseLockSpec reads every setting, and has a default for those that can have one', () => {
  assert.deepEqual(parseLockSpec(least, 'x.toml'), {
    ...{ packages: [], variant: 'minbase', from: ['debian/trixie'], architectures: ['amd64'] },
    ...{ recommends: false, exclude: [] },
  });
  const all = `packages = ["nginx", "hello=2.10-3", "libc6:i386", "curl/trixie-backports"]
variant = "essential"
from = ["debian/trixie@2026-09-12", "debian-security/trixie-security@20261114T081523Z", "stable@142"]
architectures = ["amd64", "arm64"]
recommends = true
exclude = ["vim"]
`;
  const spec = parseLockSpec(all, 'x.toml');
  assert.deepEqual(parseLockSpec(`\uFEFF${all.replaceAll('\n', '\r\n')}`, 'x.toml'), spec);
  assert.equal(spec.packages.length, 4);
  assert.equal(spec.from[2], 'stable@142');
  assert.equal(spec.recommends, true);
});

test('parseLockSpec names place, what was found and what was expected', () => {
  const cases: readonly (readonly [string, number, RegExp])[] = [
    [`${least}package = ["x"]\n`, 3, /package: unknown setting; did you mean "packages"\?/],
    [`${least}colour = 1\n`, 3, /colour: unknown setting, expected one of packages, variant, from/],
    ['architectures = ["amd64"]\n', 1, /from: missing, expected a list of suites/],
    [`${least}variant = "tiny"\n`, 3, /variant: found "tiny", expected one of essential, apt/],
    [
      `${least}packages = ["nginx", "rm -rf"]\n`,
      3,
      /packages\[1\]: found "rm -rf", expected a package as apt takes it/,
    ],
    [`${least}packages = ["nginx", "nginx"]\n`, 3, /packages\[1\]: found "nginx", expected every entry once/],
    [`${least}recommends = "yes"\n`, 3, /recommends: found "yes", expected true or false/],
    [
      `${least}packages = ["nginx"]\nexclude = ["apache2", "nginx"]\n`,
      4,
      /exclude\[1\]: found "nginx", expected a package that is not asked for/,
    ],
    [
      `${least}packages = ["nginx=1.26-3"]\nexclude = ["nginx"]\n`,
      4,
      /exclude\[0\]: found "nginx", expected a package/,
    ],
    [`${least}packages = ["nginx/sid"]\nexclude = ["nginx"]\n`, 4, /exclude\[0\]: found "nginx", expected a package/],
    [`${least}packages = ["g++:i386"]\nexclude = ["g++"]\n`, 4, /exclude\[0\]: found "g\+\+", expected a package/],
    ['from = []\narchitectures = ["amd64"]\n', 1, /from: found an empty list, expected a list of suites, at least 1/],
    ['from = ["debian/trixie"]\narchitectures = ["all"]\n', 2, /architectures\[0\]: found "all"/],
    ['from = [', 1, /this is not TOML/],
  ];
  for (const [text, line, message] of cases) {
    assert.throws(
      () => parseLockSpec(text, 'x.toml'),
      (error: { code?: string; message?: string; place?: { file?: string; line?: number } }) => {
        assert.equal(error.code, 'bad-settings');
        assert.match(error.message ?? '', message);
        assert.deepEqual([error.place?.file, error.place?.line], ['x.toml', line]);
        return true;
      },
    );
  }
});

test('checkLockSpec reads words of a command line by the same rules', () => {
  const words = { packages: ['nginx'], variant: undefined, from: ['stable'], architectures: ['amd64'] };
  assert.equal(checkLockSpec({ ...words, recommends: undefined, exclude: undefined }).variant, 'minbase');
  const wrong = { ...words, from: undefined, recommends: undefined, exclude: ['A'] };
  assert.throws(() => checkLockSpec(wrong), {
    code: 'bad-settings',
    message: /from: missing.*exclude\[0\]: found "A"/,
  });
});

test('isPackageWord takes what names one package, and no order or pattern of apt', () => {
  for (const word of ['nginx', 'g++', 'libc6:i386', 'a0=1:2.0~rc1-1', 'a0:arm64=1', 'nginx/trixie-backports']) {
    assert.ok(isPackageWord(word), word);
  }
  for (const word of [
    'nginx-',
    'lib*',
    '^a',
    'a0^',
    '~nvim',
    '?essential',
    '-y',
    'a0:any',
    'a0:all',
    'a0=',
    'a0=x',
    './a.deb',
    'a0/',
    'A0',
    '',
  ]) {
    assert.ok(!isPackageWord(word), word);
  }
});

test('readLockSpec says that there is no file, and what to write', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sheaf-spec-'));
  t.after(() => rmSync(directory, { recursive: true }));
  await assert.rejects(readLockSpec(join(directory, 'no.toml')), { code: 'no-lock-spec', kind: 'usage' });
  writeFileSync(join(directory, 'x.toml'), least);
  assert.deepEqual((await readLockSpec(join(directory, 'x.toml'))).from, ['debian/trixie']);
});
