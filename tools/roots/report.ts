/** What was found, for people, for programs and for the documents. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Result } from './check-set.ts';
import type { Difference } from './compare.ts';
import { explain } from './explanations.ts';

const document = join(import.meta.dirname, '../../docs/roots-are-reproducible.md');
const shown = 40;

export function summarize({ suite, set, date, packages, files, sha256, again, peer }: Result) {
  const unexplained = peer.filter((each) => explain(each) === undefined);
  const same = sha256[0] === sha256[1];
  return { suite, set, date, packages, files, same, again, differences: peer.length, unexplained };
}

/** Checking nothing proves nothing. */
export function isGood(results: readonly Result[]): boolean {
  const all = results.map(summarize);
  return all.length > 0 && all.every(({ files, same, unexplained }) => files > 100 && same && unexplained.length === 0);
}

export function formatResults(results: readonly Result[]): string {
  const lines: string[] = [];
  for (const { suite, set, again, unexplained } of results.map(summarize)) {
    lines.push(...list(`${suite} ${set}: not the same twice`, again));
    lines.push(...list(`${suite} ${set}: not as mmdebstrap`, unexplained));
  }
  return `${[...lines, ...formatTable(results)].join('\n')}\n`;
}

function list(title: string, differences: readonly Difference[]): string[] {
  const lines = differences
    .slice(0, shown)
    .map(
      ({ path, aspect, here, there }) => `${title}: /${path}: ${aspect}: ${here.slice(0, 20)} | ${there.slice(0, 20)}`,
    );
  return differences.length > shown ? [...lines, `${title}: ${differences.length - shown} more`] : lines;
}

function formatTable(results: readonly Result[]): string[] {
  return [
    '| suite | set | packages | files | twice | differences to mmdebstrap | unexplained | date |',
    '|---|---|--:|--:|---|--:|--:|---|',
    ...results.map(summarize).map((each) => {
      const cells = [
        each.suite,
        each.set,
        each.packages,
        each.files.toLocaleString('en'),
        each.same ? 'identical' : `${each.again.length} differ`,
        each.differences,
        each.unexplained.length,
        each.date,
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

/** Puts the table between the heading `## Checked` and the next one. */
export async function writeResults(results: readonly Result[]): Promise<void> {
  const text = await readFile(document, 'utf8');
  await writeFile(document, replaceTable(text, formatTable(results)));
}

/** The text with the table of the section `Checked` replaced. */
export function replaceTable(text: string, table: readonly string[]): string {
  const lines = text.split('\n');
  const heading = lines.indexOf('## Checked');
  const start = lines.findIndex((line, number) => number > heading && line.startsWith('|'));
  if (heading === -1 || start === -1) throw new Error('the document has no table of what was checked');
  let end = start;
  while (lines[end]?.startsWith('|')) end++;
  return [...lines.slice(0, start), ...table, ...lines.slice(end)].join('\n');
}
