/** Workers as a table. */
import type { WorkerView } from '../../../tracker/mod.ts';
import { formatTime } from '../output.ts';
import { styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';

export function formatWorkers(workers: readonly WorkerView[]): string[] {
  if (workers.length === 0) return [];
  return formatTable(workers, [
    text('worker', (row) => row.name),
    { title: 'state', cell: (row) => styleState(row.activity) },
    text('architectures', (row) => row.architectures.join(' ')),
    text('pool', (row) => row.pool),
    text('last seen', (row) => formatTime(row.lastSeenAt)),
    text('how', (row) => row.sentence),
  ]);
}
