import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SheafError } from '../kit/error.ts';
import { sha256 } from '../kit/digest.ts';
import type { Lock, LockedPackage } from '../model/lock.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { explainPackage, hasRecommended, type Chain } from './explain.ts';

type Fields = Readonly<Record<string, string>>;

const locked = (text: string, fields: Fields = {}): LockedPackage => {
  const [name = '', version = '1', architecture = 'amd64'] = text.split(' ');
  return {
    ...{ name: parsePackageName(name), version: parseVersion(version), architecture: parseArchitecture(architecture) },
    ...{ sha256: sha256(text), size: 1, url: `http://h/${name}.deb`, fields: Object.entries(fields) },
  };
};

const lock = (packages: readonly LockedPackage[], request: Partial<Lock['request']> = {}) => ({
  architecture: parseArchitecture('amd64'),
  sources: [],
  request: { packages: ['web'], recommends: false, exclude: [], ...request },
  packages,
});

/** `web Depends: libssl >= … libc` */
const told = ({ cause, steps }: Chain) =>
  [cause.kind, ...steps.map(({ from, field, to }) => `${from.name} ${field} ${to.name}`)].join(', ');
const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).join(' ');

const web = [
  locked('base 1', { Essential: 'yes', 'Pre-Depends': 'libc (>= 2)' }),
  locked('doc 1 all'),
  locked('libc 2'),
  locked('libssl 3', { Depends: 'libc (>= 2)' }),
  locked('mailer 1', { Provides: 'mail-transport-agent (= 1)', Depends: 'libssl' }),
  locked('web 1', { Depends: 'libssl (>= 3), default-mta | mail-transport-agent', Recommends: 'doc' }),
];

test('explainPackage gives the shortest chain through each package that needs it', () => {
  const [found] = explainPackage(lock(web), 'libc');
  assert.deepEqual(found!.chains.map(told), [
    'essential, base Pre-Depends libc',
    'asked, web Depends libssl, libssl Depends libc',
  ]);
  assert.equal(names(found!.neededBy), 'base libssl mailer web');
  assert.equal(names(found!.onlyFor), '');
});

test('hasRecommended sees what is there for a recommendation alone', () => {
  assert.equal(hasRecommended(lock(web)), true);
  assert.equal(hasRecommended(lock(web, { packages: ['web', 'doc'] })), false);
  const others = web.filter(({ name }) => name !== 'doc');
  assert.equal(hasRecommended(lock([...others, locked('left-over 1')])), false);
  assert.equal(hasRecommended(lock([...others, locked('strange 1', { Depends: '(((' })])), true);
});

test('explainPackage knows alternatives and what packages provide', () => {
  const [found] = explainPackage(lock(web), 'mailer');
  const [chain] = found!.chains;
  assert.deepEqual(chain!.steps[0], {
    from: { name: 'web', version: '1', architecture: 'amd64' },
    field: 'Depends',
    relation: 'default-mta | mail-transport-agent',
    alternative: 'mail-transport-agent',
    provides: true,
    to: { name: 'mailer', version: '1', architecture: 'amd64' },
    others: [],
  });
});

test('explainPackage follows recommendations only in a lock that was made with them', () => {
  assert.deepEqual(explainPackage(lock(web, { recommends: true }), 'doc')[0]!.chains.map(told), [
    'asked, web Recommends doc',
  ]);
  assert.deepEqual(explainPackage(lock(web), 'doc')[0]!.chains.map(told), ['unknown']);
});

test('explainPackage says what could not stay, and what is there for its sake alone', () => {
  const [found] = explainPackage(lock(web), 'libssl');
  assert.equal(names(found!.neededBy), 'mailer web');
  const [all] = explainPackage(lock(web), 'web');
  assert.deepEqual(all!.chains, [{ cause: { kind: 'asked', word: 'web' }, steps: [] }]);
  assert.equal(names(all!.onlyFor), 'libssl mailer');
});

test('explainPackage holds nobody for a relation that another package satisfies too', () => {
  const two = [...web.slice(0, 5), locked('postfix 1', { Provides: 'mail-transport-agent' }), web[5]!];
  const [found] = explainPackage(lock(two), 'mailer');
  assert.equal(names(found!.neededBy), '');
  assert.equal(names(found!.chains[0]!.steps[0]!.others), 'postfix');
});

test('explainPackage keeps to versions, versioned Provides and Multi-Arch', () => {
  const cases: readonly (readonly [string, Fields, string, boolean])[] = [
    ['lib 2', {}, 'lib (>= 3)', false],
    ['lib 3', {}, 'lib (>= 3)', true],
    ['lib 3', {}, 'lib (<< 3)', false],
    ['lib 1', { Provides: 'virtual' }, 'virtual (>= 1)', false],
    ['lib 1', { Provides: 'virtual (= 2)' }, 'virtual (>= 1)', true],
    ['lib 1 i386', {}, 'lib', false],
    ['lib 1 i386', { 'Multi-Arch': 'foreign' }, 'lib', true],
    ['lib 1 i386', { 'Multi-Arch': 'allowed' }, 'lib:any', true],
    ['lib 1 i386', { 'Multi-Arch': 'same' }, 'lib:i386', true],
    ['lib 1 all', {}, 'lib', true],
  ];
  for (const [text, fields, depends, expected] of cases) {
    const packages = [locked(text, fields), locked('web 1', { Depends: depends })];
    const [found] = explainPackage(lock(packages), 'lib');
    assert.equal(found!.chains[0]!.cause.kind === 'asked', expected, `${text} for ${depends}`);
  }
});

test('explainPackage knows what a variant brings, and words that apt takes', () => {
  const packages = [
    locked('apt 2', { Priority: 'important' }),
    locked('libc 2 i386'),
    locked('passwd 4', { Priority: 'required' }),
    locked('web 1'),
  ];
  const made = lock(packages, { variant: 'minbase', packages: ['web=1', 'libc:i386'] });
  const cause = (name: string) => explainPackage(made, name)[0]!.chains[0]!.cause;
  assert.deepEqual(cause('apt'), { kind: 'variant', variant: 'minbase' });
  assert.deepEqual(cause('passwd'), { kind: 'priority', priority: 'required' });
  assert.deepEqual(cause('web'), { kind: 'asked', word: 'web=1' });
  assert.deepEqual(cause('libc'), { kind: 'asked', word: 'libc:i386' });
});

test('explainPackage names a cause also where packages need each other in a circle', () => {
  const circle = [locked('aa 1', { Depends: 'bb' }), locked('bb 1', { Depends: 'aa' })];
  const [found] = explainPackage(lock(circle, { packages: [] }), 'bb');
  assert.deepEqual(found!.chains.map(told), ['unknown, aa Depends bb']);
});

test('explainPackage refuses what is not there, with what is', () => {
  const refusal = (name: string, packages = web) => {
    try {
      explainPackage(lock(packages), name);
    } catch (error) {
      assert.ok(error instanceof SheafError);
      return [error.code, error.hint];
    }
    return assert.fail();
  };
  assert.deepEqual(refusal('ssl', [...web, locked('libssl 3 i386')]), ['not-in-lock', 'There is libssl, libssl:i386.']);
  assert.deepEqual(refusal('mail-transport-agent'), ['not-in-lock', 'It is provided by mailer.']);
  const bare = web.map(({ name, version, architecture, ...each }) => {
    const { sha256: digest, size, url } = each;
    return { name, version, architecture, sha256: digest, size, url };
  });
  assert.equal(refusal('libc', bare)[0], 'lock-without-relations');
});
