import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseSourceControl } from './control.ts';
import { refusal } from './testdata/oracle.ts';

const text = `# top
Source: hello
Build-Depends: debhelper-compat (= 13),
# why
 texinfo
Build-Conflicts-Arch: foo

Package: hello
Architecture: any
Description: x

Package: hello-doc
Architecture: linux-any kfreebsd-any
`;

test('parseSourceControl gives the source, its relations and its binaries', () => {
  const control = parseSourceControl(text);
  assert.equal(control.name, 'hello');
  assert.equal(control.buildDepends, 'debhelper-compat (= 13),\ntexinfo');
  assert.equal(control.buildConflictsArch, 'foo');
  assert.equal(
    control.buildDependsIndep + control.buildDependsArch + control.buildConflicts + control.buildConflictsIndep,
    '',
  );
  assert.deepEqual(control.binaries.map(({ name, architecture }) => ({ name, architecture })), [
    { name: 'hello', architecture: ['any'] },
    { name: 'hello-doc', architecture: ['linux-any', 'kfreebsd-any'] },
  ]); // prettier-ignore
});

const invalid: readonly (readonly [string, string, string, RegExp, number])[] = [
  ['an empty file', '', 'bad-control-file', /no stanza/, 1],
  ['no source', 'Package: a0\n', 'missing-field', /"Source" is missing/, 1],
  ['no binary package', '\nSource: a0\n', 'bad-control-file', /no binary package/, 2],
  ['a path for a name', 'Source: ../evil\n', 'bad-field', /"Source", "\.\.\/evil" is not a package name/, 1],
  ['an upper-case name', 'Source: Hello\n', 'bad-field', /not a package name/, 1],
  ['a binary without a name', 'Source: a0\n\nArchitecture: any\n', 'missing-field', /"Package" is missing/, 3],
  ['a binary without an architecture', 'Source: a0\n\nPackage: a0\n', 'missing-field', /"Architecture" is missing/, 3],
  ['an option for a binary', 'Source: a0\n\nPackage: -o\nArchitecture: any\n', 'bad-field', /not a package name/, 3],
  [
    'a binary twice',
    'Source: a0\n\nPackage: a0\nArchitecture: any\n\nPackage: a0\nArchitecture: all\n',
    'bad-control-file',
    /"a0" stands twice/,
    6,
  ],
];
for (const [what, control, code, message, line] of invalid) {
  test(`parseSourceControl refuses ${what}`, () => {
    assert.throws(() => parseSourceControl(control, 'debian/control'), refusal(code, message, line));
  });
}
