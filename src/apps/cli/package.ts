/** `sheaf package …` */
import { Option } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addPackage(root: Root): void {
  const noun = root
    .command('package')
    .summary('where a package is, and why')
    .description('Source packages and their way.');
  teach(noun, {
    examples: [
      ['sheaf package show hello', 'where is hello now, and why?'],
      ['sheaf package history hello', 'where was which version, and when?'],
    ],
    seeAlso: ['sheaf job', 'sheaf suite', 'sheaf status', 'sheaf archive'],
  });
  addShow(noun);
  addHistory(noun);
}

function addShow(noun: Noun): void {
  const show = noun
    .command('show')
    .summary("a package's whole way")
    .description(
      'Shows where a source package is in every suite and on every architecture, with one sentence saying why, and ' +
        'the way of its newest tag: every step with its time and evidence.',
    )
    .argument('<name>', 'name of a source package')
    .option('--all', 'the way of every tag, not only of the newest')
    .action(async (name, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readPackage, formatPackage } = await import('./package/show.ts');
        const found = await readPackage(house, name, options.all === true ? 20 : 1);
        output.result(found, () => formatPackage(found));
      });
    });
  teach(show, {
    examples: [
      ['sheaf package show hello', 'where is hello now, and why?'],
      ['sheaf package show hello --all', 'with the way of earlier tags'],
      ['sheaf package show hello --json | jq .statuses', 'for programs'],
    ],
    seeAlso: ['sheaf package history', 'sheaf job show', 'sheaf job log', 'sheaf suite show'],
  });
}

function addHistory(noun: Noun): void {
  const command = noun
    .command('history')
    .summary('where its versions were, from when to when')
    .description(
      'Shows where versions of a package were, in upstreams and in our own suites, from which snapshot to which, and the ' +
        'SHA-256 of their files. A version that had two different files in one archive is an alarm.',
    )
    .argument('<name>', 'name of a package')
    .argument('[version]', 'only this version')
    .option('--arch <architecture>', 'only this architecture, such as amd64, all or source')
    .addOption(new Option('--source', 'only the source package').conflicts('arch'))
    .option('--origin <upstream>', 'only in this upstream')
    .action(async (name, version, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readHistory, formatHistory } = await import('./package/history.ts');
        const found = await readHistory(house, name, { version, ...options });
        output.result(found, () => formatHistory(found));
        if (found.alarms.length > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf package history hello', 'every version, everywhere'],
      ['sheaf package history hello 2.10-3 --arch amd64', 'one version'],
      ['sheaf package history hello --source --origin debian', 'the source package in one upstream'],
    ],
    notes: ['Exit code 1: a version had two different files.'],
    seeAlso: ['sheaf package show', 'sheaf upstream files', 'sheaf archive index'],
  });
}
