/** Publishing a suite by hand. */
import { publishSuite, type Publication } from '../../../archive/mod.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { formatTime } from '../output.ts';
import { findSuite } from './show.ts';

export async function publish(house: House, name: string, force: boolean): Promise<Publication> {
  const suite = findSuite(house, name);
  return publishSuite(house.archive, suite.name, house.clock.now(), { force, by: commandLineActor() });
}

export function formatPublication(name: string, publication: Publication): string[] {
  if (publication.kind === 'unchanged') {
    return [`Nothing to publish: ${name}@${publication.number} (${publication.snapshotId}) says what is so.`];
  }
  const { number, snapshotId, packages, validUntil } = publication;
  const count = `${packages} binary ${packages === 1 ? 'package' : 'packages'}`;
  return [`Published ${name}@${number} (${snapshotId}): ${count}, valid until ${formatTime(validUntil)} UTC.`];
}
