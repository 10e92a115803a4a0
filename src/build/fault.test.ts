import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SheafError } from '../kit/error.ts';
import { blame } from './fault.ts';

const coded = (code: string): Error => Object.assign(new Error(code), { code });

for (const [what, error, fault] of [
  ['a full disk', coded('ENOSPC'), 'worker'],
  [
    'a full disk below another error',
    new SheafError('root-failed', 'x', { kind: 'environment', cause: coded('ENOSPC') }),
    'worker',
  ],
  ['a mirror that does not answer', new SheafError('fetch-failed', 'x', { kind: 'environment' }), 'environment'],
  ['a sandbox that cannot start', new SheafError('sandbox-unavailable', 'x', { kind: 'environment' }), 'environment'],
  ['an input with other bytes', new SheafError('blob-mismatch', 'x'), 'environment'],
  ['a fault in the program', new TypeError('x is not a function'), 'worker'],
  ['something that is no error', 'text', 'worker'],
] as const) {
  test(`blame gives ${what} to the ${fault}`, () => assert.equal(blame(error).fault, fault));
}
