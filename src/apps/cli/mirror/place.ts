/** Whose place a mirror's is: a push with --delete takes away all that is not the mirror's own. */
import { SheafError } from '../../../kit/error.ts';
import type { Distribution, Mirror } from '../../../model/distribution.ts';
import { realNameOf } from '../../../plumbing/real-name.ts';
import type { House } from '../../house.ts';

/** For people, and to know a place again. */
export function addressOf({ place }: Mirror): string {
  if (place.kind === 'folder') return place.folder;
  return place.kind === 'rsync' ? place.remote : place.bucket;
}

type Neighbour = { readonly of: string; readonly address: string };

/**
 * Throws `mirror-inside` where something else is kept in the mirror's place, in a part of it or around it: our own files, the
 * blobs of `[storage]`, or another mirror. Two names for a mirror of one repository may share a place.
 */
export async function checkPlace(mirror: Mirror, { distribution, paths }: Pick<House, 'distribution' | 'paths'>) {
  const own = await placeOf(mirror);
  const folders = mirror.place.kind === 'folder' ? [paths.archive, paths.state] : [];
  const neighbours: Neighbour[] = [
    ...(await Promise.all(
      folders.map(async (each) => ({ of: "the distribution's own folder", address: await realNameOf(each) })),
    )),
    ...bucketsOf(mirror, distribution),
    ...(await mirrorsBeside(mirror, own, distribution)),
  ];
  const found = neighbours.find(({ address }) => liesIn(own, address) || liesIn(address, own));
  if (found === undefined) return;
  const how = found.address === own ? 'is' : liesIn(own, found.address) ? 'is inside' : 'is around';
  throw new SheafError('mirror-inside', `Cannot push to ${addressOf(mirror)}: it ${how} ${found.of}`, {
    kind: 'usage',
    hint: `Name another place for mirror "${mirror.name}" in sheaf.toml: a push with --delete would take away what is not its own.`,
  });
}

function bucketsOf({ place }: Mirror, { storage }: Distribution): Neighbour[] {
  return place.kind === 's3' && storage !== undefined
    ? [{ of: 'the bucket of [storage]', address: withoutEnd(storage.bucket) }]
    : [];
}

async function mirrorsBeside(mirror: Mirror, own: string, { mirrors }: Distribution): Promise<Neighbour[]> {
  const others = [...(mirrors?.values() ?? [])].filter(
    ({ name, place }) => name !== mirror.name && place.kind === mirror.place.kind,
  );
  const places = await Promise.all(
    others.map(async (other) => ({ other, of: `mirror "${other.name}"`, address: await placeOf(other) })),
  );
  return places.filter(({ other, address }) => address !== own || other.repository !== mirror.repository);
}

async function placeOf(mirror: Mirror): Promise<string> {
  const address = addressOf(mirror);
  return mirror.place.kind === 'folder' ? realNameOf(address) : withoutEnd(address);
}

const withoutEnd = (address: string) => address.replace(/\/+$/, '');
const liesIn = (inner: string, outer: string) => `${inner}/`.startsWith(`${outer}/`.replace(/\/\/$/, '/'));
