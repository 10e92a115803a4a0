/** What is installed against what rebuilders say, as text and as a document. */
import { readFile, stat } from 'node:fs/promises';

import { challengeSystem, type ChallengedPackage } from '../../../flows/challenge-system.ts';
import { SheafError } from '../../../kit/error.ts';
import { verdicts } from '../../../model/rebuild.ts';
import { believedRebuilders, describeRebuilders, isDisputed, type VerdictCounts } from '../../../rebuild/mod.ts';
import type { House } from '../../house.ts';
import { readSystem } from '../lock/from-system.ts';
import { style, styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { throwUnreadable, whyUnreadable } from '../unreadable.ts';
import { count } from '../upstream/words.ts';
import { formatCounts, whyNot } from './verdicts.ts';

export type ChallengeDocument = { readonly counts: VerdictCounts; readonly packages: readonly ChallengedPackage[] };

/** As `readSystem` reads at most. */
const largest = 256 * 2 ** 20;

/** Throws what `readSystem` and `challengeSystem` throw. */
export async function challenge(
  { history, distribution }: Pick<House, 'history' | 'distribution'>,
  { root, status }: { readonly root: string; readonly status?: string | undefined },
): Promise<ChallengeDocument> {
  const files = status === undefined ? await readSystem(root) : { status: await readStatusFile(status), file: status };
  const packages = await challengeSystem({ ...history, distribution }, files, believedRebuilders(distribution)).catch(
    throwUnreadable,
  );
  const counts = { reproduced: 0, differs: 0, unknown: 0, failed: 0 };
  for (const { verdict } of packages) counts[verdict]++;
  return { counts, packages };
}

async function readStatusFile(file: string): Promise<string> {
  const bad = (state: string, cause?: unknown): SheafError =>
    new SheafError('no-dpkg-status', `Cannot read ${file}: ${state}`, {
      kind: 'usage',
      hint: 'Name a copy of /var/lib/dpkg/status by --status FILE.',
      cause,
    });
  const unreadable = (error: NodeJS.ErrnoException) => {
    throw bad(whyUnreadable(error), error);
  };
  const found = await stat(file).catch(unreadable);
  if (!found.isFile()) throw bad('it is not a file');
  if (found.size > largest) throw bad('it is larger than 256 MiB');
  return readFile(file, 'utf8').catch(unreadable);
}

const followFirst =
  'No index that is kept has any of them: follow where they come from by sheaf upstream add and sheaf upstream update.';

const why = { 'no-index': 'no index that is kept has it', 'no-rebuild': 'nobody has rebuilt it' } as const;

export function formatChallenge({ counts, packages }: ChallengeDocument, isWhole: boolean): string[] {
  const ranks = verdicts.toReversed();
  const shown = packages
    .filter(({ verdict, others = [] }) => isWhole || verdict !== 'reproduced' || isDisputed({ verdict, others }))
    .toSorted((a, b) => ranks.indexOf(a.verdict) - ranks.indexOf(b.verdict));
  const table = formatTable(shown, [
    { title: 'verdict', cell: ({ verdict }: ChallengedPackage) => styleState(verdict) },
    text<ChallengedPackage>('package', (row) => row.name),
    text<ChallengedPackage>('version', (row) => row.version),
    text<ChallengedPackage>('architecture', (row) => row.architecture),
    text<ChallengedPackage>('rebuild', (row) => row.rebuild),
    text<ChallengedPackage>('rebuilder', ({ rebuilder, verdict, others = [] }) =>
      rebuilder === undefined ? undefined : describeRebuilders({ rebuilder, verdict, others }),
    ),
    text<ChallengedPackage>('why', toReason),
  ]);
  const summary = `${count(packages.length, 'package is', 'packages are')} installed: ${formatCounts(counts)}`;
  if (packages.every((each) => each.why === 'no-index')) return [style('bold', summary), followFirst];
  return [...(shown.length === 0 ? [] : [...table, '']), style('bold', summary)];
}

function toReason(row: ChallengedPackage): string | undefined {
  return row.why === undefined ? whyNot({ reason: row.reason, causes: row.causes ?? [] }) : why[row.why];
}
