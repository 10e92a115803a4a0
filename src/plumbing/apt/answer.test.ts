import assert from 'node:assert/strict';
import { test } from 'node:test';

import { essentialNames, explainUnmet, keptInTheWay, parseUris } from './answer.ts';

const hash = 'ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf';

test('parseUris reads name, version with its epoch, architecture, size and hash', () => {
  const text = `Reading package lists...\n'http://h/pool/a%2bb_1.deb' g++_4%3a12.2.0-3_amd64.deb 356 SHA256:${hash}\n`;
  assert.deepEqual(parseUris(text), [
    {
      name: 'g++',
      version: '4:12.2.0-3',
      architecture: 'amd64',
      sha256: hash,
      size: 356,
      url: 'http://h/pool/a%2bb_1.deb',
    },
  ]);
});

test('explainUnmet says once that what many need is excluded', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const stdout = `The following packages have unmet dependencies:
${names.map((name) => ` ${name} : PreDepends: libc6 (>= 2.34) but it is not installable\n`).join('')}\
 x : Depends: a but it is not going to be installed
 y : Depends: b (>= 1) but it is not going to be installed
     Depends: c but it is not going to be installed
 z : Depends: other (= 7)
`;
  assert.deepEqual(explainUnmet(stdout, '', ['libc6'])?.split('\n'), [
    'libc6 is excluded, and needed by a, b, c, d, e and 2 more',
    'z : Depends: other (= 7)',
    '2 more cannot be installed, as what they need is not',
  ]);
});

test('keptInTheWay names what has to go from its version, by the words of apt', () => {
  const stdout = `The following packages have unmet dependencies:
 app : Depends: lib (>= 2) but 1 is to be installed
       Depends: data:i386 (>= 2) but 1:1 is to be installed or
                free (>= 3) but 2 is to be installed
       Depends: other but it is not going to be installed
 old:i386 : Breaks: app (>= 2) but 2 is to be installed
`;
  const kept = new Set(['lib', 'data', 'other', 'old']);
  assert.deepEqual(keptInTheWay(stdout, kept), ['lib', 'data', 'old']);
  assert.deepEqual(keptInTheWay('E: something else', kept), []);
});

test('parseUris refuses what has no SHA-256 or is no package', () => {
  assert.throws(() => parseUris("'http://h/a.deb' a1_1_all.deb 3 MD5Sum:00"), {
    code: 'bad-apt-output',
    message: /a1 1/,
  });
  assert.throws(() => parseUris("'http://h/a.deb' what 3 SHA256:00"), { code: 'bad-apt-output' });
});

test('explainUnmet keeps the reasons and nothing else', () => {
  const stdout = `Reading package lists...
The following packages have unmet dependencies:
 satisfy:command-line : Depends: foo (>= 3) but it is not installable
                        Depends: hello (>= 99)
`;
  const explanation = explainUnmet(stdout, 'E: Unable to correct problems, you have held broken packages.\n');
  assert.equal(explanation, 'wanted : Depends: foo (>= 3) but it is not installable\nwanted : Depends: hello (>= 99)');
  assert.equal(explainUnmet('', 'E: Could not read the disk'), undefined);
});

test('explainUnmet keeps alternatives on one line, and says what is excluded and what is virtual', () => {
  const stdout = `The following packages have unmet dependencies:
 apt : Depends: gpgv but it is not going to be installed or
                gpgv1:any (>= 1) but it is not installable
       PreDepends: libc6 (>= 2.34) but it is not installable
`;
  assert.deepEqual(explainUnmet(stdout, '', ['libc6', 'gpgv1'])?.split('\n'), [
    'apt : Depends: gpgv but it is not going to be installed or gpgv1:any (>= 1) but it is excluded',
    'apt : PreDepends: libc6 (>= 2.34) but it is excluded',
  ]);
  const virtual = `Package mta is a virtual package provided by:
  postfix 3.7
  exim4 4.96 (= 4.96)
You should explicitly select one to install.

`;
  assert.equal(
    explainUnmet(virtual, "E: Package 'mta' has no installation candidate\n"),
    "Package 'mta' has no installation candidate\nmta is virtual: name one of exim4, postfix",
  );
});

test('essentialNames finds essential packages wherever they stand in an index', () => {
  const index =
    'Package: first\nEssential: yes\nVersion: 1\n\nPackage: second\nDescription: Essential: yes\n\nPackage: third\nVersion: 1\nEssential: yes\n';
  assert.deepEqual(essentialNames(Buffer.from(index)), ['first', 'third']);
});
