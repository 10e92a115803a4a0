/** What both implementations make of a specification before they start. */
import { access, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';

import { SheafError } from '../../kit/error.ts';
import type { Architecture } from '../../model/names.ts';
import { findProgram } from '../process.ts';
import { nativeArchitecture } from '../native-architecture.ts';
import { emulatorOf, formatRegistration, runsNatively } from './foreign.ts';
import type { Bind, SandboxSpec } from './port.ts';

export type CompleteSpec = SandboxSpec & {
  /** For binfmt_misc, of programs that are not the host's. */
  readonly registration: string;
};

/** Checks a specification and adds the files that a root needs: /etc/hosts, and the resolver for `host`. */
export async function completeSpec(spec: SandboxSpec): Promise<CompleteSpec> {
  if (spec.layers.length === 0) throw bad('it has no layers');
  for (const path of [...spec.layers, spec.scratch, spec.cwd, ...spec.binds.map((bind) => bind.target)]) {
    if (!isAbsolute(path)) throw bad(`"${path}" is not an absolute path`);
  }
  if (!/^[a-z0-9][a-z0-9.-]{0,62}$/.test(spec.hostname)) throw bad(`"${spec.hostname}" is no host name`);
  for (const id of [spec.user.uid, spec.user.gid]) {
    if (!Number.isInteger(id) || id < 0 || id > 65_535) throw bad(`there is no id ${id} inside`);
  }
  for (const name of Object.keys(spec.env)) if (name === '' || name.includes('=')) throw bad(`bad variable "${name}"`);
  for (const layer of spec.layers) {
    await access(layer).catch((error: unknown) => {
      throw new SheafError('sandbox-layer-missing', `Cannot start a sandbox: the layer ${layer} is not there`, {
        kind: 'environment',
        cause: error,
      });
    });
  }
  const registration = await registrationOf(spec.architecture ?? nativeArchitecture());
  return { ...spec, registration, binds: [...spec.binds, ...(await networkFiles(spec))] };
}

async function registrationOf(architecture: Architecture): Promise<string> {
  if (runsNatively(architecture, nativeArchitecture())) return '';
  const name = emulatorOf(architecture);
  const emulator = await findProgram(name);
  if (emulator !== undefined) return formatRegistration(architecture, emulator);
  throw new SheafError('sandbox-unavailable', `Cannot run programs of ${architecture}: this machine has no ${name}`, {
    kind: 'environment',
    hint: 'Install the Debian package qemu-user-static: sudo apt-get install qemu-user-static',
  });
}

async function networkFiles(spec: SandboxSpec): Promise<Bind[]> {
  const binds: Bind[] = [];
  if (spec.hosts !== 'root') {
    const hosts = join(spec.scratch, 'hosts');
    await writeFile(hosts, `127.0.0.1\tlocalhost ${spec.hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`);
    binds.push({ source: hosts, target: '/etc/hosts', readOnly: true });
  }
  if (spec.network === 'host') binds.push({ source: '/etc/resolv.conf', target: '/etc/resolv.conf', readOnly: true });
  return binds;
}

/** The part of the words for enter.pl that does not depend on the implementation. */
export function commonWords(spec: CompleteSpec): string[] {
  const { user, limits } = spec;
  const single = {
    scratch: spec.scratch,
    uid: user.uid,
    gid: user.gid,
    memory: limits.memory,
    disk: limits.disk,
    processes: limits.processes,
    registration: spec.registration,
    stdio: spec.stdio ?? 'captured',
    errors: spec.onError !== undefined || spec.stdio === 'inherit' ? 'apart' : 'together',
  };
  return [
    ...toWords(single),
    ...spec.layers.flatMap((layer) => ['layer', layer]),
    ...spec.binds.flatMap((bind) => ['bind', bind.readOnly ? 'ro' : 'rw', bind.source, bind.target]),
  ];
}

/** Names and values as enter.pl reads them. */
export function toWords(values: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [name, String(value)]);
}

function bad(reason: string): SheafError {
  return new SheafError('bad-sandbox-spec', `Cannot start a sandbox: ${reason}`);
}
