/** Proving the whole history. */
import { verifyHistory, type VerifyProblem, type VerifyReport } from '../../../history/verify.ts';
import { formatSize } from '../../../kit/bytes.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { startProgress } from '../progress.ts';
import { style } from '../style.ts';
import { count } from '../upstream/words.ts';

export async function verify(
  { compressed, indexStore }: Pick<House, 'compressed' | 'indexStore'>,
  json: boolean,
): Promise<VerifyReport> {
  const progress = startProgress({ json });
  try {
    return await verifyHistory({ ...compressed, store: indexStore }, (done, total) =>
      progress.at('Reading and proving everything', done, total),
    );
  } finally {
    progress.end();
  }
}

export function formatVerified({ problems, ...report }: VerifyReport): string[] {
  return [
    `Read ${count(report.indexes, 'index', 'indexes')} of ${formatSize(report.rawBytes)} from ${formatSize(report.bytes)} on the disk;`,
    `made ${count(report.compressed, 'compressed file')} again, read ${report.kept} that are kept as they came;`,
    `compared ${count(report.stanzas, 'package')} of today with the database.`,
    '',
    ...(problems.length === 0
      ? ['All of it is as it was.']
      : [style('red', `${count(problems.length, 'problem')}:`), ...problems.map(formatProblem)]),
  ];
}

function formatProblem({ sha256, message }: VerifyProblem): string {
  return clean(`  ${sha256 === undefined ? '' : `${sha256}: `}${message}`);
}
