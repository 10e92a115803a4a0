/** Packages that are in a suite's tables without having been uploaded: for tests and benches of publishing alone. */
import type { ArchiveDeps } from '../src/archive/mod.ts';
import { formatStanza } from '../src/formats/deb/deb822.ts';

export type QuickBinary = { readonly name: string; readonly version: string; readonly architecture: string };
export type QuickSource = {
  readonly name: string;
  readonly version: string;
  readonly component: string;
  readonly binaries: readonly QuickBinary[];
};

/** Adds them to the suite as PENDING; what is there already is left as it is. All files are the same few bytes. */
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
    .onConflict((conflict) => conflict.columns(['repository', 'name', 'version']).doUpdateSet({ component }))
    .returning('id')
    .executeTakeFirstOrThrow();
  const publish = async (column: 'source_package' | 'binary_package', thing: number) => {
    const before = await db
      .selectFrom('publication')
      .select('id')
      .where('suite', '=', suiteName)
      .where(column, '=', thing)
      .execute();
    if (before.length > 0) return;
    await db
      .insertInto('publication')
      .values({ suite: suiteName, source_package: null, binary_package: null, [column]: thing, created_at: now })
      .execute();
  };
  await publish('source_package', id);
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
    if (row !== undefined) await publish('binary_package', row.id);
  }
}
