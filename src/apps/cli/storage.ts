/** `sheaf storage …` */
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addStorage(root: Root): void {
  const noun = root
    .command('storage')
    .summary('where files are kept: on this disk, or in a bucket: status, tidy')
    .description(
      'Every file that was ever accepted is kept by its SHA-256: below state/blobs, or in an S3-compatible bucket when ' +
        'sheaf.toml has a section [storage]. Then this disk has only those used last.',
    );
  teach(noun, {
    examples: [
      ['sheaf storage status', 'how much is where'],
      ['sheaf storage tidy', 'bring to the bucket what it lacks, and free this disk'],
    ],
    seeAlso: ['docs/write-a-policy.md', 'docs/operate-an-archive.md'],
  });
  addStatus(noun);
  addTidy(noun);
}

function addStatus(noun: Noun): void {
  const command = noun
    .command('status')
    .summary('how many files are where')
    .description('Shows how many files and bytes are on this disk and in the bucket, and what the bucket lacks.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readStorage, formatStorage } = await import('./storage/show.ts');
        const state = await readStorage(house);
        output.result(state, () => formatStorage(state));
      });
    });
  teach(command, {
    examples: [['sheaf storage status', 'before and after choosing a bucket']],
    seeAlso: ['sheaf storage tidy'],
  });
}

function addTidy(noun: Noun): void {
  const command = noun
    .command('tidy')
    .summary('bring to the bucket what it lacks, and free this disk')
    .description(
      'Sends every file that the bucket does not have, then removes from this disk those that were not used for longest, ' +
        'until what is left fits "cache" of [storage]; what was used within the last hour stays. A running server does so ' +
        'every hour. A file that a client asks for comes back by itself.',
    )
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { tidy, formatTidied } = await import('./storage/tidy.ts');
        const report = await tidy(house, output.json);
        output.result(report, () => formatTidied(report, house.storage?.limit));
      });
    });
  teach(command, {
    examples: [['sheaf storage tidy', 'after adding [storage] to sheaf.toml: moves what is there']],
    notes: [
      'Called off, it goes on where it was the next time. A folder that was exported by hard links keeps its files.',
    ],
    seeAlso: ['sheaf storage status'],
  });
}
