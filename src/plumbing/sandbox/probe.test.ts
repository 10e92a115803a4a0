import assert from 'node:assert/strict';
import { test } from 'node:test';

import { probeSandbox } from './probe.ts';
import { createRuncSandbox } from './runc.ts';
import { createUnshareSandbox } from './unshare.ts';

test('probeSandbox runs a program where sandboxes work', async () => {
  assert.partialDeepStrictEqual(await probeSandbox(createUnshareSandbox()), { works: true });
});

test('probeSandbox says why a sandbox does not start', async () => {
  const probe = await probeSandbox(createRuncSandbox({ program: 'no-such-runtime' }));
  assert.ok(!probe.works);
  assert.match(probe.reason, /no-such-runtime/);
});
