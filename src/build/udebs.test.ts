import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseStanza } from '../formats/deb/deb822.ts';
import { withoutUdebs } from './udebs.ts';

const dsc = (...packages: string[]) => parseStanza(`Source: toy\nPackage-List:\n${packages.join('\n')}\n`);

test('withoutUdebs leaves packages for the installer out, and says nothing where there are none', () => {
  const conditions = { environment: { DEB_BUILD_PROFILES: 'noudeb' } };
  const plain = ' toy deb misc optional arch=any';
  assert.deepEqual(withoutUdebs(dsc(plain, ' toy-udeb udeb debian-installer optional arch=any')), { conditions });
  assert.deepEqual(withoutUdebs(dsc(plain, ' udeb deb misc optional arch=all profile=!noudeb')), {});
  assert.deepEqual(withoutUdebs(parseStanza('Source: toy\n')), {});
});
