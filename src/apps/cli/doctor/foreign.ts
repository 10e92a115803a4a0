/** Whether programs of other architectures run here. A machine that only builds for its own does without. */
import { parseArchitecture } from '../../../model/names.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import { findProgram } from '../../../plumbing/process.ts';
import { emulated, emulatorOf, runsNatively } from '../../../plumbing/sandbox/foreign.ts';
import { probeSandbox } from '../../../plumbing/sandbox/probe.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { asRoot, ok, warning, type Check, type Finding } from './finding.ts';

export const foreignChecks: readonly Check[] = [{ roles: ['worker'], run: checkForeign }];

async function checkForeign(): Promise<Finding> {
  const name = 'other architectures';
  const there: string[] = [];
  for (const architecture of emulated.map((each) => parseArchitecture(each))) {
    if (runsNatively(architecture, nativeArchitecture())) continue;
    if ((await findProgram(emulatorOf(architecture))) !== undefined) there.push(architecture);
  }
  const [first] = there;
  if (first === undefined) return ok(name, `none; to build for them: ${asRoot('apt-get install qemu-user-static')}`);
  const probe = await probeSandbox(createUnshareSandbox(), parseArchitecture(first));
  return probe.works ? ok(name, `${there.join(', ')}, run by qemu`) : warning(name, `not here: ${probe.reason}`);
}
