/** `sheaf worker …` */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

import { parseDuration } from '../../kit/duration.ts';
import { parseArchitecture, parseLabel, type Architecture, type Label } from '../../model/names.ts';
import { readArgument } from './argument.ts';
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';
import { shellWord } from './shell-word.ts';

type Noun = ReturnType<Root['command']>;

export function addWorker(root: Root): void {
  const noun = root
    .command('worker')
    .summary('machines that build: enrol, run, list, approve, disable')
    .description(
      'Workers: each has a key of its own, is enrolled with a one-time token and approved by a person. A worker speaks ' +
        'HTTP with the server and nothing else.',
    );
  teach(noun, {
    examples: [
      ['sheaf worker token', 'on the server: a one-time token'],
      ['sheaf worker enroll --server https://packages.example.org --token-file token', 'on the worker'],
      ['sheaf worker approve sapling', 'on the server: let it build'],
      ['sheaf worker run', 'on the worker'],
    ],
    seeAlso: ['docs/add-a-worker.md', 'sheaf doctor'],
  });
  addToken(noun);
  addEnroll(noun);
  addRun(noun);
  addList(noun);
  addApprove(noun);
  addDisable(noun);
}

function addToken(noun: Noun): void {
  const command = noun
    .command('token')
    .summary('make a one-time token that enrols a worker')
    .description('Makes a secret that enrols one worker, once. It is shown now and never again.')
    .addOption(
      new Option('--valid-for <duration>', 'how long it may be used').argParser(parseTime).default(3_600_000, '1h'),
    )
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db, clock, distribution }) => {
        const { createEnrolmentToken } = await import('../../build/mod.ts');
        const now = clock.now();
        const token = await createEnrolmentToken(db, options.validFor, now);
        const expires = new Date(now.getTime() + options.validFor);
        output.result({ token, expires, server: distribution.url }, () => [
          token,
          '',
          `Usable once, until ${expires.toISOString()}. On the worker's machine:`,
          `  sheaf worker enroll --server ${distribution.url} --name NAME --token-file FILE`,
        ]);
      });
    });
  teach(command, {
    examples: [
      ['sheaf worker token', 'good for an hour'],
      ['sheaf worker token --json | jq -r .token > token', 'into a file, for the worker'],
    ],
    seeAlso: ['sheaf worker enroll', 'docs/add-a-worker.md'],
  });
}

function addEnroll(noun: Noun): void {
  const command = noun
    .command('enroll')
    .summary('make this machine a worker of a server')
    .description(
      'Makes a key of its own for this machine and enters it in the list of a server, where it waits for approval. ' +
        'Prints the fingerprint to compare there. Run it on the machine that is to build.',
    )
    .requiredOption('--server <url>', "the server's address")
    .option('--token <token>', 'what "sheaf worker token" printed (others see it in the list of processes)')
    .option('--token-file <file>', 'a file that holds it; "-" reads standard input')
    .option('--name <name>', 'its name (default: the name of this machine)', toLabel)
    .option('--architecture <name...>', 'what it can build (default: what this machine is)', toArchitectures)
    .option('--pool <pool>', 'group of workers that it belongs to', toLabel, parseLabel('default'))
    .option('--home <dir>', 'its own folder (default: ~/.local/state/sheaf/worker)')
    .action(async (options, self) => {
      const output = outputOf(self);
      const { enroll } = await import('./worker/enroll.ts');
      const enrolled = await enroll(options);
      const { worker, server, state, fingerprint, home } = enrolled;
      output.result(enrolled, () => [
        `Worker ${worker} is enrolled at ${server} (${state}).`,
        `  key:    ${fingerprint}`,
        `  folder: ${home}`,
        '',
        `On the server, compare the key and let it build: sheaf worker approve ${worker}`,
        `Then, here: sheaf worker run${options.home === undefined ? '' : ` --home ${shellWord(options.home)}`}`,
      ]);
    });
  teach(command, {
    examples: [
      [
        'sheaf worker enroll --server https://packages.example.org --token-file token',
        'under the name of this machine',
      ],
      [
        'sheaf worker enroll --server https://packages.example.org --token-file - --name sapling < token',
        'under another name',
      ],
    ],
    seeAlso: ['sheaf worker token', 'sheaf worker run', 'docs/add-a-worker.md'],
  });
}

function addRun(noun: Noun): void {
  const command = noun
    .command('run')
    .summary('build what the server has to build')
    .description(
      'Takes jobs from the server and builds them in sandboxes, without network, until it is told to stop (SIGINT, ' +
        'SIGTERM). Needs no rights of root.',
    )
    .option('--home <dir>', 'the folder that "sheaf worker enroll" made (default: ~/.local/state/sheaf/worker)')
    .option('--slots <count>', 'builds at once', parseCount, 1)
    .option('--parallel <count>', 'processors for each build (default: all, shared among the slots)', parseCount)
    .addOption(
      new Option('--sandbox <kind>', 'how builds are shut in')
        .choices(['unshare', 'runc'] as const)
        .default('unshare' as const),
    )
    .option('--cache <dir>', 'packages and build environments (default: ~/.cache/sheaf)')
    .addOption(
      new Option('--grace <duration>', 'how long a build may go on after the signal; then it is handed back')
        .argParser(parseTime)
        .default(10_000, '10s'),
    )
    .action(async (options, self) => {
      const { runUntilStopped } = await import('./worker/run.ts');
      await runUntilStopped({ ...options, json: outputOf(self).json });
    });
  teach(command, {
    examples: [
      ['sheaf worker run', 'one build at a time'],
      ['sheaf worker run --slots 4 --parallel 8', 'four at a time, eight processors each'],
      ['sheaf worker run --sandbox runc', 'with an OCI runtime'],
    ],
    notes: ['Killing it loses nothing: its job goes to another worker when the lease ends.'],
    seeAlso: ['sheaf worker enroll', 'sheaf doctor', 'docs/add-a-worker.md'],
  });
}

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary('all workers and what they do')
    .description('Lists the workers with what each is doing now.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db, clock }) => {
        const { listWorkers } = await import('../../tracker/mod.ts');
        const { formatWorkers } = await import('./worker/list.ts');
        const workers = await listWorkers(db, clock.now());
        output.result({ workers }, () =>
          workers.length === 0
            ? ['There is no worker yet. Make a token for one: sheaf worker token']
            : formatWorkers(workers),
        );
      });
    });
  teach(command, {
    examples: [['sheaf worker list', 'who builds what']],
    seeAlso: ['sheaf worker approve', 'sheaf job list'],
  });
}

function addApprove(noun: Noun): void {
  const command = noun
    .command('approve')
    .summary('let an enrolled or disabled worker build')
    .description('Lets a worker build. Compare the fingerprint with the one that the worker printed when it enrolled.')
    .argument('<name>', 'name of the worker')
    .option('--pool <pool>', 'put it into this pool', toLabel)
    .action(async (name, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db, clock, distribution }) => {
        const { approveWorker } = await import('../../build/mod.ts');
        await approveWorker(db, name, clock.now(), distribution, options.pool);
        output.result({ worker: name, state: 'approved' }, () => [`Worker ${name} may build now.`]);
      });
    });
  teach(command, {
    examples: [
      ['sheaf worker approve sapling', 'after comparing its fingerprint'],
      ['sheaf worker approve sapling --pool trusted', 'into another pool'],
    ],
    seeAlso: ['sheaf worker list', 'sheaf worker disable'],
  });
}

function addDisable(noun: Noun): void {
  const command = noun
    .command('disable')
    .summary('refuse a worker from now on')
    .description('Refuses every request of a worker from now on. What it is building goes to another one at once.')
    .argument('<name>', 'name of the worker')
    .action(async (name, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db, clock, distribution }) => {
        const { disableWorker } = await import('../../build/mod.ts');
        await disableWorker(db, name, clock.now(), distribution);
        output.result({ worker: name, state: 'disabled' }, () => [`Worker ${name} is disabled.`]);
      });
    });
  teach(command, {
    examples: [['sheaf worker disable sapling', 'until it is approved again']],
    seeAlso: ['sheaf worker approve'],
  });
}

function parseTime(value: string): number {
  const milliseconds = parseDuration(value);
  if (milliseconds === undefined || milliseconds < 1000)
    throw new InvalidArgumentError('Expected a duration such as "15m" or "1h".');
  return milliseconds;
}

function toArchitectures(value: string, before: readonly Architecture[] | undefined): readonly Architecture[] {
  return [...(before ?? []), readArgument(parseArchitecture, value)];
}

function toLabel(value: string): Label {
  return readArgument(parseLabel, value);
}

function parseCount(value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new InvalidArgumentError('Expected a whole number from 1 to 9999.');
  return Number(value);
}
