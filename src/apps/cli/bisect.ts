/** `sheaf bisect` */
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';
import { collect, withRunOptions } from './run-options.ts';

export function addBisect(root: Root): void {
  const asked = root
    .command('bisect')
    .summary('find the update that broke something')
    .description(
      'Takes a test, a snapshot in which it passes and a later one in which it fails. Locks what the file asks for from ' +
        'snapshots in between, runs the test in their roots, then moves the changed packages of the two neighbours that ' +
        'are left one after the other, and names the first package version with which the test fails.',
    )
    .argument('<spec>', 'a file NAME.toml as for sheaf lock create')
    .argument('<test...>', 'a program and its arguments, after "--"; it runs in the root')
    .requiredOption('--good <when>', 'a snapshot in which the test passes: its id, or a day or time')
    .requiredOption('--bad <when>', 'a later one in which it fails')
    .option('--from <place>', 'the suite whose snapshots are walked (default: the only one that the file names)');
  const command = withRunOptions(asked, (limits) => `a test that goes over ${limits} fails`)
    .option('--arch <name>', 'which of the file’s architectures (default: the only one, else this machine’s)')
    .option('--debs <dir>', 'a folder that has packages too, by name or by hash; can be given several times', collect)
    .option('--state <dir>', 'where to keep what was tried (default: a folder of ~/.cache/sheaf/bisect)')
    .option('--again', 'forget what was tried')
    .action(async (spec, words, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { bisect, formatBisected } = await import('./bisect/bisect.ts');
        const found = await bisect(house, spec, words as [string, ...string[]], { ...options, json: output.json });
        output.result(found, () => formatBisected(found));
      });
    });
  teach(command, {
    examples: [
      [
        'sheaf bisect image.toml --good 2026-09-01 --bad 2026-10-01 -- nginx -t',
        'since when does nginx refuse its settings?',
      ],
      [
        'sheaf bisect image.toml --good 20260901T081500Z --bad 20261001T082233Z --bind ./check.sh:/check:ro -- sh /check',
        'a script of this machine',
      ],
    ],
    notes: [
      'The test passes with exit code 0; 125 says that nothing can be said here; everything else fails.',
      'Stopped by Ctrl-C, the same command goes on where it was. What is bound from files is part of the question, ' +
        'but not what is in bound folders: use --again when that has changed.',
    ],
    seeAlso: ['sheaf lock create', 'sheaf root run', 'sheaf diff', 'docs/find-the-update-that-broke-it.md'],
  });
}
