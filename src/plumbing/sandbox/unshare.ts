/** The sandbox by Linux namespaces alone: nothing to install but uidmap for ordinary users. */

import { removeOwned, prepareScratch } from './files.ts';
import { findIdMap, type IdMap } from './ids.ts';
import type { Sandbox, SandboxOutcome, SandboxSpec } from './port.ts';
import { runSession } from './session.ts';
import { commonWords, completeSpec, toWords } from './spec.ts';

export function createUnshareSandbox(): Sandbox {
  let found: Promise<IdMap> | undefined;
  const idMap = () => (found ??= findIdMap());
  return {
    name: 'unshare',
    async run(spec) {
      return runUnshared(await idMap(), spec);
    },
    async remove(directory) {
      await removeOwned(await idMap(), directory);
    },
  };
}

async function runUnshared(map: IdMap, wanted: SandboxSpec): Promise<SandboxOutcome> {
  await prepareScratch(map, wanted.scratch);
  const spec = await completeSpec(wanted);
  return runSession({
    mode: spec.network,
    map,
    words: [
      ...commonWords(spec),
      ...toWords({ mode: 'namespaces', hostname: spec.hostname, network: spec.network, cwd: spec.cwd }),
      ...spec.argv.flatMap((argument) => ['arg', argument]),
      ...Object.entries(spec.env).flatMap(([name, value]) => ['env', `${name}=${value}`]),
    ],
    limits: spec.limits,
    stdio: spec.stdio,
    onOutput: spec.onOutput ?? (() => {}),
    onError: spec.onError,
    signal: spec.signal,
  });
}
