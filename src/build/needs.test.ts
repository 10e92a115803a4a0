import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseStanza } from '../formats/deb/deb822.ts';
import { buildNeeds } from './needs.ts';

const source = parseStanza(`Source: toy
Build-Depends: debhelper-compat (= 13),
 gettext,
Build-Depends-Arch: gcc
Build-Depends-Indep: python3-sphinx <!nodoc>
Build-Conflicts: toy-dev
`);

test('buildNeeds joins the fields that the kind of build reads', () => {
  assert.deepEqual(buildNeeds(source, 'any'), {
    buildDepends: 'debhelper-compat (= 13),\ngettext, gcc',
    buildConflicts: 'toy-dev',
  });
  assert.match(buildNeeds(source, 'all').buildDepends, /gettext, python3-sphinx <!nodoc>$/);
  assert.match(buildNeeds(source, 'any+all').buildDepends, /gcc, python3-sphinx/);
});
