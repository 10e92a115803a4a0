/** Addresses, sessions and tokens of people. */
import { createAccess, signOut, type Access } from '../../../access/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Person } from '../../../model/distribution.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { formatTime } from '../output.ts';
import { formatTable, text } from '../table.ts';

type Place = Pick<House, 'db' | 'distribution' | 'clock'>;

export type SignInDocument = {
  readonly person: string;
  readonly address: string;
  readonly expires: Date;
  readonly manages: readonly string[];
};
export type TokenDocument = Omit<SignInDocument, 'address'> & { readonly token: string };

/** Throws `unknown-person`. */
export async function grantSignIn(house: Place, name: string): Promise<SignInDocument> {
  const person = findPerson(house, name);
  const request = { kind: 'sign-in', person: person.name, by: commandLineActor() } as const;
  const { secret, expiresAt } = await createAccess(house, request, house.clock.now());
  const address = `${house.distribution.url}/sign-in/${secret}`;
  return { person: person.name, address, expires: expiresAt, manages: person.manages ?? [] };
}

/** Throws `unknown-person`. */
export async function grantToken(house: Place, name: string, days: number): Promise<TokenDocument> {
  const person = findPerson(house, name);
  const lifetime = days * 86_400_000;
  const request = { kind: 'token', person: person.name, by: commandLineActor(), lifetime } as const;
  const { secret, expiresAt } = await createAccess(house, request, house.clock.now());
  return { person: person.name, token: secret, expires: expiresAt, manages: person.manages ?? [] };
}

export async function endAll(house: Place, person: string): Promise<number> {
  return signOut(house, person, commandLineActor(), house.clock.now());
}

export function formatSignIn({ person, address, expires, manages }: SignInDocument): string[] {
  return [address, '', `Signs ${person} in, once, until ${formatTime(expires)} UTC. ${whatTheyManage(manages)}`];
}

export function formatToken({ person, token, expires, manages }: TokenDocument): string[] {
  return [token, '', `Acts as ${person} until ${formatTime(expires)} UTC. ${whatTheyManage(manages)}`];
}

export function formatSessions(sessions: readonly Access[], { distribution }: Pick<House, 'distribution'>): string[] {
  if (sessions.length === 0) return ['Nobody is signed in.'];
  return formatTable(sessions, [
    text('person', (row) => row.person),
    text('kind', (row) => row.kind),
    text('since', (row) => formatTime(row.createdAt)),
    text('until', (row) => formatTime(row.expiresAt)),
    text('made by', (row) => row.madeBy),
    text('manages', (row) => managesOf(distribution.people, row.person)),
  ]);
}

function managesOf(people: ReadonlyMap<string, Person>, name: string): string {
  const person = people.get(name);
  return person === undefined ? '(not in sheaf.toml)' : (person.manages ?? []).join(' ') || 'nothing';
}

function whatTheyManage(manages: readonly string[]): string {
  return manages.length === 0
    ? 'They manage nothing yet: see manages of the person in sheaf.toml.'
    : `They manage: ${manages.map((each) => (each === '*' ? 'all suites' : each)).join(', ')}.`;
}

function findPerson({ distribution }: Place, name: string): Person {
  const people: ReadonlyMap<string, Person> = distribution.people;
  const person = people.get(name);
  if (person !== undefined) return person;
  throw new SheafError('unknown-person', `Cannot find person "${name}": sheaf.toml has none of this name`, {
    kind: 'usage',
    hint:
      people.size === 0
        ? 'Add one with: sheaf key add-person'
        : `The people there are: ${[...people.keys()].join(', ')}`,
  });
}
