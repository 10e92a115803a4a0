import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import type { Sha256 } from '../../kit/digest.ts';
import { applyEdScript } from './ed-script.ts';
import { formatPdiffIndex, parsePdiffIndex, planPatches } from './pdiff.ts';
import { missing, refusal, temporaryDirectory } from './testdata/oracle.ts';

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');

/** Successive versions of an index, and what leads from one to another. */
const versions = [1, 2, 3, 4].map((day) =>
  Array.from({ length: 50 }, (_, i) => (i % 10 === day ? '' : `Package: p${i}\nVersion: ${Math.floor((i + day) / 5)}\nDescription: x\n .\n y\n\n`)).join(''),
); // prettier-ignore
const current = versions.at(-1)!;

function diff(directory: string, from: string, to: string): Buffer {
  writeFileSync(join(directory, 'from'), from);
  writeFileSync(join(directory, 'to'), to);
  return spawnSync('diff', ['--ed', 'from', 'to'], { cwd: directory }).stdout;
}

type Made = { readonly name: string; readonly from: string; readonly patch: Uint8Array };

const list = (name: string, lines: readonly string[]) => `${name}:\n${lines.map((line) => ` ${line}\n`).join('')}`;
const lists = (prefix: string, made: readonly Made[]) =>
  list(`${prefix}SHA256-History`, made.map(({ name, from }) => `${sha256(from)} ${from.length} ${name}`)) +
  list(`${prefix}SHA256-Patches`, made.map(({ name, patch }) => `${sha256(patch)} ${patch.length} ${name}`)) +
  list(`${prefix}SHA256-Download`, made.map(({ name, patch }) => `${sha256(patch)} 7 ${name}.gz`)); // prettier-ignore
const head = `SHA256-Current: ${sha256(current)} ${current.length}\n`;

test('planPatches and applyEdScript lead from every version to the current one', { skip: missing('diff') }, () => {
  using directory = temporaryDirectory();
  const old = versions.slice(0, -1);
  const plain = old.map((from, i) => ({ name: `2026-01-0${i}`, from, patch: diff(directory.path, from, versions[i + 1]!) })); // prettier-ignore
  const merged = old.map((from, i) => ({ name: `T-F-${i}`, from, patch: diff(directory.path, from, current) }));
  const files = new Map([...plain, ...merged].map(({ name, patch }) => [`${name}.gz`, patch]));
  const plainIndex = parsePdiffIndex(head + lists('', plain));
  const mergedIndex = parsePdiffIndex(
    `${head}${lists('', merged)}${lists('X-Unmerged-', plain)}X-Patch-Precedence: merged\n`,
  );
  assert.equal(plainIndex.unmerged, undefined);
  const chains = [
    [plainIndex, 'plain', [3, 2, 1, 0]],
    [mergedIndex, 'merged', [1, 1, 1, 0]],
    [mergedIndex.unmerged!, 'unmerged', [3, 2, 1, 0]],
  ] as const;
  for (const [chain, what, steps] of chains) {
    versions.forEach((version, i) => {
      const plan = planPatches(chain, sha256(version));
      assert.equal(plan?.length, steps[i], what);
      let text: Uint8Array = Buffer.from(version);
      for (const step of plan!) {
        const patch = files.get(step.downloadName)!;
        assert.deepEqual([step.sha256, step.size], [sha256(patch), patch.length]);
        assert.deepEqual([step.downloadSha256, step.downloadSize], [sha256(patch), 7]);
        text = applyEdScript(text, patch, { bytes: 2 ** 20 }, step.name);
        assert.deepEqual([sha256(text), text.length], [step.result.sha256, step.result.size]);
      }
      assert.equal(Buffer.from(text).toString(), current);
    });
    assert.equal(planPatches(chain, sha256('other')), undefined);
  }
});

const hash = sha256('x');
const good = `SHA256-Current: ${hash} 1\nSHA256-History:\n ${hash} 1 a\nSHA256-Patches:\n ${hash} 1 a\n`;

test('formatPdiffIndex writes what parsePdiffIndex reads, of a history that comes back too', () => {
  const of = (text: string) => ({ sha256: sha256(text) as Sha256, size: text.length });
  // The second version is taken back, and comes again.
  const history = ['one', 'two', 'one', 'two'];
  const patches = history.map((from, i) => ({
    ...{ name: `2026-01-0${i}`, from: of(from), download: of(`packed ${i}`) },
    ...of(`patch ${i}`),
  }));
  const index = parsePdiffIndex(formatPdiffIndex(of('three'), patches));
  assert.deepEqual(index.current, of('three'));
  assert.equal(index.merged, false);
  const named = patches.map(({ download, ...patch }) => ({
    ...patch,
    download: { ...download, name: `${patch.name}.gz` },
  }));
  assert.deepEqual(index.patches, named);
  assert.equal(planPatches(index, sha256('one'))!.at(-1)!.name, '2026-01-03');
  assert.deepEqual(parsePdiffIndex(formatPdiffIndex(of('three'), [])).patches, []);
});

test('parsePdiffIndex reads an Index of an older archive', () => {
  const index = parsePdiffIndex(`Canonical-Path: dists/x\nSHA1-Current: y\n${good}`);
  assert.equal(index.canonicalPath, 'dists/x');
  assert.equal(index.patches[0]!.download, undefined);
  const other = parsePdiffIndex(good.replace(/(Current: )\S+/, `$1${sha256('z')}`));
  assert.equal(planPatches(other, hash)![0]!.downloadName, 'a.gz');
  assert.deepEqual(parsePdiffIndex(`SHA256-Current: ${hash} 0\n`).patches, []);
});

for (const [what, text, code, message, line] of [
  ['no SHA-256', 'SHA1-Current: x 1\n', 'missing-field', /SHA256-Current/, 1],
  ['two current ones', `SHA256-Current: ${hash} 1\n ${hash} 1\n`, 'bad-field', /not one line/, 1],
  ['a current one with a name', `SHA256-Current: ${hash} 1 x\n`, 'bad-field', /"hash size"/, 1],
  ['a bad hash', good.replace(/ [0-9a-f]{60}/, ' '), 'bad-field', /hash size/, 1],
  ['an absurd size', good.replace(`${hash} 1 a`, `${hash} 9999999999999999 a`), 'bad-field', /hash size name/, 2],
  ['a negative size', good.replace(`${hash} 1 a`, `${hash} -1 a`), 'bad-field', /hash size name/, 2],
  ['a path for a name', good.replaceAll('1 a', '1 ../a'), 'bad-field', /plain file name/, 2],
  ['an option for a name', good.replaceAll('1 a', '1 -a'), 'bad-field', /plain file name/, 2],
  ['a name twice', good.replace('1 a\n', `1 a\n ${hash} 2 a\n`), 'bad-field', /twice/, 2],
  ['a patch too few', good.replace(/SHA256-Patches(.|\n)*/, ''), 'bad-field', /0 patches/, 1],
  ['a patch of another name', good.replace(/a\n$/, 'b\n'), 'bad-field', /"a" is missing/, 4],
  ['a NUL byte', good.replace('1 a', '1 \0'), 'bad-control-file', /NUL/, 3],
  ['CR LF', good.replaceAll('\n', '\r\n'), 'bad-control-file', /carriage return/, 1],
  ['two stanzas', `${good}\n${good}`, 'bad-control-file', /one stanza/, 7],
  ['nothing', '', 'bad-control-file', /one stanza/, 1],
] as const) {
  test(`parsePdiffIndex refuses ${what}`, () => {
    assert.throws(() => parsePdiffIndex(text), refusal(code, message, line));
  });
}
