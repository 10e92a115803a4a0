import assert from 'node:assert/strict';
import { test } from 'node:test';

import { toldConditions } from './told.ts';

const shown = {
  ...{ buildPath: '/build/reproducible-path/seed-1.0', home: '/nonexistent' },
  ...{ hostname: 'sheaf', locale: 'C.UTF-8', user: 'builder' },
};
const tell = (left: string, right: string) =>
  toldConditions({ texts: [{ left: [left], right: [right] }], modes: [] }, shown).map(
    ({ kind, value }) => `${kind} ${value}`,
  );

const texts: readonly (readonly [left: string, right: string, ...told: string[]])[] = [
  ['built on grove-1.example', 'built on sheaf', 'hostname grove-1.example'],
  ['by ada@box on box', 'by builder@sheaf on sheaf', 'environment user ada', 'hostname box'],
  ['by ada@box on other', 'by builder@sheaf on sheaf'],
  ['in /home/ada/seed/foo.c', 'in /build/reproducible-path/seed-1.0/foo.c', 'build-path /home/ada/seed'],
  ['home=/home/ada.', 'home=/nonexistent.', 'environment HOME=/home/ada'],
  ['LANG de_DE.UTF-8', 'LANG C.UTF-8', 'locale de_DE.UTF-8'],
  ['make -j16 all', 'make -j2 all', 'cpu-count 16'],
  ['16', '2', 'cpu-count 16'],
  ['Linux 6.1.0-28-amd64', 'Linux 6.12.41+deb13-amd64', 'environment kernel 6.1.0-28-amd64'],
  ['Wed Nov 15 07:13:20 JST 2023', 'Tue Nov 14 22:13:20 UTC 2023', 'timezone JST-9', 'clock 2023-11-14T22:13:20.000Z'],
  ['Sat Jun  1 15:30:00 IST 2024', 'Sat Jun  1 10:00:00 UTC 2024', 'timezone IST-5:30'],
  ['Sat Jun  1 13:00:00 +03 2024', 'Sat Jun  1 10:00:00 UTC 2024', 'timezone <+03>-3'],
  ['Sat Jun  1 20:00:00 AEST 2024', 'Sat Jun  1 10:00:00 UTC 2024', 'timezone AEST-10'],
  [
    'Sun Nov 22 08:09:12 +03 2026',
    'Sat Jun  1 10:00:01 UTC 2024',
    'timezone <+03>-3',
    'clock 2026-11-22T05:09:12.000Z',
  ],
  ['14:13-0800', '22:13+0000', 'timezone <-08>8'],
  ['03:43+0530', '22:13+0000', 'timezone <+0530>-5:30'],
  ['Copyright 2022', 'Copyright 2026', 'clock 2022-07-15T12:00:00.000Z'],
  ['on 31 December 2022', 'on 1 May 2026', 'clock 2022-12-31T12:00:00.000Z'],
  ['at box, 2022-12-31', 'at sheaf, 2026-05-01', 'hostname box', 'clock 2022-12-31T12:00:00.000Z'],
  ['stamp=1672531199;', 'stamp=1790000000;', 'clock 2022-12-31T23:59:59.000Z'],
  ['2022-12-31T01:31:05Z', '2026-05-01T01:31:00Z', 'clock 2022-12-31T01:31:05.000Z'],
  ['(D:20221231013105Z)', '(D:20260501013100Z)', 'clock 2022-12-31T01:31:05.000Z'],
  ["(D:20221231013105+01'00')", '(D:20260501013100Z)', 'timezone <+01>-1', 'clock 2022-12-31T00:31:05.000Z'],
  ['one', 'two'],
  ['sheaf of corn', 'sheaf of wheat'],
  ['sheaves', 'sheaf-like'],
];

for (const [left, right, ...told] of texts) {
  test(`toldConditions reads ${told.join(', ') || 'nothing'} from ${left} beside ${right}`, () => {
    assert.deepEqual(tell(left, right), told);
  });
}

test('toldConditions takes the umask that left modes as they are', () => {
  const umaskOf = (...modes: (readonly [string, string])[]) =>
    toldConditions({ texts: [], modes: modes.map(([left, right]) => ({ left, right })) }, shown)[0]?.value;
  assert.equal(umaskOf(['664', '644']), '002');
  assert.equal(umaskOf(['640', '644']), '027');
  assert.equal(umaskOf(['600', '644'], ['700', '755'], ['640', '644']), '077');
  assert.equal(umaskOf(['666', '644']), '000');
});

test('toldConditions pairs what stands in programs, and takes what is told most often', () => {
  const texts = [
    { left: ['x', '/home/ada/seed/a.c', '/srv/b/a.c'], right: ['/build/reproducible-path/seed-1.0/a.c', 'y'] },
    { left: ['/srv/b/b.c'], right: ['/build/reproducible-path/seed-1.0/b.c'] },
    { left: ['/srv/b/c.c'], right: ['/build/reproducible-path/seed-1.0/c.c'] },
  ];
  assert.deepEqual(
    toldConditions({ texts, modes: [] }, shown).map(({ conditions }) => conditions),
    [{ buildPath: '/srv/b' }],
  );
});
