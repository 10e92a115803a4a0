/** `sheaf rebuild run`, `sheaf rebuild queue` and `sheaf rebuild tidy` */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

import { parseDuration } from '../../../kit/duration.ts';
import { parseArchitecture, type Architecture } from '../../../model/names.ts';
import { usualExperiments } from '../../../model/rebuild.ts';
import type { Root } from '../program.ts';
import { readArgument } from '../argument.ts';
import { findDirectory, outputOf, withHouse, type HasOptions } from '../context.ts';
import type { House } from '../../house.ts';
import { SheafError } from '../../../kit/error.ts';
import { exitCodes } from '../exit.ts';
import { teach } from '../help.ts';
import type { Output } from '../output.ts';
import type { AskFlags } from './tasks.ts';
import type { Workshop } from './workshop.ts';

type Noun = ReturnType<Root['command']>;

export function addRun(noun: Noun): void {
  const command = noun
    .command('run')
    .summary('build one package again, compare, and look for the cause')
    .description(
      'Builds all that one source package gave for an architecture once more, in this machine’s sandbox, and compares it ' +
        'with what is published. Our own packages are built exactly as their job built them; a .buildinfo is followed; ' +
        'else the dependencies of today are taken, and what the published files tell of their build is restored. Where ' +
        'bytes differ, it is built again with one thing restored after the other, until they agree.',
    )
    .argument('<what>', 'a package NAME[=VERSION], a .deb, .dsc or .buildinfo, or a folder with .debs and their .dsc')
    .option(
      '--from <place>',
      'where it is published, and its dependencies come from; several: the first has it',
      collect,
    )
    .addOption(modeOption())
    .option('--arch <name>', 'the architecture (default: this machine’s)', toArchitecture)
    .option('--lock <file>', 'a lock to build in, instead of what is found')
    .option('--output <dir>', 'where to put the result, the log, the rebuilt files and the difference')
    .option('--experiments <count>', 'most builds to find a cause', toCount, usualExperiments)
    .option('--no-explain', 'do not look for causes')
    .option('--nocheck', 'without the package’s own tests')
    .option('--plain', 'restore nothing of the first build, as whoever builds it today')
    .option('--diffoscope', 'compare what differs in depth too: text for all to see, and pages into --output')
    .option('--again', 'build again what was built before')
    .action(async (what, options, self) => {
      const output = outputOf(self);
      checkMode(options);
      await withHouseIfAny(self, async (house) => {
        const { exitCodeOf, formatRebuilt, runRebuild } = await import('./run.ts');
        const { explain, experiments, ...rest } = options;
        const flags = { ...rest, from: options.from ?? [], experiments: explain ? experiments : 0 };
        const rebuilt = await inWorkshop(house, output.json, (workshop) => runRebuild(workshop, what, flags));
        const { result } = rebuilt;
        output.result(result, () => formatRebuilt(rebuilt));
        process.exitCode = exitCodeOf(result.verdict);
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild run hello --from debian/bookworm', 'a package of an upstream that is followed'],
      ['sheaf rebuild run hello_2.10-3_amd64.deb --output again', 'a file, with what came of it'],
      ['sheaf rebuild run hello_2.10-3_amd64.buildinfo', 'in the very environment that it lists'],
      ['sheaf rebuild run ./pool --lock build.lock', 'a folder, without any distribution'],
      ['sheaf rebuild run less --from debian/bookworm --diffoscope --output why', 'and how its programs differ'],
    ],
    notes: [
      'Exit codes: 0 reproduced, 1 differs, 2 wrong use, 3 failed or unknown.',
      'Stopped at any time, the same command goes on with what was built.',
      'diffoscope must be installed. It runs in a sandbox without network, for 20 minutes at most.',
    ],
    seeAlso: ['sheaf lock from-buildinfo', 'sheaf upstream update', 'docs/run-a-rebuilder.md'],
  });
}

export function addQueue(noun: Noun): void {
  const command = noun
    .command('queue')
    .summary('build many packages again: here, or by the workers')
    .description(
      'Rebuilds the source packages of a suite, or of a folder, that fit, the most popular first, as sheaf rebuild run does each of them: ' +
        'on this machine, one after the other. What is done is written down: the same command goes on where it was ' +
        'stopped, and tells how all stand at its end. With --workers nothing is built here: the server has its workers ' +
        'make them, in pools that did not build the original, and this command only asks for it.',
    )
    .argument(
      '[pattern...]',
      'names of source packages, with * for any run of characters (default: all), or one folder with .dsc and .deb files',
    )
    .option('--from <place>', 'the suite; several: the first has the packages', collect)
    .addOption(modeOption())
    .option('--arch <name>', 'the architecture (default: this machine’s)', toArchitecture)
    .option('--popularity <file>', 'by_inst of popularity-contest: what most systems have comes first')
    .option('--allow <file>', 'only source packages that stand there, a name or pattern a line')
    .option('--deny <file>', 'never source packages that stand there')
    .option('--limit <count>', 'only so many', toCount)
    .option('--attempts <count>', 'how often a package is tried that fails or is unknown', toCount, 2)
    .option('--retry', 'try again what was not reproduced')
    .option('--experiments <count>', 'most builds to find a cause', toCount, usualExperiments)
    .option('--no-explain', 'do not look for causes')
    .option('--nocheck', 'without the packages’ own tests')
    .option('--plain', 'restore nothing of the first builds, as whoever builds them today')
    .option('--diffoscope', 'compare what differs in depth too')
    .option('--again', 'begin anew')
    .addOption(
      new Option('--workers', 'have the server’s workers make them').conflicts([
        'again',
        'retry',
        'attempts',
        'diffoscope',
      ]),
    )
    .option('--priority <number>', 'with --workers: higher goes first; ordinary builds have 0 and 10', toPriority)
    .option('--wait', 'with --workers: until all have ended')
    .action(async (patterns, options, self) => {
      const output = outputOf(self);
      checkMode(options);
      await withHouse(self, async (house) => {
        const { formatQueue, runQueue } = await import('./queue.ts');
        const { explain, experiments, workers, wait, ...rest } = options;
        const flags = { ...rest, from: options.from ?? [], experiments: explain ? experiments : 0 };
        if (workers === true) return askTheWorkers(house, output, patterns, { ...flags, wait });
        if (wait === true || options.priority !== undefined) throw onlyWithWorkers();
        const queue = await inWorkshop(house, output.json, (workshop) => runQueue(workshop, patterns, flags));
        output.result(queue, () => formatQueue(queue));
        if (queue.counts.reproduced < queue.done.length) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild queue --from stable', 'everything of our own suite'],
      ["sheaf rebuild queue 'lib*' --from debian/bookworm --limit 50", 'some of Debian'],
      ['sheaf rebuild queue --from debian/bookworm --popularity by_inst --limit 40', 'what most systems have'],
      ['sheaf rebuild queue --from debian/bookworm --allow packages.txt', 'a list that was fixed beforehand'],
      ['sheaf rebuild queue ./pool --from debian/bookworm', 'every .dsc of a folder, with dependencies from there'],
      ['sheaf rebuild queue --from stable --workers', 'by the workers, while the server runs'],
      ['sheaf rebuild queue hello --from stable --workers --priority 20 --wait', 'this one before all else'],
    ],
    notes: [
      'Exit codes: 0 all are reproduced, 1 some are not, 2 wrong use, 3 the environment lacks something.',
      'Patterns that a shell would replace stand in quotes.',
      'With --workers, attempts and pauses are the server’s; without --wait the exit code is 0 once all are asked for.',
    ],
    seeAlso: [
      'sheaf rebuild run',
      'sheaf rebuild list',
      'sheaf worker enroll',
      'sheaf upstream update',
      'docs/run-a-rebuilder.md',
    ],
  });
}

async function askTheWorkers(
  house: House,
  output: Output,
  patterns: readonly string[],
  { wait, ...flags }: AskFlags & { readonly wait: true | undefined },
): Promise<void> {
  const [tasks, { interruptible }, { startProgress }] = await Promise.all([
    import('./tasks.ts'),
    import('../interrupt.ts'),
    import('../progress.ts'),
  ]);
  const asked = await tasks.askWorkers(house, patterns, flags);
  if (wait !== true) return output.result(asked, () => tasks.formatAsked(asked));
  const progress = startProgress({ json: output.json, unit: 'bytes' });
  const ended = await interruptible((signal) => tasks.waitForTasks(house, asked, progress, signal)).finally(
    progress.end,
  );
  output.result(ended, () => tasks.formatEnded(ended));
  if (ended.tasks.some(({ verdict }) => verdict !== 'reproduced')) process.exitCode = exitCodes.refused;
}

function onlyWithWorkers(): SheafError {
  return new SheafError('usage', 'Cannot wait, or give a priority: what is built here is built at once, in its order', {
    kind: 'usage',
    hint: 'Add --workers to have the server’s workers make the rebuilds.',
  });
}

export function addTidy(noun: Noun): void {
  const command = noun
    .command('tidy')
    .summary('remove builds that are kept and were not used for long')
    .description(
      'Every build of a rebuild is kept, below state/rebuild/builds or, without a distribution, in ~/.cache/sheaf/rebuild, ' +
        'so that a rebuild that was ended goes on. This removes those that were not used for long, and what is left of ' +
        'builds that failed. Verdicts, logs and differences stay: they are elsewhere.',
    )
    .addOption(
      new Option('--older-than <duration>', 'only builds last used longer ago')
        .argParser(toDuration)
        .default(30 * 86_400_000, '30d'),
    )
    .action(async ({ olderThan }, self) => {
      const output = outputOf(self);
      await withHouseIfAny(self, async (house) => {
        const [{ formatTidied, tidy }, { rebuildDirectory }] = await Promise.all([
          import('./tidy.ts'),
          import('./workshop.ts'),
        ]);
        const before = new Date(Date.now() - olderThan);
        const tidied = await tidy(rebuildDirectory(house), { before, json: output.json });
        output.result(tidied, () => formatTidied(tidied));
      });
    });
  teach(command, {
    examples: [
      ['sheaf rebuild tidy', 'builds that nobody used for 30 days'],
      ['sheaf rebuild tidy --older-than 0s', 'all of them'],
    ],
    notes: ['Nothing is removed while a rebuild runs. A later rebuild builds again what it does not find.'],
    seeAlso: ['sheaf rebuild run', 'sheaf storage tidy'],
  });
}

/** Runs something where rebuilds are made; Ctrl-C ends it, and what was built stays. */
async function inWorkshop<T>(
  house: House | undefined,
  json: boolean,
  use: (workshop: Workshop) => Promise<T>,
): Promise<T> {
  const [{ openWorkshop }, { interruptible }, { startProgress }] = await Promise.all([
    import('./workshop.ts'),
    import('../interrupt.ts'),
    import('../progress.ts'),
  ]);
  const progress = startProgress({ json, unit: 'bytes' });
  return interruptible(async (signal) => use(await openWorkshop(house, signal, progress))).finally(progress.end);
}

function modeOption() {
  return new Option(
    '--mode <mode>',
    'exact: as it was built; idempotent: with the dependencies of today (default: exact where that is on record)',
  ).choices(['exact', 'idempotent'] as const);
}

function checkMode({ mode, plain }: { readonly mode?: string | undefined; readonly plain?: true | undefined }): void {
  if (mode !== 'exact' || plain !== true) return;
  throw new SheafError('usage', 'Cannot rebuild as it was built and restore nothing: that is the one or the other', {
    kind: 'usage',
    hint: 'Leave out --plain or --mode exact.',
  });
}

function collect(word: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), word];
}

function toDuration(text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new InvalidArgumentError('Expected a duration such as "30d" or "12h".');
  return milliseconds;
}

function toArchitecture(text: string): Architecture {
  return readArgument(parseArchitecture, text);
}

function toPriority(text: string): number {
  if (!/^-?\d{1,4}$/.test(text)) throw new InvalidArgumentError('Expected a number from -9999 to 9999.');
  return Number(text);
}

function toCount(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('Expected a number from 0 to 999.');
  return Number(text);
}

/** Files can be rebuilt without a distribution. One that is named must be there. */
async function withHouseIfAny<T>(command: HasOptions, use: (house: House | undefined) => Promise<T>): Promise<T> {
  const { dir } = command.optsWithGlobals();
  const found = await findDirectory(dir).catch((error: unknown) => {
    if (dir !== undefined) throw error;
    return undefined;
  });
  return found === undefined ? use(undefined) : withHouse(command, use);
}
