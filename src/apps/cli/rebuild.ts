/** `sheaf rebuild …` */
import { InvalidArgumentError } from '@commander-js/extra-typings';

import { exitCodes } from './exit.ts';
import { outputOf } from './context.ts';
import { teach } from './help.ts';
import type { Root } from './program.ts';
import { addQueue, addRun, addTidy } from './rebuild/run-command.ts';
import { addVerdicts } from './rebuild/verdict-commands.ts';

type Noun = ReturnType<Root['command']>;

export function addRebuild(root: Root): void {
  const noun = root
    .command('rebuild')
    .summary('packages built again, what differs, and why')
    .description('Rebuilds: whether a package, built again, has the same bytes, and what differs if not.');
  teach(noun, {
    examples: [
      ['sheaf rebuild run hello --from debian/bookworm', 'is Debian’s hello what its source says?'],
      ['sheaf rebuild compare old/hello_2.10-3_amd64.deb new/hello_2.10-3_amd64.deb', 'what differs?'],
    ],
    seeAlso: ['sheaf rebuild run', 'sheaf rebuild compare', 'sheaf rebuild report', 'sheaf challenge'],
  });
  addRun(noun);
  addQueue(noun);
  addCompare(noun);
  addVerdicts(noun);
  addTidy(noun);
}

function addCompare(noun: Noun): void {
  const command = noun
    .command('compare')
    .summary('what two packages differ in')
    .description(
      'Compares two packages: first their bytes; then members, control fields, maintainer scripts, and of every file its ' +
        'type, mode, owner, time, target and content, with lines of texts, sections of programs and parts of archives. ' +
        'Of two folders or .changes files, the packages of the same name and architecture are compared.',
    )
    .argument('<left>', 'a .deb, a .changes file, or a folder with .debs')
    .argument('<right>', 'what it is compared with, of the same kinds')
    .option('--diffoscope <file>', "write diffoscope's report of the pair too: FILE.html or FILE.txt", parseReport)
    .action(async (left, right, { diffoscope: report }, self) => {
      const output = outputOf(self);
      const { comparePlaces } = await import('./rebuild/compare.ts');
      const comparison = await comparePlaces(left, right);
      if (report !== undefined) {
        const { writeReport } = await import('./rebuild/diffoscope.ts');
        await writeReport(comparison, report.file, report.format);
      }
      const { formatComparisons } = await import('./rebuild/text.ts');
      output.result(comparison, () => formatComparisons(comparison));
      if (!comparison.equal) process.exitCode = exitCodes.refused;
    });
  teach(command, {
    examples: [
      ['sheaf rebuild compare old/hello_2.10-3_amd64.deb new/hello_2.10-3_amd64.deb', 'two packages'],
      ['sheaf rebuild compare published/ rebuilt/', 'all packages of two folders, by name'],
      ['sheaf rebuild compare hello_2.10-3_amd64.changes rebuilt/', 'those of an upload'],
      ['sheaf rebuild compare a.deb b.deb --diffoscope why.html', 'in depth: disassembled, unpacked'],
      ["sheaf rebuild compare a.deb b.deb --json | jq '.files[].differences[].kind'", 'for programs'],
    ],
    notes: [
      'Exit codes: 0 the same bytes, 1 a difference, 2 usage, 3 the environment lacks something.',
      'What stands behind "perhaps" is a guess at the cause, the most plausible first; nothing was tried.',
      'diffoscope must be installed. It runs in a sandbox without network, for 20 minutes at most.',
    ],
    seeAlso: ['sheaf diff'],
  });
}

function parseReport(file: string) {
  const format = /\.html?$/.test(file) ? ('html' as const) : file.endsWith('.txt') ? ('text' as const) : undefined;
  if (format === undefined) throw new InvalidArgumentError('Expected a name that ends in .html or .txt.');
  return { file, format };
}
