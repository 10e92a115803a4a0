/** How far what was built is from what is published. */
import { placeIn, type Attempt, type Difference } from '../rebuild/mod.ts';
import type { Built, BuiltFile, RebuildDeps } from './rebuild.ts';
import type { OriginalFile } from './rebuild-original.ts';
import type { Part } from './rebuild-plan.ts';

/** A part and what was built of it. */
export type MadePart = { readonly part: Part; readonly built: Built };

export type Compared = {
  /** How much differs, first in files and then within them. */
  readonly files: number;
  readonly parts: number;
  readonly places: Attempt['places'];
  readonly differences: ReadonlyMap<string, Difference>;
};

export type ComparedPart = MadePart & { readonly compared: Compared };

/** Bytes first, then what differs in each file. */
export async function compareAll(
  deps: RebuildDeps,
  originals: readonly OriginalFile[],
  built: readonly BuiltFile[],
): Promise<Compared> {
  const different = originals.filter(({ file, sha256 }) => hashOf(built, file) !== sha256);
  const differences = new Map<string, Difference>();
  for (const { file, sha256 } of different) {
    const rebuilt = built.find(({ name }) => name === file);
    if (deps.compare === undefined || rebuilt === undefined || (await deps.blobs.info(sha256)) === undefined) continue;
    differences.set(file, await deps.compare(await deps.blobs.bring(sha256), rebuilt.path, file));
  }
  const all = [...differences.values()];
  const parts = all.reduce((total, each) => total + each.count, 0);
  const isWhole = all.length === different.length && all.every((each) => each.places !== undefined);
  const places = [...differences].flatMap(([file, each]) => each.places?.map((place) => placeIn(file, place)) ?? []);
  return { files: different.length, parts, places: isWhole ? new Set(places) : undefined, differences };
}

export function isNearer(a: Compared, b: Compared): boolean {
  return a.files < b.files || (a.files === b.files && a.parts < b.parts);
}

export function hashOf(built: readonly BuiltFile[], file: string): string | undefined {
  return built.find(({ name }) => name === file)?.sha256;
}

export function filesOf(built: Built): readonly BuiltFile[] {
  return built.outcome === 'built' ? built.files : [];
}
