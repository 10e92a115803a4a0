/** Rebuilds of one thing. */
import { isSha256, parseSha256 } from '../../../kit/digest.ts';
import { SheafError } from '../../../kit/error.ts';
import {
  describeExplained,
  describeRebuilder,
  findRebuilds,
  type Believed,
  type Rebuild,
} from '../../../rebuild/mod.ts';
import type { FileComparison } from '../../compare-debs.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTime } from '../output.ts';
import { style, styleState } from '../style.ts';
import { formatDifferences } from './text.ts';
import { formatFields, formatTable, text } from '../table.ts';

/** By number, SHA-256, or NAME[=VERSION] of a package. Throws `no-such-rebuild`. */
export async function readRebuilds(db: House['db'], what: string): Promise<Rebuild[]> {
  const found = await findRebuilds(db, toQuery(what));
  if (found.length > 0) return found;
  throw new SheafError('no-such-rebuild', `Cannot show rebuilds of ${what}: there are none`, {
    kind: 'usage',
    hint: 'What was rebuilt: sheaf rebuild list',
  });
}

function toQuery(what: string): Parameters<typeof findRebuilds>[1] {
  if (isSha256(what)) return { sha256: what };
  if (/^\d{1,9}$/.test(what)) return { id: Number(what) };
  const [name, version] = what.split('=', 2);
  return { name, version };
}

export async function readStatement({ blobs }: Pick<House, 'blobs'>, [newest]: readonly Rebuild[]): Promise<string> {
  return (await blobs.read(parseSha256(newest!.statement))).toString();
}

type Differences = Readonly<Record<string, FileComparison>>;

/** By the hash of the document, as far as we made it. */
export async function readDifferences({ blobs }: Pick<House, 'blobs'>, rebuilds: readonly Rebuild[]) {
  const found = new Map<string | undefined, Differences>();
  for (const { origin, result } of rebuilds) {
    const { difference } = result;
    if (origin !== 'own' || difference === undefined || (await blobs.info(difference)) === undefined) continue;
    found.set(difference, JSON.parse((await blobs.read(difference)).toString()) as Differences);
  }
  return found;
}

export function formatRebuild(
  { id, rebuilder, key, origin, job, statement, place, result }: Rebuild,
  { foreign, differences }: Believed & { readonly differences?: Differences | undefined },
): string[] {
  const { source, version, architecture, verdict, causes, experiments } = result;
  return [
    `${style('bold', clean(`rebuild ${id}: ${source} ${version}, ${architecture}`))}  ${styleState(verdict)}`,
    ...(result.reason === undefined ? [] : [clean(result.reason)]),
    '',
    ...formatFields([
      ['by', describeRebuilder({ origin, rebuilder, key }, { foreign })],
      ['mode', result.mode],
      ['published in', place],
      ['finished', formatTime(new Date(result.finishedOn))],
      ['job', job === undefined ? undefined : String(job)],
      ...causes.map((each) => [each.confirmed ? 'cause' : 'may be', describeExplained(each)] as const),
      ...Object.entries(result.conditions),
      ['lock', result.lock],
      ['buildinfo', result.buildinfo],
      ['log', result.log],
      ['difference', result.difference],
      ['diffoscope', result.diffoscope],
      ['statement', statement],
    ]),
    '',
    ...formatTable(result.files, [
      { title: 'verdict', cell: (file) => styleState(file.verdict) },
      text('file', (file) => file.file),
      text('published', (file) => file.original.sha256),
      text('rebuilt', (file) => file.rebuilt?.sha256),
    ]),
    ...(experiments.length === 0
      ? []
      : [
          '',
          ...formatTable(experiments, [
            text('restored', (each) => each.restored),
            text('seconds', (each) => Math.round(each.seconds)),
            { title: 'verdict', cell: (each) => styleState(each.verdict) },
          ]),
        ]),
    ...(differences === undefined ? [] : ['', ...formatDifferences(differences, 30)]),
    '',
  ];
}
