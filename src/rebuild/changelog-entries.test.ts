import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rebuiltFor } from './changelog-entries.ts';

const upload = (change: string) =>
  `a (1-2+b1) sid; urgency=low, binary-only=yes\n\n  * Binary-only non-maintainer upload for amd64; no source changes.\n  * ${change}\n\n -- A Person <a@example.org>  Mon, 01 Jan 2024 10:00:00 +0000\n`;

const changes: readonly (readonly [string, string | undefined])[] = [
  ['Rebuild against glibc 2.36-9+deb12u12', 'glibc 2.36-9+deb12u12'],
  ['rebuild for libfoo (>= 1:2.3~rc1-4)', 'libfoo 1:2.3~rc1-4'],
  ['Rebuilt with the fixed dh-elpa 2.0.16.', 'dh-elpa 2.0.16'],
  ['Rebuild against dpkg-dev with #1000421 fixed', undefined],
  ['Rebuild for outdated Built-Using', undefined],
  ['Fix 2.3', undefined],
];

for (const [change, made] of changes) {
  test(`rebuiltFor finds ${made ?? 'nothing'} in "${change}"`, () => {
    const found = rebuiltFor(upload(change));
    assert.equal(found && `${found.name} ${found.version}`, made);
  });
}
