/** `sheaf job …` */
import { InvalidArgumentError } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';

const states = [
  ...(['Needs-Build', 'BD-Uninstallable', 'Building', 'Built', 'Uploaded', 'Installed'] as const),
  ...(['Build-Attempted', 'Failed', 'Cancelled'] as const),
];

export function addJob(root: Root): void {
  const noun = root
    .command('job')
    .summary('builds: list, logs, retry, cancel')
    .description('Jobs: each makes a source package, or the binary packages of one architecture.');
  teach(noun, {
    examples: [
      ['sheaf job list --state Failed', 'what has failed'],
      ['sheaf job log 42 -f', 'watch a build'],
      ['sheaf job retry 42', 'try it again'],
    ],
    seeAlso: ['sheaf package show', 'sheaf worker list'],
  });
  addList(noun);
  addShow(noun);
  addLog(noun);
  addRetry(noun);
  addCancel(noun);
}

type Noun = ReturnType<Root['command']>;

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary('jobs, the newest first')
    .description('Lists jobs, the newest first, each with its state and one sentence saying why.')
    .option('--state <state>', `only these: ${states.join(', ')}`, parseState)
    .option('--source <name>', 'only jobs of this source package')
    .option('--architecture <name>', 'only jobs of this architecture')
    .option('--worker <name>', 'only jobs that this worker has')
    .option('-n, --limit <count>', 'at most so many', parseCount(1, 200), 50)
    .option('--after <id>', 'go on after this job: the "next" of the list before', parseId)
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db }) => {
        const { listJobs } = await import('../../tracker/mod.ts');
        const { formatJobs } = await import('./job/list.ts');
        const { limit, after, ...filters } = options;
        const page = await listJobs(db, filters, { limit, after: after?.toString() });
        output.result({ jobs: page.items, next: page.next }, () => formatJobs(page));
      });
    });
  teach(command, {
    examples: [
      ['sheaf job list', 'the newest fifty'],
      ['sheaf job list --state Failed --source hello', 'failed builds of hello'],
      ["sheaf job list --json | jq '.jobs[].id'", 'for programs'],
    ],
    seeAlso: ['sheaf job show'],
  });
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary('one job with its attempts')
    .description('Shows a job: what it makes, its attempts with their workers and times, its inputs and results.')
    .argument('<id>', 'number of the job', parseId)
    .action(async (id, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db }) => {
        const { readJob, formatJob } = await import('./job/show.ts');
        const job = await readJob(db, id);
        output.result(job, () => formatJob(job));
      });
    });
  teach(command, {
    examples: [
      ['sheaf job show 42', 'everything about job 42'],
      ['sheaf job show 42 --json | jq .attempts', 'for programs'],
    ],
    seeAlso: ['sheaf job log', 'sheaf job retry'],
  });
}

function addLog(noun: Noun): void {
  const command = noun
    .command('log')
    .summary("a job's log, also while it grows")
    .description(
      "Prints the log of a job's last attempt. On a terminal, escape sequences in it are left out; elsewhere the bytes " +
        'are what the build wrote.',
    )
    .argument('<id>', 'number of the job', parseId)
    .option('-f, --follow', 'wait for more until the attempt ends; exit code 1 when it was not built')
    .option('--attempt <number>', 'an earlier attempt', parseCount(1, 1000))
    .option('--tail <bytes>', 'only about the last so many bytes', parseCount(0, Number.MAX_SAFE_INTEGER))
    .action(async (id, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { printLog } = await import('./job/log.ts');
        await printLog(house, id, { ...options, json: output.json });
      });
    });
  teach(command, {
    examples: [
      ['sheaf job log 42', 'the whole log'],
      ['sheaf job log 42 -f', 'watch it grow'],
      ['sheaf job log 42 --attempt 1 > first.log', 'the first attempt, into a file'],
    ],
    notes: ['With --json, one object: {"job", "attempt", "size", "ended", "text"}. It cannot be followed.'],
    seeAlso: ['sheaf job show'],
  });
}

function addRetry(noun: Noun): void {
  const command = noun
    .command('retry')
    .summary('try a failed or cancelled job again')
    .description(
      'Makes a job that failed or was cancelled ready again, in the environment that was recorded for it. A job that ' +
        'waits for its next try starts at once. For one whose build dependencies could not be installed, apt is asked again.',
    )
    .argument('<id>', 'number of the job', parseId)
    .action(async (id, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async ({ db, distribution, clock }) => {
        const { retryJob } = await import('../../build/mod.ts');
        const state = await retryJob(db, id, distribution.build.attempts, clock.now(), distribution);
        output.result({ job: id, state }, () => [
          state === 'Needs-Build'
            ? `Job ${id} waits for a worker again.`
            : `Job ${id}: the server asks apt again for what it needs.`,
        ]);
      });
    });
  teach(command, {
    examples: [['sheaf job retry 42', 'try job 42 again']],
    seeAlso: ['sheaf job log', 'sheaf job cancel'],
  });
}

function addCancel(noun: Noun): void {
  const command = noun
    .command('cancel')
    .summary('stop a job')
    .description('Stops a job that waits or is being built. Its worker ends the build with its next heartbeat.')
    .argument('<id>', 'number of the job', parseId)
    .option('--by <name>', 'who does it, for the record (default: your user name)')
    .action(async (id, options, self) => {
      const output = outputOf(self);
      const { userName } = await import('./actor.ts');
      await withHouse(self, async ({ db, distribution, clock }) => {
        const { cancelJob } = await import('../../build/mod.ts');
        await cancelJob(db, id, options.by ?? userName(), clock.now(), distribution);
        output.result({ job: id, state: 'Cancelled' }, () => [`Job ${id} is cancelled.`]);
      });
    });
  teach(command, {
    examples: [
      ['sheaf job cancel 42', 'stop job 42'],
      ['sheaf job cancel 42 --by ada', 'and say who did it'],
    ],
    seeAlso: ['sheaf job retry'],
  });
}

function parseId(value: string): number {
  if (!/^[1-9]\d{0,14}$/.test(value))
    throw new InvalidArgumentError('A job is named by its number: see "sheaf job list".');
  return Number(value);
}

function parseCount(least: number, most: number): (value: string) => number {
  return (value) => {
    const count = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    if (!(count >= least && count <= most)) {
      throw new InvalidArgumentError(`Expected a whole number from ${least}${most > 1e9 ? '' : ` to ${most}`}.`);
    }
    return count;
  };
}

function parseState(value: string): (typeof states)[number] {
  const found = states.find((state) => state.toLowerCase() === value.toLowerCase());
  if (found === undefined) throw new InvalidArgumentError(`Expected one of ${states.join(', ')}.`);
  return found;
}
