import assert from 'node:assert/strict';
import { test } from 'node:test';

import { confirmSteps, placeIn, type Attempt, type Step } from './confirmed.ts';
import type { Experiment } from './experiments.ts';

const guess: Experiment = { kind: 'locale', thing: 'locale', restored: 'locale POSIX', conditions: {}, older: [] };
const told: Experiment = { ...guess, kind: 'hostname', thing: 'hostname', restored: 'hostname box', isTold: true };
const places = (...of: string[]) => new Set(of.map((each) => placeIn('a_1_amd64.deb', each)));
const step = (added: Step['added'], left: Attempt['places'], before: Step['added'] = []): Step => {
  return { all: [...before, ...added], added, places: left };
};
const confirm = (first: Attempt['places'], steps: readonly Step[], later: readonly Attempt[] = []) =>
  confirmSteps(first, steps, [...steps, ...later]).map(({ kind, confirmed, explains }) => [kind, confirmed, explains]);

test('confirmSteps names what agreed with each thing, once it agreed again', () => {
  const first = places('a', 'b', 'c');
  const [one, other] = [step([guess], places('b', 'c')), step([told], places('c'), [guess])];
  assert.deepEqual(confirm(first, [one, other]), [['locale', true, 'a'], ['hostname', true, 'b']]); // prettier-ignore
  // A guess needs another build that shows the same.
  assert.deepEqual(confirm(first, [one]), [['locale', false, undefined]]);
  assert.deepEqual(confirm(first, [one], [{ all: [told], places: places('b') }]), [['locale', false, undefined]]);
  assert.deepEqual(confirm(first, [one], [{ all: [guess, told], places: places('a', 'b') }]), [
    ['locale', false, undefined],
  ]);
  assert.deepEqual(confirm(first, [step([told], places('b', 'c'))]), [['hostname', true, 'a']]);
});

test('confirmSteps confirms nothing where it is not known which of two it was, or what is left', () => {
  const first = places('a', 'b');
  assert.deepEqual(confirm(first, [step([{ ...guess, isTold: true }, told], places('b'))]), [
    ['locale', false, undefined],
    ['hostname', false, undefined],
  ]);
  assert.deepEqual(confirm(first, [step([told], undefined)]), [['hostname', false, undefined]]);
  assert.deepEqual(confirm(undefined, [step([told], places('b'))]), [['hostname', false, undefined]]);
  assert.deepEqual(confirm(first, [step([told], first)]), [['hostname', false, undefined]]);
});

test('confirmSteps names each place once, and not endlessly many', () => {
  const first = new Set([placeIn('a.deb', 'x'), placeIn('b.deb', 'x')]);
  assert.deepEqual(confirm(first, [step([told], new Set())]), [['hostname', true, 'x']]);
  const many = Array.from({ length: 30 }, (_, index) => `f${index}`);
  const [[, , explains] = []] = confirm(places(...many), [step([told], new Set())]);
  assert.match(String(explains), /^f0, f1, .*, f19, 10 more$/);
});
