import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chooseSnapshots, type Stay } from './choose-snapshots.ts';

const stay = (suite: string, since: string, until?: string): Stay => ({
  ...{ suite, since },
  ...(until === undefined ? {} : { until }),
});
const chosen = (stays: readonly (readonly Stay[])[], near?: string) =>
  chooseSnapshots(stays, near).map(({ suite, at, packages }) => `${suite}@${at}: ${packages.join(' ')}`);

test('chooseSnapshots takes the snapshot with most of the packages first', () => {
  assert.deepEqual(
    chosen([
      [stay('main', '1', '4')],
      [stay('main', '3', '4')],
      [stay('main', '2')],
      [stay('main', '3')],
      [stay('main', '5'), stay('security', '4')],
      [stay('security', '4', '6')],
    ]),
    ['main@3: 0 1 2 3', 'security@4: 4 5'],
  );
});

test('chooseSnapshots leaves out packages that were never anywhere', () => {
  assert.deepEqual(chosen([[], [stay('main', '1')], []]), ['main@1: 1']);
  assert.deepEqual(chosen([]), []);
});

test('chooseSnapshots does not take an end for a part of the stay', () => {
  assert.deepEqual(chosen([[stay('main', '1', '2')], [stay('main', '2')]]).toSorted(), ['main@1: 0', 'main@2: 1']);
});

test('chooseSnapshots prefers what was current on the day, else the newest', () => {
  const twice = [[stay('main', '1', '3'), stay('main', '5')]];
  assert.deepEqual(chosen(twice), ['main@5: 0']);
  assert.deepEqual(chosen(twice, '4'), ['main@1: 0']);
  assert.deepEqual(chosen(twice, '6'), ['main@5: 0']);
  assert.deepEqual(chosen(twice, '0'), ['main@1: 0']);
});

test('chooseSnapshots covers every package that has a stay, whatever they are', () => {
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 200; round++) {
    const stays = Array.from({ length: 1 + random(12) }, () =>
      Array.from({ length: random(4) }, () => {
        const since = random(8);
        return stay(
          'ab'[random(2)]!,
          String(since),
          random(2) === 0 ? undefined : String(Math.min(9, since + 1 + random(3))),
        );
      }),
    );
    const found = chooseSnapshots(stays);
    const covered = found.flatMap(({ packages }) => packages).toSorted((a, b) => a - b);
    assert.deepEqual(
      covered,
      stays.flatMap((each, index) => (each.length === 0 ? [] : [index])),
    );
    for (const { suite, at, packages } of found) {
      for (const index of packages) {
        assert.ok(
          stays[index]!.some(
            (each) => each.suite === suite && each.since <= at && (each.until === undefined || at < each.until),
          ),
        );
      }
    }
  }
});
