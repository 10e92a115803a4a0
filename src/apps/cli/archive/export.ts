/** `sheaf archive export`: a published repository as plain files in a folder. */
import { resolve } from 'node:path';

import type { ExportedRepository } from '../../../flows/export-archive.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { SheafError } from '../../../kit/error.ts';
import { isLabel, parseMoment, type Label, type SnapshotId } from '../../../model/names.ts';
import type { House } from '../../house.ts';
import { outputOf, withHouse } from '../context.ts';
import { teach } from '../help.ts';
import { interruptible } from '../interrupt.ts';
import type { Root } from '../program.ts';
import { startProgress } from '../progress.ts';
import { count } from '../upstream/words.ts';

export type ExportDocument = {
  readonly directory: string;
  readonly repositories: readonly ExportedRepository[];
};

export function addExport(noun: ReturnType<Root['command']>): void {
  const command = noun
    .command('export')
    .summary('the published repositories as plain files in a folder')
    .description(
      'Makes DIR/REPOSITORY a tree that any static server, or apt by file:, can serve. Files are hard links where that is ' +
        'possible. Run it again after each publication: it adds what is new, the pointers last, so that clients always ' +
        'see one whole suite.',
    )
    .argument('<dir>', 'the folder; it and what is in it are made when they are not there')
    .option('--repository <name>', 'only this one (default: all)')
    .option(
      '--snapshot <id>',
      'every suite as it was at this moment, as 20260912T075541Z or 20260912 (default: as it is)',
    )
    .option('--delete', 'take away what no exported snapshot needs any more')
    .action(async (directory, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const document = await exportTo(house, directory, options, output.json);
        output.result(document, () => formatExported(document));
      });
    });
  teach(command, {
    examples: [
      ['sheaf archive export /srv/www', 'what nginx can serve as it is'],
      ['sheaf archive export /media/stick --repository main', 'one repository to carry away'],
      ['sheaf archive export /srv/frozen --snapshot 20260912T075541Z', 'as it was that morning'],
      ['sheaf archive export /srv/www --delete', 'without what is superseded'],
    ],
    notes: [
      'Without --delete nothing is ever taken away. With it, a client that has just read an older InRelease may have to ' +
        'ask again.',
    ],
    seeAlso: ['sheaf suite publish', 'docs/operate-an-archive.md'],
  });
}

type Flags = {
  readonly repository?: string | undefined;
  readonly snapshot?: string | undefined;
  readonly delete?: true | undefined;
};

/** Called off, it ends before the next files, and no pointer has moved. */
async function exportTo(house: House, directory: string, flags: Flags, json: boolean): Promise<ExportDocument> {
  const { exportArchive } = await import('../../../flows/export-archive.ts');
  const { exportTree } = await import('../../../plumbing/export-tree.ts');
  const { distribution, paths, archive } = house;
  const target = resolve(directory);
  const progress = startProgress({ json });
  try {
    const chosen = readRepository(flags.repository);
    for (const name of distribution.repositories.keys()) {
      if (chosen === undefined || chosen === name) await house.storage?.recallAll(name);
    }
    const repositories = await interruptible((signal) =>
      exportArchive(
        { distribution, directory: paths.archive, tree: exportTree, gunzip: archive.compression.gunzip },
        target,
        {
          repository: chosen,
          at: readSnapshot(flags.snapshot),
          remove: flags.delete === true,
          onProgress: progress.at,
          signal,
        },
      ),
    );
    return { directory: target, repositories };
  } finally {
    progress.end();
  }
}

function readRepository(name: string | undefined): Label | undefined {
  if (name === undefined || isLabel(name)) return name;
  throw new SheafError('unknown-repository', `Cannot export repository "${name}": that is no name of one`, {
    kind: 'usage',
  });
}

function readSnapshot(id: string | undefined): SnapshotId | undefined {
  const moment = id === undefined ? undefined : parseMoment(id);
  if (id === undefined || moment !== undefined) return moment;
  throw new SheafError('bad-name', `Cannot read snapshot id "${id}": expected YYYYMMDDTHHMMSSZ or a day, YYYYMMDD`, {
    kind: 'usage',
  });
}

function formatExported({ directory, repositories }: ExportDocument): string[] {
  return repositories.flatMap(({ repository, suites, files, added, copied, bytes, removed }) => [
    `Exported ${repository} to ${directory}/${repository}: ` +
      suites.map(({ suite, snapshotId }) => `${suite}@${snapshotId}`).join(', '),
    `  ${count(files, 'file')}, ${added} new (${formatSize(bytes)})` +
      (copied > 0 ? `, ${copied} copied: hard links are not possible there` : '') +
      (removed > 0 ? `; ${removed} taken away` : ''),
  ]);
}
