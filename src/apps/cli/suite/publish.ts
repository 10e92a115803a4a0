/** Publishing a suite by hand. */
import { publishSuite, type Publication, type UnlistedPackage } from '../../../archive/mod.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { clean } from '../clean.ts';
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
  const { number, snapshotId, packages, validUntil, unlisted } = publication;
  const count = `${packages} binary ${packages === 1 ? 'package' : 'packages'}`;
  return [
    `Published ${name}@${number} (${snapshotId}): ${count}, valid until ${formatTime(validUntil)} UTC.`,
    ...formatUnlisted(unlisted),
  ];
}

export function formatUnlisted(unlisted: readonly UnlistedPackage[] = []): string[] {
  return unlisted.map((each) => clean(`Contents lack the files of ${each.package}: ${each.problem}`));
}
