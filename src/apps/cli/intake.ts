/** `sheaf intake …` */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

import { parseDuration } from '../../kit/duration.ts';
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';

export function addIntake(root: Root): void {
  const noun = root
    .command('intake')
    .summary('report a tag by hand')
    .description('Intake: the door by which signed tags come in. Webhooks and hooks use the same door.');
  teach(noun, {
    examples: [['sheaf intake tag https://git.example.org/hello debian/2.10-3 --suite stable', 'report one tag']],
    seeAlso: ['docs/git-hosting.md', 'sheaf package show'],
  });
  const tag = noun
    .command('tag')
    .summary('report a tag, wait for the judgement')
    .description(
      'Reports a tag: it is fetched, its signature verified, and checked is that this person may release this package ' +
        'into this suite. Prints the judgement, with every reason of a refusal. What is admitted is built and published ' +
        'by the server and its workers.',
    )
    .argument('<repository>', 'address of the git repository, as sheaf.toml allows it')
    .argument('<tag>', 'name of the tag')
    .requiredOption('--suite <suite>', 'suite that it is meant for')
    .option('--follow', 'go on until its packages are published, or until something fails')
    .option('--no-wait', 'only report it')
    .addOption(
      new Option('--timeout <duration>', 'wait at most so long for the judgement')
        .argParser(parseTime)
        .default(120_000, '2m'),
    )
    .action(async (repository, name, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { reportTag } = await import('./intake/tag.ts');
        await reportTag(house, { repository, tag: name, suite: options.suite }, options, output);
      });
    });
  teach(tag, {
    examples: [
      ['sheaf intake tag https://git.example.org/hello debian/2.10-3 --suite stable', 'is it admitted?'],
      [
        'sheaf intake tag /srv/git/hello.git debian/2.10-3 --suite stable --follow',
        'all the way to the published package',
      ],
      ['sheaf intake tag /srv/git/hello.git debian/2.10-3 --suite stable --no-wait', 'for scripts: only report it'],
    ],
    notes: ['The same report twice is one tag build: a tag that was admitted before is not built again.'],
    seeAlso: ['sheaf package show', 'docs/git-hosting.md', 'docs/write-a-policy.md (all reasons for a refusal)'],
  });
}

function parseTime(value: string): number {
  const milliseconds = parseDuration(value);
  if (milliseconds === undefined) throw new InvalidArgumentError('Expected a duration such as "30s" or "5m".');
  return milliseconds;
}
