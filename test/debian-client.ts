/** A script in a clean Debian with apt, as a client of archives that are served here. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { solve } from '../src/lock/mod.ts';
import { materialise } from '../src/root/mod.ts';
import { debian, hostArchitecture, rootDeps, testApt } from './small-root.ts';

const limits = { wall: 300_000, silence: 300_000, memory: 2 ** 32, disk: 2 ** 32, log: 2 ** 24, processes: 1000 };

/** What the script printed. `files` are in /run/given; needs the network for Debian's packages the first time only. */
export async function inDebian(
  release: string,
  script: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const request = { packages: ['apt'], own: [], buildDepends: '', buildConflicts: '' };
  const answer = await solve(
    { solver: testApt() },
    { ...request, architecture: hostArchitecture, upstream: debian(release) },
  );
  assert.equal(answer.kind, 'solved');
  const deps = rootDeps();
  const root = await materialise(deps, answer.lock);
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-client-'));
  const given = join(directory, 'given');
  let output = '';
  try {
    await mkdir(given);
    for (const [name, text] of Object.entries(files)) await writeFile(join(given, name), text);
    const outcome = await deps.sandbox.run({
      ...{ layers: root.layers, scratch: join(directory, 'scratch'), limits, cwd: '/' },
      ...{ user: { uid: 0, gid: 0 }, network: 'host', hostname: release },
      binds: [{ source: given, target: '/run/given', readOnly: true }],
      argv: ['sh', '-c', script],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
      onOutput: (chunk) => {
        output += Buffer.from(chunk).toString();
      },
    });
    assert.ok(outcome.kind === 'exited' && outcome.code === 0, output);
    return output;
  } finally {
    await deps.sandbox.remove(directory);
  }
}
