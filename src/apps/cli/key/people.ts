/** The people of sheaf.toml with their keys. */
import { readFile } from 'node:fs/promises';

import { describeError } from '../../../kit/error.ts';
import type { Person, SshKey } from '../../../model/distribution.ts';
import { readDistribution } from '../../../policy/mod.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style } from '../style.ts';
import { readOpenpgpKeys, readSshKey, type PersonKey } from './person.ts';

export type PersonView = {
  readonly name: string;
  readonly fullName: string;
  readonly email: string | undefined;
  readonly keys: readonly PersonKey[];
  /** Key files that cannot be read, each with the reason. */
  readonly unreadable: readonly string[];
  readonly mayRelease: Person['permissions'];
};

export async function listPeople(directory: string, now: Date): Promise<PersonView[]> {
  const distribution = await readDistribution(directory);
  return Promise.all([...distribution.people.values()].map((person) => viewPerson(person, now)));
}

async function viewPerson(person: Person, now: Date): Promise<PersonView> {
  const keys: PersonKey[] = [];
  const unreadable: string[] = [];
  for (const file of person.openpgp) {
    try {
      keys.push(...(await readOpenpgpKeys(file, await readFile(file), now)));
    } catch (error) {
      unreadable.push(describeError(error));
    }
  }
  keys.push(...person.ssh.map((key) => viewSshKey(key, now)));
  const { name, fullName, email, permissions } = person;
  return {
    ...{ name, fullName, email, unreadable, mayRelease: permissions },
    keys: keys.map((key) =>
      isRevoked(key, person)
        ? { ...key, revoked: true, problems: [...key.problems, 'it is revoked in sheaf.toml'] }
        : key,
    ),
  };
}

function viewSshKey(key: SshKey, now: Date): PersonKey {
  const view = readSshKey('sheaf.toml', key.line);
  const { validAfter, validBefore } = key;
  const problems = [
    ...view.problems,
    ...(validAfter !== undefined && now < validAfter ? [`it is valid only after ${formatTime(validAfter)}`] : []),
    ...(validBefore !== undefined && now >= validBefore ? [`it was valid only before ${formatTime(validBefore)}`] : []),
  ];
  return { ...view, expires: validBefore, problems };
}

function isRevoked(key: PersonKey, person: Person): boolean {
  return [key.fingerprint, ...key.signing].some((fingerprint) => person.revoked.includes(fingerprint));
}

export function formatPeople(people: readonly PersonView[]): string[] {
  if (people.length === 0) return ['Nobody may release anything: sheaf.toml has no [person.NAME].'];
  return people.flatMap((person, index) => [
    ...(index === 0 ? [] : ['']),
    `${style('bold', person.name)}: ${clean(person.fullName)}${person.email === undefined ? '' : ` <${clean(person.email)}>`}`,
    ...(person.mayRelease.length === 0 ? ['  may release nothing'] : []),
    ...person.mayRelease.map(
      ({ packages, suites }) => `  may release ${packages.join(', ')} into ${suites.join(', ')}`,
    ),
    ...(person.keys.length === 0 ? ['  has no key'] : []),
    ...person.keys.map((key) => `  ${key.kind === 'ssh' ? 'SSH' : 'OpenPGP'} ${key.fingerprint}: ${formatState(key)}`),
    ...person.unreadable.map((reason) => `  ${style('red', clean(reason))}`),
  ]);
}

function formatState(key: PersonKey): string {
  if (key.problems.length > 0) return style('red', `refused, ${key.problems.map(clean).join(', ')}`);
  return style('green', key.expires === undefined ? 'good' : `good until ${formatTime(key.expires)}`);
}
