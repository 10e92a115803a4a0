import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { formatRelease, parseRelease, type NewRelease } from '../formats/deb/release.ts';
import type { Upstream } from '../model/distribution.ts';
import { parseArchitecture, parseLabel, parseSnapshotId } from '../model/names.ts';
import { chooseIndexes } from './choose-indexes.ts';
import { judgeRelease, type ReleaseQuestion } from './judge-release.ts';

const now = new Date('2026-09-20T12:00:00Z');
const date = new Date('2026-09-12T07:55:41Z');

const upstream: Upstream = {
  name: parseLabel('debian'),
  url: 'http://mirror.example/debian',
  suites: ['trixie'],
  components: ['main'],
  keyring: '/keyring.gpg',
  architectures: [parseArchitecture('amd64')],
  sources: true,
  contents: false,
  translations: [],
  expired: 'refuse',
  every: undefined,
};

const listed = (paths: readonly string[]) => paths.map((path) => ({ path, size: 1, sha256: 'a'.repeat(64) }));
const files = listed(['main/binary-amd64/Packages.xz', 'main/source/Sources.gz']);

function release(more: Partial<NewRelease> = {}): string {
  const base = {
    suite: 'stable',
    codename: 'trixie',
    date,
    architectures: ['all', 'amd64'],
    components: ['main'],
    files,
  };
  return formatRelease({ ...base, ...more });
}

function judge(text: string, more: Partial<ReleaseQuestion> = {}) {
  return judgeRelease({
    verdict: { text, signedBy: ['A'.repeat(40)], problems: [] },
    ...{ upstream, suite: 'trixie', now, trustClock: false },
    seen: { newest: undefined, lookedAt: undefined },
    ...more,
  });
}

function code(text: string, more: Partial<ReleaseQuestion> = {}): string {
  const judged = judge(text, more);
  if (judged.kind === 'accepted') return 'accepted';
  assert.match(judged.message, /^[A-Z].*\.$/s);
  assert.match(judged.hint, /^[A-Z].*\.$/s);
  return judged.code;
}

describe('judgeRelease', () => {
  it('accepts a good one under the id of its date', () => {
    const judged = judge(release());
    assert.ok(judged.kind === 'accepted');
    assert.equal(judged.snapshotId, '20260912T075541Z');
    assert.equal(judged.choice.wanted.length, 2);
  });

  it('names the worst problem of its signatures', () => {
    const problem = (name: string) => ({ code: name, message: `It is ${name}.`, hint: 'Do something.' });
    const verdict = { text: release(), signedBy: [], problems: [problem('unknown-key'), problem('revoked-key')] };
    assert.equal(code('', { verdict }), 'revoked-key');
    assert.equal(code('', { verdict: { ...verdict, problems: [] } }), 'unsigned');
  });

  it('refuses what it cannot read', () => {
    assert.equal(code('<html>'), 'bad-release');
    assert.equal(code(release().replace(/^Date: .*\n/m, '')), 'bad-release');
    assert.equal(code(release().replace(/^SHA256:[\s\S]*$/m, 'MD5Sum:\n x 1 y\n')), 'no-sha256');
  });

  it('accepts a suite by either of its names, and no other', () => {
    for (const suite of ['trixie', 'stable', 'stable/updates']) assert.equal(code(release(), { suite }), 'accepted');
    for (const suite of ['sid', 'trixie-updates', 'tri', '']) assert.equal(code(release(), { suite }), 'wrong-suite');
    const nameless = release().replaceAll(/^(?:Suite|Codename): .*\n/gm, '');
    assert.equal(code(nameless), 'wrong-suite');
  });

  it('compares its date with the clock and with what was seen', () => {
    const id = parseSnapshotId;
    const seen = (newest: string | undefined, lookedAt?: string) => ({
      newest: newest === undefined ? undefined : id(newest),
      lookedAt: lookedAt === undefined ? undefined : new Date(lookedAt),
    });
    const cases: [string, Partial<ReleaseQuestion>][] = [
      ['accepted', { now: new Date('2026-09-12T07:51:00Z') }],
      ['release-from-future', { now: new Date('2026-09-12T07:50:00Z') }],
      ['accepted', { seen: seen('20260912T075541Z', '2026-09-20T12:04:00Z') }],
      ['clock-set-back', { seen: seen('20260912T075541Z', '2026-09-20T12:06:00Z') }],
      ['accepted', { seen: seen('20260912T075541Z', '2026-09-20T12:06:00Z'), trustClock: true }],
      ['clock-set-back', { seen: seen('20260921T000000Z'), trustClock: true }],
      ['release-replayed', { seen: seen('20260912T075542Z') }],
    ];
    for (const [expected, more] of cases) assert.equal(code(release(), more), expected, JSON.stringify(more));
  });

  it('refuses an expired one unless expired ones are accepted', () => {
    const text = release({ validUntil: new Date('2026-09-19T07:55:41Z') });
    assert.equal(code(text), 'release-expired');
    assert.equal(code(text, { upstream: { ...upstream, expired: 'accept' } }), 'accepted');
    assert.equal(code(text, { now: new Date('2026-09-18T00:00:00Z') }), 'accepted');
  });

  it('says which followed indexes it does not list', () => {
    const more = { upstream: { ...upstream, components: ['main', 'contrib'] } };
    const judged = judge(release(), more);
    assert.ok(judged.kind === 'refused' && judged.code === 'index-not-listed');
    assert.match(judged.message, /contrib\/binary-amd64\/Packages, contrib\/source\/Sources; it has components main,/);
    assert.equal(code(release({ files: [] })), 'index-not-listed');
  });
});

describe('chooseIndexes', () => {
  function choose(paths: readonly string[], settings: Partial<Upstream>, more: Partial<NewRelease> = {}) {
    const parsed = parseRelease(release({ files: listed(paths), ...more }));
    const { wanted, missing, absent } = chooseIndexes(parsed, {
      ...upstream,
      sources: false,
      architectures: [],
      ...settings,
    });
    return { wanted: wanted.map(({ name }) => name.path), missing, absent, first: wanted[0] };
  }

  it('prefers xz, then gz, zst, bz2 and the plain file, and knows the plain one', () => {
    const paths = ['', '.bz2', '.zst', '.gz', '.xz', '.lzma'].map((suffix) => `main/source/Sources${suffix}`);
    const { first } = choose([...paths, 'main/source/Sources.diff/Index'], { sources: true });
    assert.deepEqual(
      first?.candidates.map(({ compression }) => compression),
      ['.xz', '.gz', '.zst', '.bz2', ''],
    );
    assert.equal(first.plain?.path, 'main/source/Sources');
    assert.equal(first.diffIndex?.path, 'main/source/Sources.diff/Index');
    assert.deepEqual(first.name, {
      path: 'main/source/Sources',
      kind: 'sources',
      component: 'main',
      architecture: 'source',
    });
  });

  it('takes binary-all only where it stands for itself', () => {
    const paths = ['main/binary-amd64/Packages.xz', 'main/binary-all/Packages.xz'];
    const settings = { architectures: [parseArchitecture('amd64')] };
    const own = ['main/binary-amd64/Packages', 'main/binary-all/Packages'];
    assert.deepEqual(choose(paths, settings).wanted, own);
    const extra = [['No-Support-for-Architecture-all', 'Packages']] as const;
    assert.deepEqual(choose(paths, settings, { extra }).wanted, own.slice(0, 1));
    assert.deepEqual(choose(paths, settings, { architectures: ['amd64'] }).wanted, own.slice(0, 1));
    assert.deepEqual(choose(paths.slice(0, 1), settings), { ...choose(paths.slice(0, 1), settings), missing: [] });
  });

  it('finds Contents beside the components or in them, and does not insist', () => {
    const settings = { contents: true, components: ['main', 'contrib'], architectures: [parseArchitecture('amd64')] };
    const packages = ['main/binary-amd64/Packages', 'contrib/binary-amd64/Packages'];
    const inside = choose([...packages, 'main/Contents-amd64.gz', 'main/Contents-all.gz'], settings);
    assert.deepEqual(inside.wanted, [packages[0], 'main/Contents-amd64', 'main/Contents-all', packages[1]]);
    assert.deepEqual([inside.missing, inside.absent], [[], ['contrib/Contents-amd64']]);
    const beside = choose([...packages, 'Contents-amd64.gz'], settings);
    assert.deepEqual(beside.wanted, [packages[0], 'Contents-amd64', packages[1]]);
  });

  it('takes translations that are there', () => {
    const found = choose(['main/i18n/Translation-de.bz2'], { translations: ['de', 'fr'] });
    assert.deepEqual([found.wanted, found.absent], [['main/i18n/Translation-de'], ['main/i18n/Translation-fr']]);
  });
});
