/** Whether a sandbox really starts here: what all other checks only guess at. */
import { chmod, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SheafError } from '../../../kit/error.ts';
import type { Bind, SandboxOutcome } from '../../../plumbing/sandbox/port.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { missing, ok, type Check, type Finding } from './finding.ts';

export const sandboxChecks: readonly Check[] = [{ roles: ['worker'], run: checkSandbox }];

const limits = { wall: 20_000, silence: 20_000, memory: 2 ** 29, disk: 2 ** 27, log: 2 ** 16, processes: 64 };

/** A command in an empty root that sees the host's programs, as the unpacking of packages does. */
async function checkSandbox(): Promise<Finding> {
  const name = 'sandbox';
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-doctor-'));
  const sandbox = createUnshareSandbox();
  let output = '';
  try {
    await chmod(directory, 0o755);
    const empty = join(directory, 'empty');
    await mkdir(empty, { mode: 0o755 });
    const started = performance.now();
    const outcome = await sandbox.run({
      layers: [empty],
      scratch: join(directory, 'scratch'),
      binds: await hostPrograms(),
      argv: ['/bin/sh', '-c', 'id -u && touch /written && ls /sys/class/net'],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      cwd: '/',
      user: { uid: 1000, gid: 1000 },
      network: 'none',
      hostname: 'sheaf',
      limits,
      onOutput: (chunk) => (output += Buffer.from(chunk).toString()),
    });
    if (outcome.kind === 'exited' && /^1000$/m.test(output)) {
      return ok(name, `a command started and ended in ${Math.round(performance.now() - started)} ms`);
    }
    return missing(
      name,
      `a command did not run in it: ${describe(outcome)}; ${output.trim()}`,
      'sheaf doctor --for worker',
    );
  } catch (error) {
    const hint = error instanceof SheafError ? error.hint : undefined;
    return missing(name, `does not start: ${(error as Error).message}`, hint ?? 'see the other findings');
  } finally {
    await sandbox.remove(directory).catch(() => {});
    await rm(directory, { recursive: true, force: true }).catch(() => {});
  }
}

async function hostPrograms(): Promise<Bind[]> {
  const binds: Bind[] = [];
  for (const path of ['/usr', '/bin', '/sbin', '/lib', '/lib64']) {
    const there = await stat(path).then(
      () => true,
      () => false,
    );
    if (there) binds.push({ source: path, target: path, readOnly: true });
  }
  return binds;
}

function describe(outcome: SandboxOutcome): string {
  if (outcome.kind === 'exited') return `exit code ${outcome.code}`;
  return outcome.kind === 'limit' ? outcome.message : outcome.kind;
}
