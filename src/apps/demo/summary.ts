/** The end of the demonstration on one screen: where the time went, what to open, what to put into apt. */
import { styleText } from 'node:util';

import { formatDuration } from '../../kit/duration.ts';
import type { DemoSummary } from './demo.ts';

export function formatSummary(summary: DemoSummary): string {
  const bold = (text: string) => styleText('bold', text, { stream: process.stderr });
  const width = Math.max(...summary.steps.map(({ title }) => title.length));
  const total = summary.steps.reduce((sum, { wall }) => sum + wall, 0);
  const time = (title: string, wall: number) => `  ${title.padEnd(width)}  ${formatDuration(wall).padStart(12)}`;
  return [
    '',
    bold('Where the time went'),
    ...summary.steps.map(({ title, wall }) => time(title, wall)),
    time('all of it', total),
    '',
    bold('What to open'),
    `  ${summary.url}/                  what is moving now`,
    `  ${summary.url}/package/hello     the whole way of hello`,
    `  ${summary.url}/refusals          what was refused, and why`,
    `  ${summary.url}/rebuilds          what was built twice, and whether it is the same`,
    '',
    bold('What to put into /etc/apt/sources.list.d/demo.sources'),
    '',
    summary.sources.trimEnd(),
    '',
    '',
  ].join('\n');
}
