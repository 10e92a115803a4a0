/** `sheaf root …` */
import type { Command, OptionValues } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { outputOf, type HasOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';
import type { Ran, RunFlags } from './root/run.ts';
import { collect, withRunOptions } from './run-options.ts';

type Noun = ReturnType<Root['command']>;

export function addRoot(root: Root): void {
  const noun = root
    .command('root')
    .summary('systems from locks: build, run, shell, upgrade')
    .description(
      'A root is the system that a lock describes: its packages unpacked and configured by their own scripts, in a ' +
        'sandbox and without rights of root. It is made once and kept in ~/.cache/sheaf. A lock file is all that is needed.',
    );
  teach(noun, {
    examples: [
      ['sheaf root build image.lock --output image.tar.zst', 'the same bytes on every machine'],
      ['sheaf root run image.lock -- dpkg --list', 'a command in it; what it changes is thrown away'],
      ['sheaf root shell image.lock', 'look around'],
    ],
    seeAlso: ['sheaf lock create', 'sheaf doctor'],
  });
  addBuild(noun);
  addRun(noun);
  addShell(noun);
  addUpgrade(noun);
}

const archText = 'which of the lock’s architectures (default: the only one, else this machine’s)';
const fromText = 'a folder that has packages too, by name or by hash; can be given several times';

function addBuild(noun: Noun): void {
  const command = noun
    .command('build')
    .summary('write it as an archive, an image or a directory')
    .description(
      'Writes the root of a lock. The same lock gives the same archive or image, byte for byte, whoever makes it and ' +
        'wherever: entries are sorted, owners are numbers, and no time is newer than the newest Release of the lock.',
    )
    .argument('<lock>', 'a lock file')
    .requiredOption(
      '--output <path>',
      'FILE.tar, .tar.gz, .tar.xz or .tar.zst; oci:DIR for an OCI image; else a directory',
    )
    .option('--arch <name>', `${archText}; several times for one image of several`, collect)
    .option(
      '--base <lock>',
      'a lock that this one begins with: its root is shared, and is a layer of its own in an image',
    )
    .option('--from <dir>', fromText, collect)
    .action(async (lock, options, self) => {
      const output = outputOf(self);
      const { build, formatBuilt } = await import('./root/build.ts');
      const { dir } = self.optsWithGlobals();
      const built = await build(lock, { ...options, dir, json: output.json });
      output.result(built, () => formatBuilt(built));
    });
  teach(command, {
    examples: [
      ['sheaf root build image.lock --output image.tar.zst', 'an archive'],
      ['sheaf root build image.lock --output oci:image', 'an image: skopeo copy oci:image:latest docker://…'],
      ['sheaf root build image.lock --arch arm64 --output arm64.tar', 'another architecture of the same lock'],
      ['sheaf root build image.lock --arch amd64 --arch arm64 --output oci:image', 'both in one image'],
      ['sudo sheaf root build image.lock --output /srv/image', 'a directory, as only root can write it'],
    ],
    notes: ['Device nodes and sockets are left out. A compressed archive is the same for the same version of sheaf.'],
    seeAlso: ['sheaf lock create', 'sheaf root run'],
  });
}

function addRun(noun: Noun): void {
  const command = withRootOptions(
    noun
      .command('run')
      .summary('run a command in it')
      .description(
        'Runs a command in the root of a lock, in a sandbox. It has the standard input and output of this one, or a ' +
          'terminal of its own where this one has one. What it writes is thrown away. The exit code is the command’s.',
      )
      .argument('<lock>', 'a lock file')
      .argument('<command...>', 'a program and its arguments, after "--"'),
  ).action(async (lock, words, options, self) => {
    await run(lock, words as [string, ...string[]], options, self);
  });
  teach(command, {
    examples: [
      ['sheaf root run image.lock -- dpkg --list', 'what is installed'],
      ['sheaf root run image.lock --bind .:/src:ro --cwd /src -- make check', 'test this folder in it'],
      [
        'sheaf root run image.lock --network --user nobody -- curl https://example.org',
        'with a network, as somebody else',
      ],
      ['tar c . | sheaf root run image.lock -- tar t', 'input and output go through'],
    ],
    notes: [
      'A bound folder keeps its owners: in a sandbox nobody is their owner, so it can be written only where others may.',
      'A command that a signal ended gives 128 and its number; one that went over a limit gives 1.',
    ],
    seeAlso: ['sheaf root shell', 'sheaf root build'],
  });
}

function addShell(noun: Noun): void {
  const command = withRootOptions(
    noun
      .command('shell')
      .summary('a shell in it')
      .description('Starts a shell in the root of a lock. What is changed there is thrown away at its end.')
      .argument('<lock>', 'a lock file'),
  ).action(async (lock, options, self) => {
    await run(lock, ['/bin/sh', '-c', 'exec "$(command -v bash || echo /bin/sh)" -l'], options, self);
  });
  teach(command, {
    examples: [
      ['sheaf root shell image.lock', 'look around'],
      ['sheaf root shell image.lock --keep changes', 'go on with the same changes the next time'],
    ],
    seeAlso: ['sheaf root run'],
  });
}

function addUpgrade(noun: Noun): void {
  const command = withRootOptions(
    noun
      .command('upgrade')
      .summary('upgrade from one lock to another, and test')
      .description(
        'Makes the root of the first lock; in it apt upgrades to the packages of the second, by dist-upgrade and with the ' +
          'maintainer scripts, as on a real machine. Then the test runs in what has come out. It is thrown away unless --keep ' +
          'names a place.',
      )
      .argument('<lock-a>', 'the lock of the system before')
      .argument('<lock-b>', 'the lock of the system after')
      .argument('[test...]', 'a program and its arguments, after "--"'),
  ).action(async (lockA, lockB, words, options, self) => {
    const output = outputOf(self);
    const { upgrade, formatUpgrade } = await import('./root/upgrade.ts');
    const { dir } = self.optsWithGlobals();
    const report = await upgrade(lockA, lockB, words, { ...options, dir, json: output.json });
    output.result(report, () => formatUpgrade(report));
    if (report.outcome !== 'passed') process.exitCode = exitCodes.refused;
  });
  teach(command, {
    examples: [
      ['sheaf root upgrade old.lock new.lock -- nginx -t', 'is nginx content after the upgrade?'],
      ['sheaf root upgrade old.lock new.lock', 'does the upgrade go through?'],
      ['sheaf root upgrade old.lock new.lock --keep after', 'then: sheaf root shell old.lock --keep after'],
    ],
    notes: [
      'Exit code 1: the upgrade failed, its end is not what the second lock says, or the test failed.',
      'No service is started; changed settings of the first system stay. The first lock must have apt.',
      '--keep names an empty directory here. Limits hold for every step of the upgrade and for the test.',
    ],
    seeAlso: ['sheaf lock update', 'sheaf lock diff', 'sheaf bisect'],
  });
}

function withRootOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
) {
  return withRunOptions(command, (limits) => `end it when it goes over ${limits}`)
    .option('--keep <dir>', 'keep what it writes there, and go on from what is there, over the same root')
    .option('--arch <name>', archText)
    .option('--base <lock>', 'a lock that this one begins with: its root is shared')
    .option('--from <dir>', fromText, collect);
}

async function run(
  lock: string,
  argv: readonly [string, ...string[]],
  options: Omit<RunFlags, 'dir' | 'json'>,
  self: HasOptions,
): Promise<void> {
  const output = outputOf(self);
  const { runInRoot } = await import('./root/run.ts');
  const { dir } = self.optsWithGlobals();
  const ran: Ran = await runInRoot(lock, argv, { ...options, dir, json: output.json });
  output.result(ran, () => []);
  process.exitCode = ran.code;
}
