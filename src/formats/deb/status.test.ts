import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parseAutoInstalled, parseDiversions, parsePathRules } from './status-lists.ts';
import { parseStatus } from './status.ts';
import { missing, refusal, run } from './testdata/oracle.ts';

const hello =
  'Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10-3+b1\nSource: hello (2.10-3)\n';

test('parseStatus reads what dpkg has, and passes over what is only remembered', () => {
  const text = [
    `${hello}Conffiles:\n /etc/a b 0123456789abcdef0123456789abcdef\n /etc/new newconffile\n /etc/old 0123456789abcdef0123456789abcdef obsolete\n`,
    'Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n',
    'Package: kept\nStatus: hold reinstreq half-installed\nArchitecture: all\nVersion: foo\n',
  ].join('\n');
  const md5 = '0123456789abcdef0123456789abcdef';
  assert.deepEqual(parseStatus(text), [
    {
      ...{ name: 'hello', version: '2.10-3+b1', architecture: 'amd64', source: 'hello', sourceVersion: '2.10-3' },
      status: 'install ok installed',
      conffiles: [
        { path: '/etc/a b', md5 },
        { path: '/etc/new', md5: undefined },
        { path: '/etc/old', md5 },
      ],
    },
    {
      ...{ name: 'kept', version: 'foo', architecture: 'all', source: 'kept', sourceVersion: 'foo' },
      ...{ status: 'hold reinstreq half-installed', conffiles: [] },
    },
  ]);
});

test('parseStatus counts a stanza without Status as installed: the files of status.d have none', () => {
  const [found] = parseStatus('Package: base-files\nVersion: 12.4\nArchitecture: amd64\n');
  assert.equal(found?.status, 'install ok installed');
});

test('parseStatus refuses what dpkg never writes, with the line', () => {
  for (const [from, to, field] of [
    ['hello\n', '../x\n', /Package/],
    ['2.10-3+b1', '2 3', /Version/],
    ['2.10-3+b1', '1:', /Version/],
    ['ok installed', 'ok perfect', /Status/],
    ['amd64', 'AMD/64', /Architecture/],
  ] as const) {
    assert.throws(() => parseStatus(hello.replace(from, to)), refusal('bad-field', field));
  }
  assert.throws(() => parseStatus(`${hello}Conffiles:\n etc/x\n`), refusal('bad-field', /path md5/));
});

test('parseDiversions, parseAutoInstalled and parsePathRules read the lists beside it', () => {
  assert.deepEqual(parseDiversions('/bin/sh\n/bin/sh.distrib\ndash\n/a\n/b\n:\n'), [
    { from: '/bin/sh', to: '/bin/sh.distrib', by: 'dash' },
    { from: '/a', to: '/b', by: undefined },
  ]);
  assert.throws(() => parseDiversions('/a\n/b\n'), refusal('bad-diversions', /expected/, 1));
  const states =
    'Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nArchitecture: amd64\nAuto-Installed: 0\n';
  assert.deepEqual([...parseAutoInstalled(states)], ['a:amd64']);
  const rules =
    '# path-exclude=/no\npath-exclude=/usr/share/doc/*\n path-include /usr/share/doc/*/copyright\nforce-unsafe-io\n';
  assert.deepEqual(parsePathRules(rules), [
    { excludes: true, pattern: '/usr/share/doc/*' },
    { excludes: false, pattern: '/usr/share/doc/*/copyright' },
  ]);
});

test('parseStatus agrees with dpkg-query on this machine', { skip: missing('dpkg-query') }, () => {
  const fields = ['Package', 'Version', 'Architecture', 'source:Package', 'source:Version', 'Status'];
  const format = `${fields.map((name) => `\${${name}}`).join('\t')}\n`;
  const told = run('dpkg-query', ['-W', '-f', format])
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const found = parseStatus(readFileSync('/var/lib/dpkg/status', 'utf8')).map((each) =>
    [each.name, each.version, each.architecture, each.source, each.sourceVersion, each.status].join('\t'),
  );
  assert.ok(found.length > 20);
  assert.deepEqual(found.sort(), told.filter((line) => !/(?:not-installed|config-files)$/.test(line)).sort());
});
