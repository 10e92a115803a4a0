/** apt as the solver on snapshots that the history keeps: what `apt-get install` would do in an empty system. */
import { join } from 'node:path';

import { parseStanza } from '../../formats/deb/deb822.ts';
import type { Sha256 } from '../../kit/digest.ts';
import { SheafError } from '../../kit/error.ts';
import type { KeptSource, LockedPackage } from '../../model/lock.ts';
import { explainUnmet, keptInTheWay, missingWords, parseUris } from './answer.ts';
import { KeptIndexes, type ClassNames } from './kept-indexes.ts';
import { addressOf, isNotAutomatic, prepareState, withRequestFile } from './kept-state.ts';
import { formatPreferences } from './preferences.ts';
import { complaints, runApt } from './run.ts';

export type SnapshotAptOptions = {
  /** Where prepared states are kept, each for the snapshots it is of. */
  readonly directory: string;
  /** A Release file or an index of the history, its hash checked. */
  readonly read: (sha256: Sha256) => Promise<Uint8Array>;
};

type Request = {
  readonly architecture: string;
  readonly foreign: readonly string[];
  readonly sources: readonly KeptSource[];
  readonly packages: readonly string[];
  readonly classes: readonly (keyof ClassNames)[];
  readonly recommends: boolean;
  readonly exclude: readonly string[];
  readonly keep: readonly LockedPackage[];
  readonly needs?: { readonly depends: string; readonly conflicts: string } | undefined;
};

type Answer =
  | { readonly kind: 'solved'; readonly packages: readonly LockedPackage[] }
  | { readonly kind: 'unmet'; readonly explanation: string; readonly kept?: readonly string[] };

/** Throws `apt-failed`, and what `run` and `read` throw. */
export function createSnapshotApt({ directory, read }: SnapshotAptOptions) {
  const indexes = new KeptIndexes(join(directory, 'indexes'), read);
  return {
    async solve(request: Request): Promise<Answer> {
      const state = await prepareState({ directory, indexes, read }, request);
      const words = [...(await wordsOfClasses(indexes, state, request)), ...request.packages];
      const preferences = formatPreferences(request.exclude, request.keep);
      const result = await withRequestFile(state, preferences, async (file) =>
        runApt(state, [
          ...[request.needs === undefined ? 'install' : 'satisfy', '--print-uris', '--yes'],
          // Quiet, which it is by itself without a terminal, it would not say what it takes for a virtual package.
          ...['-o', 'quiet=0'],
          ...['-o', `APT::Install-Recommends=${String(request.recommends)}`],
          ...['-o', `Dir::Etc::preferences=${file}`],
          ...['--', ...(request.needs === undefined ? words : relationsOf(words, request.needs))],
        ]),
      );
      const stdout = result.stdout.toString();
      if (result.code !== 0) {
        const explanation = explainUnmet(stdout, result.stderr, request.exclude);
        const kept = keptInTheWay(stdout, new Set(request.keep.map(({ name }) => name)));
        if (explanation !== undefined) return { kind: 'unmet', explanation, ...(kept.length === 0 ? {} : { kept }) };
        throw new SheafError('apt-failed', `Cannot solve with apt: ${complaints(result)}`, { kind: 'environment' });
      }
      const packages = parseUris(stdout);
      const missing = missingWords(request.packages, packages, stdout);
      if (missing.length > 0) {
        return { kind: 'unmet', explanation: missing.map((name) => `Unable to locate package ${name}`).join('\n') };
      }
      return { kind: 'solved', packages: await complete(indexes, request, packages, directory) };
    },
  };
}

/** `apt-get satisfy` takes what must hold as one word, and what must not as another. */
function relationsOf(words: readonly string[], { depends, conflicts }: NonNullable<Request['needs']>): string[] {
  const list = [...words, depends].filter((each) => each !== '').join(', ');
  return conflicts === '' ? [list] : [list, `Conflicts: ${conflicts}`];
}

/** Names from suites that apt takes packages from by itself. */
async function wordsOfClasses(indexes: KeptIndexes, state: string, request: Request): Promise<string[]> {
  const { architecture, sources, classes } = request;
  const names = new Set<string>();
  const kept = await Promise.all(sources.map(async ({ suite }, number) => isNotAutomatic(state, number, suite)));
  for (const [number, source] of sources.entries()) {
    if (kept[number] && !kept.every(Boolean)) continue;
    for (const index of source.indexes) {
      if (index.architecture !== architecture && index.architecture !== 'all') continue;
      const found = await indexes.classNames(index.sha256);
      for (const name of classes.flatMap((each) => found[each])) names.add(name);
    }
  }
  for (const name of request.exclude) names.delete(name);
  return [...names].toSorted();
}

/** What the index says of each package, under its real address. */
async function complete(
  indexes: KeptIndexes,
  { sources }: Request,
  packages: readonly LockedPackage[],
  directory: string,
): Promise<LockedPackage[]> {
  const stanzas = new Map<Sha256, string>();
  const numbers = packages.map(({ url }) => sources.findIndex((_, number) => url.startsWith(`${addressOf(number)}/`)));
  for (const [number, source] of sources.entries()) {
    const wanted = packages.filter((_, at) => numbers[at] === number).map(({ sha256 }) => sha256);
    if (wanted.length === 0) continue;
    for (const [sha256, text] of await findStanzas(indexes, source, wanted)) stanzas.set(sha256, text);
  }
  return packages.map((each, at) => {
    const number = numbers[at]!;
    const text = stanzas.get(each.sha256);
    const stanza = text === undefined ? undefined : parseStanza(text);
    const value = (name: string) => stanza?.fields.find((field) => field.name === name)?.value;
    if (value('Package') !== each.name || value('Version') !== each.version) {
      throw new SheafError('index-corrupt', `Cannot find the stanza of ${each.name} ${each.version} in its index`, {
        kind: 'environment',
        hint: `Remove the folder ${directory}: it is made again.`,
      });
    }
    return {
      ...each,
      url: `${sources[number]!.url}${each.url.slice(addressOf(number).length)}`,
      fields: stanza!.fields
        .filter(({ name }) => !lockedFields.has(name.toLowerCase()))
        .map((field) => [field.name, field.value] as const),
    };
  });
}

/** What a locked package says by itself. */
const lockedFields = new Set(['package', 'version', 'architecture', 'size', 'sha256', 'url']);

async function findStanzas(
  indexes: KeptIndexes,
  source: KeptSource,
  wanted: readonly Sha256[],
): Promise<Map<Sha256, string>> {
  const found = new Map<Sha256, string>();
  for (const { sha256 } of source.indexes) {
    const missing = wanted.filter((each) => !found.has(each));
    for (const [file, text] of await indexes.stanzas(sha256, missing)) found.set(file, text);
  }
  return found;
}
