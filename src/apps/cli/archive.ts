/** `sheaf archive …` */
import { Option } from '@commander-js/extra-typings';

import { SheafError } from '../../kit/error.ts';
import { addExport } from './archive/export.ts';
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';
import { shellWord } from './shell-word.ts';

type Noun = ReturnType<Root['command']>;

export function addArchive(root: Root): void {
  const noun = root
    .command('archive')
    .summary('every index ever: show, verify, compact, get back; export plain files')
    .description(
      'The history: every version of every index, of upstreams and of our own suites, byte for byte, for ever.',
    );
  teach(noun, {
    examples: [
      ['sheaf archive show', 'how much it holds, and on how little disk'],
      ['sheaf archive verify', 'prove that all of it is as it was'],
      ['sheaf archive index debian/trixie@2026-09-12 main/binary-amd64/Packages > Packages', 'an index as it was'],
    ],
    seeAlso: ['sheaf upstream', 'sheaf diff', 'docs/follow-an-upstream.md'],
  });
  addShow(noun);
  addVerify(noun);
  addCompact(noun);
  addIndex(noun);
  addExport(noun);
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary('what the history holds, and what it takes')
    .description('Shows how many snapshots and indexes are kept, their size, and what they take on the disk.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readArchive, formatArchive } = await import('./archive/show.ts');
        const archive = await readArchive(house);
        output.result(archive, () => formatArchive(archive));
      });
    });
  teach(command, {
    examples: [['sheaf archive show', 'at a glance']],
    seeAlso: ['sheaf archive verify', 'sheaf upstream list'],
  });
}

function addVerify(noun: Noun): void {
  const command = noun
    .command('verify')
    .summary('prove that everything that was ever kept is as it was')
    .description(
      'Reads every index of every snapshot and checks its SHA-256, makes every compressed file again that is not kept as ' +
        'it is, and compares what the database says with the indexes. Nothing is changed.',
    )
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { verify, formatVerified } = await import('./archive/verify.ts');
        const report = await verify(house, output.json);
        output.result(report, () => formatVerified(report));
        if (report.problems.length > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf archive verify', 'everything: takes minutes'],
      ['sheaf archive verify --json | jq .problems', 'for monitoring'],
    ],
    notes: ['Exit code 1: something is damaged; it is named.'],
    seeAlso: ['sheaf archive show', 'sheaf archive compact'],
  });
}

function addCompact(noun: Noun): void {
  const command = noun
    .command('compact')
    .summary('the same on less disk')
    .description(
      'Writes the store anew without what interrupted writes left behind, and drops compressed files that are proved to ' +
        'come out of their index again, byte for byte. No version of any index is ever lost by it.',
    )
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { compact, formatCompacted } = await import('./archive/compact.ts');
        const report = await compact(house, output.json);
        output.result(report, () => formatCompacted(report));
      });
    });
  teach(command, {
    examples: [['sheaf archive compact', 'now and then; readers are not disturbed']],
    seeAlso: ['sheaf archive verify', 'sheaf archive show'],
  });
}

function addIndex(noun: Noun): void {
  const command = noun
    .command('index')
    .summary('an index exactly as it was')
    .description(
      'Prints the bytes that an index had in a snapshot or on a day. InRelease is there too, and compressed files that ' +
        'its Release file lists, as they were on the mirror.',
    )
    .argument('<place>', 'a suite at a snapshot or a day: debian/trixie@2026-09-12, stable@142')
    .argument('[path]', 'relative to the Release file: main/binary-amd64/Packages')
    .addOption(new Option('--list', 'which indexes there are').conflicts(['output', 'compressed']))
    .option('--output <file>', 'write to this file (default: standard output)')
    .addOption(new Option('--compressed <suffix>', 'the compressed file').choices(['xz', 'gz', 'zst', 'bz2'] as const))
    .action(async (place, path, options, self) => {
      const output = outputOf(self);
      // Whoever names a file to write to means an index: a list instead would look like success.
      if (path === undefined && (options.output ?? options.compressed) !== undefined) throw noPath(place);
      await withHouse(self, async (house) => {
        const { listIndexes, formatIndexes, writeIndex, formatWritten } = await import('./archive/index.ts');
        if (options.list === true || path === undefined) {
          const found = await listIndexes(house, place);
          output.result(found, () => formatIndexes(found));
          return;
        }
        const written = await writeIndex(house, { place, path, ...options });
        if (written.output === undefined && !output.json) await writeBytes(written.bytes);
        else {
          const { bytes: _bytes, ...about } = written;
          output.result(about, () => formatWritten(about));
        }
      });
    });
  teach(command, {
    examples: [
      ['sheaf archive index debian/trixie --list', 'what there is'],
      [
        'sheaf archive index debian/trixie@2026-09-12 main/binary-amd64/Packages | grep-dctrl -P hello',
        'as it was that day',
      ],
      [
        'sheaf archive index debian/trixie@20260912T075541Z InRelease --output InRelease',
        'the signed word of the archive',
      ],
      [
        'sheaf archive index debian/trixie main/source/Sources --compressed xz --output Sources.xz',
        'as the mirror had it',
      ],
    ],
    notes: ['With --json and without --output, only what is known of the index is printed.'],
    seeAlso: ['sheaf upstream show', 'sheaf diff'],
  });
}

function noPath(place: string): SheafError {
  return new SheafError('usage', "missing argument 'path': --output and --compressed are of one index", {
    kind: 'usage',
    hint: `Which there are: sheaf archive index ${shellWord(place)} --list`,
  });
}

/** All of it, however slow the reader is. */
async function writeBytes(bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
