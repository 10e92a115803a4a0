/** Indexes that a suite has when its settings say so, and whether a published Release lists them. */
import { parseRelease } from '../formats/deb/release.ts';
import type { Suite } from '../model/distribution.ts';

/** Below `dists/SUITE`. */
export function contentsIndex(component: string, architecture: string): string {
  return `${component}/Contents-${architecture}`;
}

/** As in Debian's archive, the English descriptions are those of the packages of every architecture. */
export const translations = { directory: (component: string) => `${component}/i18n`, name: 'Translation-en' } as const;

/** Whether it lists just those that the settings ask for. */
export function listsTheSame(release: string, suite: Suite): boolean {
  const listed = parseRelease(release).files.map(({ path }) => path);
  const isOptional = (path: string) => /^[^/]+\/(?:Contents-|i18n\/Translation-)[^/.]+$/.test(path);
  return listed.filter(isOptional).toSorted().join('\n') === wanted(suite).toSorted().join('\n');
}

function wanted({ components, architectures, contents, translation }: Suite): string[] {
  return components.flatMap((component) => [
    ...(contents === true ? ['all', ...architectures].map((each) => contentsIndex(component, each)) : []),
    ...(translation === true ? [`${translations.directory(component)}/${translations.name}`] : []),
  ]);
}
