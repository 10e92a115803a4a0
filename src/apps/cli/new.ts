/** `sheaf new …` */
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';
import { parseReason } from './reason.ts';

type Noun = ReturnType<Root['command']>;

export function addNew(root: Root): void {
  const noun = root
    .command('new')
    .summary('uploads with new package names: list, show, accept, reject, comment')
    .description(
      'The NEW queue: uploads with names that the repository never had, for suites with new = "hold" in sheaf.toml.',
    );
  teach(noun, {
    examples: [
      ['sheaf new list', 'what waits'],
      ['sheaf new accept 7', 'let it in'],
      ['sheaf new reject 7 --reason "no licence"', 'the uploader is told why'],
    ],
    seeAlso: ['sheaf suite include', 'docs/upload-packages.md'],
  });
  addList(noun);
  addShow(noun);
  addAccept(noun);
  addReject(noun);
  addComment(noun);
}

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary('what waits for a decision')
    .description('Lists the uploads that wait, the oldest first.')
    .option('--all', 'also those that are decided, the newest first')
    .option('--suite <name>', 'only those of one suite')
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db }) => {
        const { listNewUploads } = await import('../../upload/mod.ts');
        const { formatUploads } = await import('./new/show.ts');
        const uploads = await listNewUploads(db, { all: options.all === true, suite: options.suite });
        output.result({ uploads }, () => formatUploads(uploads));
      });
    });
  teach(command, { examples: [['sheaf new list', 'what waits']], seeAlso: ['sheaf new show'] });
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary('one upload: its files, its new names, who signed it')
    .description('Shows one upload of the queue.')
    .argument('<number>', 'its number, as sheaf new list says it')
    .action(async (text, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readUpload, formatUpload } = await import('./new/show.ts');
        const upload = await readUpload(house, text);
        output.result(upload, () => formatUpload(house, upload));
      });
    });
  teach(command, { examples: [['sheaf new show 7', 'before deciding']], seeAlso: ['sheaf new accept'] });
}

function addAccept(noun: Noun): void {
  const command = noun
    .command('accept')
    .summary('let an upload in, and publish the suite')
    .description('Lets an upload in. It is judged again first: what refuses it now is said, and it goes on waiting.')
    .argument('<number>', 'its number')
    .option('--reason <text>', 'a comment: the event says it', parseReason)
    .action(async (text, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { accept, formatAccepted } = await import('./new/decide.ts');
        const result = await accept(house, text, options.reason);
        output.result(result, () => formatAccepted(text, result));
        if (result.kind === 'refused') process.exitCode = exitCodes.refused;
      });
    });
  teach(command, { examples: [['sheaf new accept 7', 'let it in']], seeAlso: ['sheaf new reject'] });
}

function addReject(noun: Noun): void {
  const command = noun
    .command('reject')
    .summary('refuse an upload for good')
    .description('Refuses an upload: the same files are refused from now on, and the notifiers tell the reason.')
    .argument('<number>', 'its number')
    .requiredOption('--reason <text>', 'why: the uploader is told', parseReason)
    .action(async (text, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { reject } = await import('./new/decide.ts');
        const upload = await reject(house, text, options.reason);
        output.result(upload, () => [
          `Rejected NEW ${upload.id}: ${upload.source} ${upload.version} for ${upload.suite}.`,
        ]);
      });
    });
  teach(command, {
    examples: [['sheaf new reject 7 --reason "no licence"', 'the uploader is told why']],
    seeAlso: ['sheaf new accept'],
  });
}

function addComment(noun: Noun): void {
  const command = noun
    .command('comment')
    .summary('say something about an upload')
    .description('Says something about an upload of the queue, decided or not: the notifiers tell the uploader.')
    .argument('<number>', 'its number')
    .argument('<text>', 'what to say')
    .action(async (given, words, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { comment } = await import('./new/decide.ts');
        const said = await comment(house, given, words);
        output.result(said, () => [`Said about NEW ${given}.`]);
      });
    });
  teach(command, {
    examples: [['sheaf new comment 7 "Where is its licence?"', 'the uploader is told']],
    seeAlso: ['sheaf new show', 'sheaf new reject'],
  });
}
