/** A root that the disk has no room for. */
import { formatSize } from '../kit/bytes.ts';
import { diskFull, isDiskFull } from '../kit/disk-full.ts';
import { SheafError } from '../kit/error.ts';
import { installedSize, type LockedPackage } from '../model/lock.ts';

/**
 * The same error, or `disk-full` with the folder and how much the packages need. To be asked while the disk is still full,
 * so that what is free then can be said.
 */
export async function tellShortage(
  error: unknown,
  action: string,
  directory: string,
  packages: readonly LockedPackage[],
): Promise<unknown> {
  // What was told already is about another folder.
  const isTold = error instanceof SheafError && error.hint !== undefined;
  return isDiskFull(error) && !isTold ? diskFull(action, { directory, needs: needsOf(packages) }, error) : error;
}

function needsOf(packages: readonly LockedPackage[]): string {
  const sum = (sizes: readonly number[]) => formatSize(sizes.reduce((all, size) => all + size, 0));
  const unpacked = packages.map((each) => installedSize(each));
  return unpacked.includes(0)
    ? `the ${packages.length} packages are ${sum(packages.map(({ size }) => size))}, and several times that when unpacked`
    : `the ${packages.length} packages unpacked need about ${sum(unpacked)}`;
}
