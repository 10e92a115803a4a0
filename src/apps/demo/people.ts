/** The demonstration's people and their keys, made by the tools that real maintainers use: gpg and ssh-keygen. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { runTool } from './tool.ts';

export type DemoPerson = {
  readonly name: string;
  readonly fullName: string;
  readonly email: string;
  /** The private side: GNUPGHOME, or the folder of the SSH key. */
  readonly home: string;
  /** The public key as sheaf.toml names it: a file, or a line. */
  readonly publicKey:
    | { readonly kind: 'openpgp'; readonly file: string }
    | { readonly kind: 'ssh'; readonly line: string };
};

/** Makes the key unless it is there already. The public half goes to `keys/NAME.asc`. */
export async function openpgpPerson(directory: string, name: string, fullName: string): Promise<DemoPerson> {
  const email = `${name}@demo.invalid`;
  const home = join(directory, 'people', name);
  const file = `keys/${name}.asc`;
  const env = { GNUPGHOME: home };
  await mkdir(home, { recursive: true, mode: 0o700 });
  if (!(await exists(join(directory, file)))) {
    const batch = ['--batch', '--pinentry-mode', 'loopback', '--passphrase', ''];
    await runTool(['gpg', ...batch, '--quick-gen-key', `${fullName} <${email}>`, 'ed25519', 'sign', '2y'], { env });
    await mkdir(join(directory, 'keys'), { recursive: true });
    await writeFile(join(directory, file), await runTool(['gpg', '--armor', '--export', '--', email], { env }));
  }
  return { name, fullName, email, home, publicKey: { kind: 'openpgp', file } };
}

export async function sshPerson(directory: string, name: string, fullName: string): Promise<DemoPerson> {
  const email = `${name}@demo.invalid`;
  const home = join(directory, 'people', name);
  const key = join(home, 'id_ed25519');
  await mkdir(home, { recursive: true, mode: 0o700 });
  if (!(await exists(key))) {
    await runTool(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', email, '-f', key]);
  }
  const line = (await readFile(`${key}.pub`, 'utf8')).trim();
  return { name, fullName, email, home, publicKey: { kind: 'ssh', line } };
}

/** What `git tag -s` needs to sign as this person. */
export function signingConfig(person: DemoPerson): { args: readonly string[]; env: Readonly<Record<string, string>> } {
  const identity = ['-c', `user.name=${person.fullName}`, '-c', `user.email=${person.email}`];
  if (person.publicKey.kind === 'openpgp') {
    return { args: [...identity, '-c', `user.signingkey=${person.email}`], env: { GNUPGHOME: person.home } };
  }
  const key = join(person.home, 'id_ed25519');
  return { args: [...identity, '-c', 'gpg.format=ssh', '-c', `user.signingkey=${key}`], env: {} };
}

/** Ends the agents that gpg has started for these people: they would stay for ever. */
export async function forgetAgents(directory: string): Promise<void> {
  for (const name of await readdir(join(directory, 'people')).catch(() => [])) {
    await runTool(['gpgconf', '--kill', 'all'], { env: { GNUPGHOME: join(directory, 'people', name) } }).catch(
      () => {},
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
