/** Jobs as a table. */
import type { JobView, Page } from '../../../tracker/mod.ts';
import { styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';

export function formatJobs({ items, next }: Page<JobView>): string[] {
  if (items.length === 0) return ['There are no such jobs.'];
  const more = next === undefined ? [] : ['', `There are more: --after ${next}`];
  return [...formatTable(items, columns), ...more];
}

const columns = [
  text<JobView>('id', (row) => row.id),
  { title: 'state', cell: (row: JobView) => styleState(row.state) },
  text<JobView>('source', (row) => row.source),
  text<JobView>('version', (row) => row.version),
  text<JobView>('suite', (row) => row.suite),
  text<JobView>('makes', (row) => row.purpose),
  text<JobView>('why', (row) => row.sentence),
];
