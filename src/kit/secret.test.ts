import assert from 'node:assert/strict';
import { test } from 'node:test';

import { newSecret } from './secret.ts';

test('newSecret gives another secret each time, and never an option', () => {
  const secrets = Array.from({ length: 1000 }, newSecret);
  assert.equal(new Set(secrets).size, secrets.length);
  for (const secret of secrets) assert.match(secret, /^[A-Za-z0-9_][A-Za-z0-9_-]{42}$/);
});
