/**
 * What the compiler called itself when something was built, from its changelog. gcc writes `GCC: (Debian 12.2.0-10) 12.2.0`
 * into `.comment` of all that it compiles. dh_strip takes that away, but the build-id was made before and stays. Pure.
 */
import { entriesOf, type Entry } from './changelog-entries.ts';

/** From the upload to being built, in the archive and in the chroots of build machines. */
const onTheWay = 24 * 3600;

/** The most probable first. `builtAt` in seconds since the epoch. */
export function guessCompilers(changelog: string, builtAt: number): string[] {
  const entries = entriesOf(changelog);
  // Only the packaging's revision can be restored: another release compiles another way.
  const usable = entries.filter(({ upstream, suite }) => upstream === entries[0]!.upstream && suite !== 'experimental');
  const expected = usable.findIndex(({ date }) => date + onTheWay <= builtAt);
  // Before its first version there was another compiler.
  if (expected === -1) return [];
  // What waited for its upload was built later than its changelog says.
  return [expected, expected - 1, expected - 2, expected + 1].flatMap((index) => usable[index] ?? []).map(toName);
}

function toName({ version }: Entry): string {
  return `Debian ${version}`;
}
