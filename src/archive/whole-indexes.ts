/**
 * All indexes of a suite, to be written anew. The texts of tens of thousands of packages are not held in memory: each
 * index asks for those of some packages at a time, in the order in which it has them.
 */
import type { Db } from '../db/connect.ts';
import { order } from '../kit/order.ts';
import type { BinaryEntry, Content, SourceEntry } from './content.ts';
import { indexRuns, type IndexRuns } from './index-files.ts';
import { findControls, findStanzas } from './store.ts';

type SuiteShape = Parameters<typeof indexRuns>[0];

/** Packages whose texts are read at a time. */
const partSize = 100;

/** The texts of `content` are not looked at. Every index has `sorted` and no runs. */
export function wholeIndexes(db: Db, suite: SuiteShape, content: Content): IndexRuns[] {
  return indexRuns(suite, { sources: [], binaries: [] }).map((index) => ({
    ...index,
    sorted: () => readRuns(db, suite, content, index),
  }));
}

async function* readRuns(
  db: Db,
  suite: SuiteShape,
  { sources, binaries }: Content,
  index: IndexRuns,
): AsyncGenerator<readonly [string, string]> {
  const cut = index.directory.lastIndexOf('/');
  const [component, what] = [index.directory.slice(0, cut), index.directory.slice(cut + 1)];
  const architecture = what.startsWith('binary-') ? what.slice('binary-'.length) : undefined;
  // Only what this index is about is worked out of each part.
  const one = {
    ...suite,
    components: [component],
    architectures: suite.architectures.filter((each) => each === architecture),
  };
  const runsOf = function* (part: Content) {
    const { runs } = indexRuns(one, part).find(
      ({ directory, name }) => directory === index.directory && name === index.name,
    )!;
    for (const name of [...runs.keys()].toSorted(order)) yield [name, runs.get(name)!] as const;
  };
  const isHere = (entry: { readonly component: string }) => entry.component === component;
  if (index.name === 'Sources') {
    for (const part of partsByName(sources.filter(isHere)))
      yield* runsOf({ sources: await withStanzas(db, part), binaries: [] });
    return;
  }
  const fits = (entry: BinaryEntry) =>
    isHere(entry) &&
    (architecture === undefined || entry.architecture === architecture || entry.architecture === 'all');
  for (const part of partsByName(binaries.filter(fits)))
    yield* runsOf({ sources: [], binaries: await withControls(db, part) });
}

/** Entries of one name stay together, in their order. */
function* partsByName<T extends { readonly name: string }>(entries: readonly T[]): Generator<readonly T[]> {
  const sorted = entries.toSorted((a, b) => order(a.name, b.name));
  for (let start = 0; start < sorted.length;) {
    let end = Math.min(start + partSize, sorted.length);
    while (end < sorted.length && sorted[end]!.name === sorted[end - 1]!.name) end++;
    yield sorted.slice(start, (start = end));
  }
}

async function withControls(db: Db, entries: readonly BinaryEntry[]): Promise<BinaryEntry[]> {
  const controls = await findControls(
    db,
    entries.map((entry) => entry.publication),
  );
  return entries.map((entry) => ({ ...entry, control: controls.get(entry.publication)! }));
}

async function withStanzas(db: Db, entries: readonly SourceEntry[]): Promise<SourceEntry[]> {
  const stanzas = await findStanzas(
    db,
    entries.map((entry) => entry.publication),
  );
  return entries.map((entry) => ({ ...entry, stanza: stanzas.get(entry.publication)! }));
}
