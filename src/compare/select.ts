/** Which changes a reader wants to see. */
import { matchesAnyGlob } from '../kit/glob.ts';
import type { ChangeClass, PackageChange, PackageKind } from './change.ts';

export type Selection = {
  readonly kinds?: readonly PackageKind[] | undefined;
  /** Only packages that stand in one of these, before or after. */
  readonly components?: readonly string[] | undefined;
  /** Globs for the name of the package or of its source package. */
  readonly names?: readonly string[] | undefined;
  readonly only?: readonly ChangeClass[] | undefined;
};

export function selectChanges(changes: readonly PackageChange[], selection: Selection): readonly PackageChange[] {
  const { kinds, components, names, only } = selection;
  const checks: ((change: PackageChange) => boolean)[] = [];
  if (kinds !== undefined) checks.push(({ kind }) => kinds.includes(kind));
  if (only !== undefined) checks.push(({ change }) => only.includes(change));
  if (components !== undefined) {
    checks.push((change) => sides(change).some(({ component }) => components.includes(component)));
  }
  if (names !== undefined) {
    checks.push(
      (change) =>
        matchesAnyGlob(names, change.name) || sides(change).some(({ source }) => matchesAnyGlob(names, source)),
    );
  }
  return checks.length === 0 ? changes : changes.filter((change) => checks.every((check) => check(change)));
}

function sides(change: PackageChange) {
  return [change.old, change.new].filter((side) => side !== undefined);
}
