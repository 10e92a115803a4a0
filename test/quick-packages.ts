/** Packages that are in a suite's tables without having been uploaded: for tests and benches of publishing alone. */
import { sql } from 'kysely';

import { debFileName, dscFileName, poolDirectory } from '../src/archive/layout.ts';
import type { ArchiveDeps } from '../src/archive/mod.ts';
import { formatStanza } from '../src/formats/deb/deb822.ts';
import { scanStanzas } from '../src/formats/deb/index-scan.ts';

export type QuickBinary = { readonly name: string; readonly version: string; readonly architecture: string };
export type QuickSource = {
  readonly name: string;
  readonly version: string;
  readonly component: string;
  readonly binaries: readonly QuickBinary[];
};

/**
 * Adds them to the suite as PENDING; what is there already is left as it is, and a source that was removed is not taken. All
 * files are the same few bytes.
 */
export async function addQuickPackages(
  { db, blobs, distribution }: ArchiveDeps,
  suiteName: string,
  source: QuickSource,
  now: Date,
): Promise<void> {
  const suite = [...distribution.suites.values()].find((each) => each.name === suiteName)!;
  const { repository } = suite;
  const { sha256, size } = await blobs.putBytes('a file\n');
  const { name, version, component } = source;
  const directory = `pool/${component}/${name}`;
  const architectures = [...new Set(source.binaries.map((each) => (each.architecture === 'all' ? 'all' : 'any')))];
  const { id } = await db
    .insertInto('source_package')
    .values({
      ...{ repository, name, version, component, directory, tag_build: null, accepted_at: now },
      stanza: formatStanza([
        ['Source', name],
        ['Version', version],
        ['Architecture', architectures.join(' ')],
      ]),
      files: JSON.stringify([{ name: `${name}_${version}.dsc`, sha256, size }]),
    })
    .onConflict((conflict) => conflict.columns(['repository', 'name', 'version']).doUpdateSet({ repository }))
    .returning('id')
    .executeTakeFirstOrThrow();
  const publish = (column: 'source_package' | 'binary_package', thing: number) =>
    db
      .insertInto('publication')
      .values({ suite: suiteName, source_package: null, binary_package: null, [column]: thing, created_at: now })
      .execute();
  const [before] = await db
    .selectFrom('publication')
    .select(['state', 'removed'])
    .where('suite', '=', suiteName)
    .where('source_package', '=', id)
    .orderBy('id', 'desc')
    .limit(1)
    .execute();
  // As accepting does: what somebody removed is refused; else binaries bring their source back.
  if (before !== undefined && (before.removed || before.state === 'DELETED')) return;
  let added = false;
  for (const binary of source.binaries) {
    const file = `${binary.name}_${binary.version}_${binary.architecture}`;
    const row = await db
      .insertInto('binary_package')
      .values({
        ...{ repository, component, sha256, size, job: null, attempt: null, accepted_at: now },
        ...{ name: binary.name, version: binary.version, architecture: binary.architecture },
        source: name,
        source_version: version,
        control: formatStanza([
          ['Package', binary.name],
          ['Version', binary.version],
          ['Architecture', binary.architecture],
          ['Description', `what ${file} is`],
        ]),
        filename: `${directory}/${file}.deb`,
      })
      .onConflict((conflict) => conflict.columns(['repository', 'name', 'version', 'architecture']).doNothing())
      .returning('id')
      .executeTakeFirst();
    if (row === undefined) continue;
    await publish('binary_package', row.id);
    added = true;
  }
  const isLive = before?.state === 'PENDING' || before?.state === 'PUBLISHED';
  if (before === undefined || (added && !isLive)) await publish('source_package', id);
}

/** The stanza of a real `Packages` index, and what the tables say of it. */
export type RealPackage = QuickBinary & {
  readonly source: string;
  readonly sourceVersion: string;
  /** Without what the archive adds. */
  readonly control: string;
};

/** The first `count` packages of a real index, each name once. */
export function realPackages(index: Uint8Array, count: number): RealPackage[] {
  const found = new Map<string, RealPackage>();
  const decoder = new TextDecoder();
  for (const { start, end } of scanStanzas(index)) {
    if (found.size === count) break;
    const text = decoder.decode(index.subarray(start, end));
    const get = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
    const [name, version, architecture] = [get('Package')!, get('Version')!, get('Architecture')!];
    if (found.has(name)) continue;
    const [, source, sourceVersion] = /^(\S+)(?: \((.*)\))?$/.exec(get('Source') ?? name)!;
    const control = `${text.replaceAll(/^(?:Filename|Size|MD5sum|SHA256): .*\n/gm, '').trimEnd()}\n`;
    found.set(name, { name, version, architecture, source: source!, sourceVersion: sourceVersion ?? version, control });
  }
  return [...found.values()];
}

/** Adds many at once, as PENDING; none may be there before. Their files are a few blobs of some bytes. */
export async function fillSuite(
  { db, blobs, distribution }: ArchiveDeps,
  suiteName: string,
  packages: readonly RealPackage[],
  now: Date,
): Promise<void> {
  const { repository } = [...distribution.suites.values()].find((each) => each.name === suiteName)!;
  // A file system allows some 65,000 hard links to one file.
  const files = await Promise.all(Array.from({ length: 16 }, (_, number) => blobs.putBytes(`file ${number}\n`)));
  const sources = new Map(packages.map((each) => [`${each.source} ${each.sourceVersion}`, each]));
  const json = <T>(rows: readonly T[]) => sql`${JSON.stringify(rows)}::jsonb`;
  for (const part of partsOf([...sources.values()])) {
    const rows = part.map(({ source, sourceVersion }, number) => {
      const { sha256, size } = files[number % files.length]!;
      const dsc = dscFileName(source, sourceVersion);
      const stanza = formatStanza([
        ['Source', source],
        ['Version', sourceVersion],
        ['Architecture', 'any all'],
      ]);
      const directory = poolDirectory('main', source);
      return { source, sourceVersion, stanza, directory, files: [{ name: dsc, sha256, size }] };
    });
    await sql`
      with made as (
        insert into source_package (repository, name, version, component, stanza, directory, files, accepted_at)
        select ${repository}, r.source, r."sourceVersion", 'main', r.stanza, r.directory, r.files, ${now}
        from jsonb_to_recordset(${json(rows)})
          as r (source text, "sourceVersion" text, stanza text, directory text, files jsonb)
        returning id
      )
      insert into publication (suite, source_package, created_at) select ${suiteName}, id, ${now} from made`.execute(
      db,
    );
  }
  for (const part of partsOf(packages)) {
    const rows = part.map((each, number) => {
      const { sha256, size } = files[number % files.length]!;
      const filename = `${poolDirectory('main', each.source)}/${debFileName(each.name, each.version, each.architecture)}`;
      return { ...each, filename, sha256, size };
    });
    await sql`
      with made as (
        insert into binary_package (repository, name, version, architecture, source, source_version, component,
          control, filename, sha256, size, accepted_at)
        select ${repository}, r.name, r.version, r.architecture, r.source, r."sourceVersion", 'main', r.control,
          r.filename, r.sha256, r.size, ${now}
        from jsonb_to_recordset(${json(rows)}) as r (name text, version text, architecture text, source text,
          "sourceVersion" text, control text, filename text, sha256 text, size bigint)
        returning id
      )
      insert into publication (suite, binary_package, created_at) select ${suiteName}, id, ${now} from made`.execute(
      db,
    );
  }
  await sql`analyze`.execute(db);
}

function partsOf<T>(rows: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / 5000) }, (_, at) => rows.slice(at * 5000, at * 5000 + 5000));
}
