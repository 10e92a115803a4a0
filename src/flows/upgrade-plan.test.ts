import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../model/names.ts';
import { differencesFrom, parseInstalled, parsePlan } from './upgrade-plan.ts';

test('parsePlan tells what apt installs, upgrades, downgrades and removes', () => {
  const output = `Reading package lists...
Inst libnew (1-1 small [amd64])
Inst tool [1:2.0] (1:2.1 small, Debian:13/stable [all]) []
Inst older:i386 [3] (2 small [i386])
Remv gone [4] [tool:amd64 ]
Conf tool (1:2.1 small [all])
`;
  assert.deepEqual(parsePlan(output), {
    installed: [{ name: 'libnew', to: '1-1' }],
    upgraded: [{ name: 'tool', from: '1:2.0', to: '1:2.1' }],
    downgraded: [{ name: 'older:i386', from: '3', to: '2' }],
    removed: [{ name: 'gone', from: '4' }],
  });
});

test('differencesFrom names what should not be there, what is missing, and what is not configured', () => {
  const locked = (name: string, version: string, architecture: string) => ({
    ...{ name: parsePackageName(name), version: parseVersion(version), architecture: parseArchitecture(architecture) },
    ...{ sha256: sha256(name), size: 1, url: 'http://h/x.deb' },
  });
  const lock = {
    ...{ architecture: parseArchitecture('amd64'), sources: [] },
    packages: [
      locked('aa', '1', 'amd64'),
      locked('bb', '2', 'all'),
      locked('cc', '3', 'i386'),
      locked('dd', '4', 'amd64'),
    ],
  };
  const installed = parseInstalled(
    'installed aa amd64 1\nhalf-configured bb all 2\nconfig-files old all 1\ninstalled cc i386 2\ninstalled ee amd64 5\n',
  );
  assert.deepEqual(differencesFrom(installed, lock), [
    { name: 'bb', expected: '2', found: '2 (half-configured)' },
    { name: 'cc:i386', expected: '3', found: '2' },
    { name: 'dd', expected: '4' },
    { name: 'ee', found: '5' },
  ]);
});
