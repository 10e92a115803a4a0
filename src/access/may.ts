/** Who may manage which suites. Asked again at every action: what sheaf.toml no longer says, nobody may. */
import type { Distribution } from '../model/distribution.ts';

type People = Pick<Distribution, 'people'>;

export function mayManage({ people }: People, person: string, suite: string): boolean {
  const manages = [...people.values()].find(({ name }) => name === person)?.manages ?? [];
  return manages.includes('*') || manages.includes(suite);
}

/** Names of those who may, in the order of sheaf.toml. */
export function managersOf(distribution: People, suite: string): string[] {
  return [...distribution.people.keys()].filter((person) => mayManage(distribution, person, suite));
}
