/** What an import has done, for people. */
import { formatSize } from '../../../kit/bytes.ts';
import { clean } from '../clean.ts';
import { style } from '../style.ts';
import { formatTable, text } from '../table.ts';
import type { Imported } from './run.ts';

const mostShown = 50;

export function formatImported(imported: Imported): string[] {
  const { kind, added, suites, problems } = imported;
  const notes = [...imported.notes, ...suites.flatMap(({ suite, notes }) => notes.map((note) => `${suite}: ${note}`))];
  return [
    ...formatTable(suites, [
      text('suite', (row) => row.suite),
      text('from', (row) => `dists/${row.from}`),
      text('packages', (row) => `${row.packages}, ${row.sources} sources, ${formatSize(row.bytes)}`),
      text('signed by', (row) =>
        row.signedBy === undefined ? 'not verified' : row.signedBy.map((key) => key.slice(-16)).join(' '),
      ),
      text('now', (row) => (row.number === undefined ? undefined : `${row.suite}@${row.number}, ${row.added} new`)),
    ]),
    ...(added.length === 0
      ? []
      : [
          '',
          'Added to sheaf.toml:',
          '',
          ...added
            .join('\n')
            .trimEnd()
            .split('\n')
            .map((line) => (line === '' ? '' : `  ${line}`)),
        ]),
    '',
    ...formatKeys(imported),
    ...suites.flatMap((suite) => [
      ...listed(`${suite.suite}: listed in the old archive, and superseded or obsolete here`, suite.superseded),
      ...listed(`${suite.suite}: sources that wait for their first binary packages`, suite.waiting),
      ...listed(`${suite.suite}: packages that the old archive does not have`, suite.others),
    ]),
    ...notes.map((note) => clean(note)),
    ...formatProblems(problems, kind),
    ...(kind === 'dry-run' ? ['Nothing was changed: --dry-run.'] : []),
    ...(kind === 'done' && added.length > 0 ? ['A server that is running reads this after its next start.'] : []),
  ];
}

function formatKeys({ kind, keys }: Imported): string[] {
  const { old, missing, fingerprints, made, believed } = keys;
  const all = [...fingerprints, ...(made === undefined ? [] : [made])].join(' and ');
  if (!believed) {
    const now =
      kind === 'done'
        ? 'Every client must be given the new key before it is pointed here.'
        : 'With --key FILE it goes on; with --new-key every client must be given another.';
    return [style('red', `The old archive was signed by ${old.join(', ')}, which does not sign here. ${now}`)];
  }
  const apart =
    missing.length === 0
      ? []
      : [
          style(
            'red',
            `The old archive was signed by ${missing.join(', ')} too, which does not sign here: clients that know nothing else will refuse it. --key takes a file with several keys.`,
          ),
        ];
  if (kind !== 'done') {
    const goingOn = old.filter((id) => !missing.includes(id));
    return goingOn.length === 0 ? [] : [`Clients know the key ${goingOn.join(', ')}.`, ...apart];
  }
  const known = old.length === 0 ? '; the old archive was not signed' : ', which clients know';
  return [`Signed by ${all}${known}.`, ...apart];
}

function listed(title: string, names: readonly string[] | undefined): string[] {
  if (names === undefined || names.length === 0) return [];
  const shown = names.slice(0, mostShown).map((name) => clean(`  ${name}`));
  return [`${title}:`, ...shown, ...(names.length > mostShown ? [`  and ${names.length - mostShown} more`] : [])];
}

function formatProblems(problems: Imported['problems'], kind: Imported['kind']): string[] {
  if (problems.length === 0) return [];
  const count = `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`;
  const so = kind === 'refused' ? 'nothing was imported. With --skip-broken the rest is' : 'these were left out';
  return [
    '',
    style('red', `${count}, ${so}:`),
    ...problems.slice(0, 200).map(({ suite, file, message }) => clean(`  ${suite}, ${file}: ${message}`)),
    ...(problems.length > 200 ? [`  and ${problems.length - 200} more`] : []),
  ];
}
