/** Taking in indexes that somebody saved. */
import {
  importIndexes,
  type ImportedSnapshot,
  type ImportProblem,
  type ImportReport,
} from '../../../flows/import-indexes.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { formatSuiteRef } from '../../../model/index-history.ts';
import { openSavedTrees } from '../../../plumbing/import-sources.ts';
import { SheafError } from '../../../kit/error.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { findUpstream } from './find.ts';
import { formatAlarms } from './update.ts';
import { count, formatChanges } from './words.ts';

export type ImportDocument = ImportReport & { readonly upstream: string };

/** `[NAME] DIR…`: without a name, the only upstream there is. Throws `which-upstream`. */
export function chooseUpstream(
  { distribution }: Pick<House, 'distribution'>,
  words: readonly string[],
): { readonly name: string; readonly directories: readonly string[] } {
  const known = [...distribution.upstreams.keys()];
  const [first, ...rest] = words;
  if (known.some((each) => each === first) && rest.length > 0) return { name: first!, directories: rest };
  const [only] = known;
  if (known.length === 1 && only !== undefined) return { name: only, directories: words };
  const state = rest.length === 0 ? 'it is not said of which upstream they are' : `"${first}" is no upstream`;
  throw new SheafError('which-upstream', `Cannot import saved indexes: ${state}`, {
    kind: 'usage',
    hint:
      known.length === 0
        ? 'Say whose they are with: sheaf upstream add NAME URL --suite SUITE'
        : `Name it before the folders, as in: sheaf upstream import ${only} ${words.at(-1)}`,
  });
}

/** One folder after the other. Throws `unknown-upstream`, `no-such-folder`, and what `importIndexes` throws. */
export async function importSaved(
  house: Pick<House, 'distribution' | 'follow'>,
  name: string,
  directories: readonly string[],
  {
    suite,
    unsigned,
    json,
  }: { readonly suite?: string | undefined; readonly unsigned?: true | undefined; readonly json: boolean },
): Promise<ImportDocument> {
  const upstream = findUpstream(house, name);
  const progress = startProgress({ json });
  const reports: ImportReport[] = [];
  try {
    await interruptible(async (signal) => {
      for (const directory of directories) {
        const saved = await openSavedTrees(directory);
        try {
          const report = await importIndexes(house.follow, upstream, saved.trees, {
            ...{ suite, unsigned, signal },
            onProgress: ({ tree, done }) => progress.at(tree, done, saved.count),
          });
          reports.push(report);
        } finally {
          await saved.close();
        }
      }
    });
  } finally {
    progress.end();
  }
  return {
    upstream: name,
    trees: reports.reduce((sum, { trees }) => sum + trees, 0),
    recorded: reports.flatMap(({ recorded }) => recorded),
    known: reports.reduce((sum, { known }) => sum + known, 0),
    leftOut: [...new Set(reports.flatMap(({ leftOut }) => leftOut))],
    problems: reports.flatMap(({ problems }) => problems),
  };
}

export function formatImport({ trees, recorded, known, leftOut, problems }: ImportDocument): string[] {
  return [
    ...(recorded.length === 0 ? [] : [...formatRecorded(recorded), '']),
    `${count(trees, 'tree')}: ${count(recorded.length, 'new snapshot')}, ${known} known already.`,
    ...(leftOut.length === 0
      ? []
      : [clean(`Left out, since sheaf.toml does not follow them: ${leftOut.slice(0, 20).join(', ')}`)]),
    ...formatAlarms(recorded.flatMap(({ alarms }) => alarms)),
    ...formatProblems(problems),
  ];
}

function formatRecorded(recorded: readonly ImportedSnapshot[]): string[] {
  return formatTable(recorded, [
    text('suite', (row) => formatSuiteRef(row)),
    text('snapshot', (row) => row.snapshotId),
    text('indexes', (row) => `${row.indexes}, ${formatSize(row.bytes)}`),
    text('vouched for by', (row) =>
      row.signedBy.length === 0 ? 'nobody' : row.signedBy.map((key) => key.slice(-16)).join(' '),
    ),
    text('changes', (row) => formatChanges(row.changes) ?? 'the first'),
  ]);
}

function formatProblems(problems: readonly ImportProblem[]): string[] {
  if (problems.length === 0) return [];
  return [
    '',
    style('red', `${count(problems.length, 'problem')}:`),
    ...problems.flatMap(({ tree, file, message, hint }) => [
      clean(`  ${file === undefined ? tree : `${tree}, ${file}`}: ${message}`),
      ...(hint === undefined ? [] : [clean(`    ${hint}`)]),
    ]),
  ];
}
