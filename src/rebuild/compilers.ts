/**
 * What the compiler called itself when something was built, from its changelog. gcc writes `GCC: (Debian 12.2.0-10) 12.2.0`
 * into `.comment` of all that it compiles. dh_strip takes that away, but the build-id was made before and stays. Pure.
 */
import { entriesOf, type Entry } from './changelog-entries.ts';

/**
 * From the changelog to being uploaded, built, in the archive and in the chroots of build machines. 12.2.0-13 was not there
 * after 38 hours (msgpack-c), but after 64 (dash).
 */
const onTheWay = 48 * 3600;
const longestWait = 14 * 24 * 3600;

/**
 * The most probable first: `Debian 12.2.0-10`; of a compiler from a branch, which has the day in its version, with that
 * version: `Debian 10.2.1-3 (10.2.1 20201224)`. `builtAt` in seconds since the epoch.
 */
export function guessCompilers(changelog: string, builtAt: number): string[] {
  const entries = entriesOf(changelog);
  // Only the packaging's revision and the day of the branch can be restored: another release compiles another way.
  const usable = entries.filter(
    ({ upstream, suite }) => releaseOf(upstream) === releaseOf(entries[0]!.upstream) && suite !== 'experimental',
  );
  const expected = usable.findIndex(({ date }) => date + onTheWay <= builtAt);
  // Before its first version there was another compiler.
  if (expected === -1) return [];
  const isBranch = isOfBranch(usable[0]!.upstream);
  // What waited for its upload was built later than its changelog says, but not long.
  const newer = [expected - 1, expected - 2].filter((index) => {
    return usable[index] !== undefined && usable[index].date <= builtAt + longestWait;
  });
  return [expected, ...newer, expected + 1].flatMap((index) => {
    const entry = usable[index];
    return entry === undefined ? [] : toName(entry, isBranch ? versionOf(usable.slice(index)) : undefined);
  });
}

/** `10.2.0` and `10.2.1` are of one branch. */
function releaseOf(upstream: string): string {
  return /^\d+\.\d+(?=\.)/.exec(upstream)?.[0] ?? upstream;
}

function isOfBranch(upstream: string): boolean {
  return /^\d+\.\d+\.[1-9]/.test(upstream);
}

/** Of the first of the entries, by the last day that they tell; as the release where it is called that. */
function versionOf([entry, ...earlier]: readonly Entry[]): string {
  const days = [entry!, ...earlier].flatMap(({ text }) => /\bUpdate to git (20\d{6}) from\b/.exec(text)?.[1] ?? []);
  return isOfBranch(entry!.upstream) && days[0] !== undefined ? `${entry!.upstream} ${days[0]}` : entry!.upstream;
}

function toName({ version: revision }: Entry, version: string | undefined): string {
  return `Debian ${revision}${version === undefined ? '' : ` (${version})`}`;
}
