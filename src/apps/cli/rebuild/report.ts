/** How much was reproduced, and what would help how much: as text, and as a document for others. */
import { verdicts } from '../../../model/rebuild.ts';
import {
  believedRebuilders,
  countPlaces,
  listStatuses,
  makeReport,
  openCounts,
  type PlaceCounts,
  type RebuildReport,
  type ReportedPackage,
} from '../../../rebuild/mod.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { style, styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';
import { count } from '../upstream/words.ts';
import { checkPlace, formatCounts, nothingRebuilt, whyNot } from './verdicts.ts';

export type ReportDocument = RebuildReport & {
  readonly madeAt: Date;
  readonly place: string | undefined;
  readonly places: readonly PlaceCounts[];
};

/** More files than any distribution has. */
const mostFiles = 1_000_000;

export async function readReport(
  { db, distribution, clock }: Pick<House, 'db' | 'distribution' | 'clock'>,
  { place, architecture }: { readonly place?: string | undefined; readonly architecture?: string | undefined },
): Promise<ReportDocument> {
  const believed = believedRebuilders(distribution);
  const [places, statuses] = await Promise.all([
    countPlaces(db, [...distribution.suites.keys()], believed),
    listStatuses(db, { place, architecture }, believed, { limit: mostFiles }),
  ]);
  const shown = places.filter(
    (each) =>
      (place === undefined || each.place === place) &&
      (architecture === undefined || each.architecture === architecture),
  );
  if (shown.length === 0) await checkPlace({ db, distribution }, place);
  return { madeAt: clock.now(), place, places: shown, ...makeReport(statuses) };
}

export function formatReport(report: ReportDocument): string[] {
  if (sumOf(report) === 0) return [nothingRebuilt];
  return [
    style('bold', `${count(sumOf(report), 'source package')} rebuilt: ${formatCounts(report.packages)}`),
    ...table('Published files', report.places, [
      text('place', (row) => row.place),
      text('architecture', (row) => row.architecture),
      ...verdicts.map((verdict) => text<PlaceCounts>(verdict, (row) => row.counts[verdict])),
    ]),
    ...table('What would make packages reproducible', causeRows(report), [
      text('cause', (row) => row.kind),
      text('packages', (row) => row.packages),
      text('alone', (row) => row.alone),
    ]),
    ...table('Packages', report.notable, [
      { title: 'verdict', cell: (row: ReportedPackage) => styleState(row.verdict) },
      text<ReportedPackage>('source', (row) => row.source),
      text<ReportedPackage>('version', (row) => row.version),
      text<ReportedPackage>('architecture', (row) => row.architecture),
      text<ReportedPackage>('rebuild', (row) => row.rebuild),
      text<ReportedPackage>('why', whyNot),
    ]),
  ];
}

export function formatMarkdown(report: ReportDocument): string[] {
  const where = report.place === undefined ? '' : ` of ${report.place}`;
  return [
    `# Rebuilds${where}, ${report.madeAt.toISOString().slice(0, 10)}`,
    '',
    sumOf(report) === 0
      ? 'Nothing was rebuilt.'
      : `Rebuilt: ${count(sumOf(report), 'source package')}. ${formatCounts(report.packages)}.`,
    ...markdown(
      'Published files',
      ['place', 'architecture', ...verdicts],
      report.places.map((row) => [row.place, row.architecture, ...verdicts.map((each) => String(row.counts[each]))]),
    ),
    ...markdown(
      'What would make packages reproducible',
      ['cause', 'packages', 'with nothing else'],
      causeRows(report).map((row) => [row.kind, String(row.packages), String(row.alone ?? '')]),
    ),
    ...markdown(
      'Packages that were not reproduced as they are',
      ['source', 'version', 'architecture', 'verdict', 'why'],
      report.notable.map((row) => [row.source, row.version, row.architecture, row.verdict, whyNot(row) ?? 'not known']),
    ),
  ];
}

type CauseRow = { readonly kind: string; readonly packages: number; readonly alone?: number };

function causeRows(report: RebuildReport): CauseRow[] {
  return [...report.causes, ...openCounts(report)];
}

function sumOf({ packages }: RebuildReport): number {
  return Object.values(packages).reduce((sum, each) => sum + each, 0);
}

function table<Row>(title: string, rows: readonly Row[], columns: Parameters<typeof formatTable<Row>>[1]): string[] {
  return rows.length === 0 ? [] : ['', style('bold', title), ...formatTable(rows, columns, { indent: 2 })];
}

function markdown(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.map(toCell).join(' | ')} |`;
  return ['', `## ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)];
}

/** Other people's words, in a cell of a table: one line, and no mark-up of theirs. */
function toCell(text: string): string {
  return clean(text.replaceAll(/\s+/g, ' ')).replaceAll(/[\\|<>[\]*_`]/g, String.raw`\$&`);
}
