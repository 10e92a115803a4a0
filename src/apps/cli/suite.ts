/** `sheaf suite …` */
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';
import { addFreeze, addThaw } from './suite/freeze.ts';
import { addCopy, addInclude, addRemove, addRollback } from './suite/operate.ts';

type Noun = ReturnType<Root['command']>;

export function addSuite(root: Root): void {
  const noun = root
    .command('suite')
    .summary('suites and their snapshots: list, show, publish, include, remove, copy, rollback, freeze, thaw')
    .description('Suites: what is in them now, and every snapshot they were published as.');
  teach(noun, {
    examples: [
      ['sheaf suite list', 'all suites'],
      ['sheaf suite show stable', 'what is in stable, and how apt gets it'],
    ],
    seeAlso: ['sheaf package show', 'docs/write-a-policy.md'],
  });
  addList(noun);
  addShow(noun);
  addPublish(noun);
  addInclude(noun);
  addRemove(noun);
  addCopy(noun);
  addRollback(noun);
  addFreeze(noun);
  addThaw(noun);
}

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary('all suites')
    .description('Lists the suites of sheaf.toml with their newest snapshot.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readSuites, formatSuites } = await import('./suite/show.ts');
        const suites = await readSuites(house);
        output.result({ suites }, () => formatSuites(suites));
      });
    });
  teach(command, { examples: [['sheaf suite list', 'all suites']], seeAlso: ['sheaf suite show'] });
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary('packages, snapshots and apt instructions of a suite')
    .description("Shows a suite's packages, its newest snapshots, and the deb822 stanza that apt needs.")
    .argument('<suite>', 'name of a suite')
    .action(async (name, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readSuite, formatSuite } = await import('./suite/show.ts');
        const suite = await readSuite(house, name);
        output.result(suite, () => formatSuite(suite));
      });
    });
  teach(command, {
    examples: [
      ['sheaf suite show stable', 'everything about stable'],
      [
        'sheaf suite show stable --json | jq -r .aptSources > grove.sources',
        "apt's stanza, for /etc/apt/sources.list.d",
      ],
    ],
    seeAlso: ['sheaf key export', 'sheaf package show'],
  });
}

function addPublish(noun: Noun): void {
  const command = noun
    .command('publish')
    .summary("make a suite's next snapshot")
    .description(
      'Publishes what a suite has accepted: a new numbered snapshot, signed. The server does this by itself after every ' +
        'build; here it renews a Release file, or makes the first snapshot. Without a reason, nothing happens.',
    )
    .argument('<suite>', 'name of a suite')
    .option('--force', 'a new snapshot also when nothing has changed')
    .action(async (name, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { publish, formatPublication } = await import('./suite/publish.ts');
        const publication = await publish(house, name, options.force === true);
        output.result(publication, () => formatPublication(name, publication));
      });
    });
  teach(command, {
    examples: [
      ['sheaf suite publish stable', 'when there is a reason'],
      ['sheaf suite publish stable --force', 'in any case: also renews Valid-Until'],
    ],
    seeAlso: ['sheaf suite show'],
  });
}
