/** The commands that change a suite: `include`, `remove`, `copy`, `rollback`. */
import { outputOf, withHouse } from '../context.ts';
import { exitCodes } from '../exit.ts';
import { teach } from '../help.ts';
import type { Root } from '../program.ts';
import { parseReason } from '../reason.ts';

type Noun = ReturnType<Root['command']>;

export function addInclude(noun: Noun): void {
  const command = noun
    .command('include')
    .summary('take an upload from files: .changes, .dsc, .deb')
    .description(
      'Takes uploads into a suite and publishes it. Each is taken whole or not at all. A .changes must carry the ' +
        'signature of a person who may release the source into the suite; its files are found beside it.',
    )
    .argument('<suite>', 'name of a suite')
    .argument('<file...>', '.changes, .dsc or .deb files')
    .option('--unsigned', 'vouch for the files yourself: no signature is asked for, and the event names you')
    .option('--without-source', 'take packages also when the repository does not have their source')
    .option('--component <name>', "the component, instead of the one that the packages' section names")
    .action(async (suite, files, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { include, formatIncluded } = await import('./include.ts');
        const unsigned = options.unsigned === true;
        const uploads = await include(house, suite, {
          files,
          unsigned,
          withoutSource: options.withoutSource === true,
          component: options.component,
        });
        output.result({ uploads }, () => uploads.flatMap((each) => formatIncluded(suite, each)));
        if (uploads.some(({ result }) => result.kind === 'refused')) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf suite include stable hello_2.10-3_amd64.changes', 'a signed upload'],
      ['sheaf suite include stable --unsigned hello_2.10-3.dsc hello_2.10-3_amd64.deb', 'files that nobody signed'],
      ['sheaf suite include stable --unsigned --without-source *.deb', 'packages of which there is no source'],
    ],
    notes: ['The same upload again changes nothing. Exit code 1: refused, with all reasons.'],
    seeAlso: ['sheaf suite copy', 'docs/upload-packages.md'],
  });
}

export function addCopy(noun: Noun): void {
  const command = noun
    .command('copy')
    .summary('packages of one suite into another')
    .description(
      'Copies source packages with all their binaries from the newest snapshot of one suite into another of the same ' +
        'repository, and publishes that. The files stay the same; versions never go backwards.',
    )
    .argument('<from>', 'suite that has them')
    .argument('<to>', 'suite that gets them')
    .argument('<package...>', 'source packages: NAME or NAME=VERSION')
    .option('--reason <text>', 'why: the event says it', parseReason)
    .option('--dry-run', 'only say what would change')
    .action(async (from, to, packages, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { copy, formatOperation } = await import('./copy.ts');
        const { reason, dryRun } = options;
        const result = await copy(house, { from, to, packages, reason, dryRun: dryRun === true });
        output.result(result, () => formatOperation(to, result));
        if (result.kind === 'refused') process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf suite copy testing stable hello', 'hello as it is in testing'],
      ['sheaf suite copy testing stable hello=2.10-3 --dry-run', 'what would that change?'],
    ],
    seeAlso: ['sheaf suite show', 'docs/upload-packages.md'],
  });
}

export function addRemove(noun: Noun): void {
  const command = noun
    .command('remove')
    .summary('the next snapshot without some packages')
    .description(
      'Removes packages from a suite and publishes it. The files stay in the pool and in every older snapshot. The same ' +
        'version does not come back by itself; a newer one may come.',
    )
    .argument('<suite>', 'name of a suite')
    .argument('<package...>', 'NAME or NAME=VERSION: source packages, with all their binaries')
    .option('--binary', 'the names are of binary packages')
    .option('--reason <text>', 'why: the event says it', parseReason)
    .option('--dry-run', 'only say what would change')
    .action(async (suite, packages, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { remove } = await import('./remove.ts');
        const { formatOperation } = await import('./copy.ts');
        const { reason, dryRun, binary } = options;
        const of = binary === true ? 'binary' : 'source';
        const result = await remove(house, suite, {
          packages,
          of,
          reason,
          dryRun: dryRun === true,
        });
        output.result(result, () => formatOperation(suite, result));
        if (result.kind === 'refused') process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf suite remove stable hello --reason "not free"', 'the source package hello with its binaries'],
      ['sheaf suite remove stable --binary hello-doc', 'one binary package'],
    ],
    seeAlso: ['sheaf suite rollback', 'docs/upload-packages.md'],
  });
}

export function addRollback(noun: Noun): void {
  const command = noun
    .command('rollback')
    .summary("an older snapshot's packages as the newest snapshot")
    .description(
      'Publishes exactly the package versions of an older snapshot as the newest one. What came later is gone from the ' +
        'suite until a newer version comes; sources that wait for their builds go on waiting.',
    )
    .argument('<suite>', 'name of a suite')
    .argument('<snapshot>', 'its number, SUITE@NUMBER, or its id')
    .option('--reason <text>', 'why: the event says it', parseReason)
    .option('--dry-run', 'only say what would change')
    .action(async (suite, snapshot, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { rollback } = await import('./rollback.ts');
        const { formatOperation } = await import('./copy.ts');
        const { reason, dryRun } = options;
        const result = await rollback(house, suite, { snapshot, reason, dryRun: dryRun === true });
        output.result(result, () => formatOperation(suite, result));
        if (result.kind === 'refused') process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf suite rollback stable 141 --dry-run', 'what would that change?'],
      ['sheaf suite rollback stable 20261121T030000Z --reason "broken release"', 'as it was then'],
    ],
    notes: ['apt does not install lower versions by itself: clients that have a newer one keep it.'],
    seeAlso: ['sheaf suite show', 'docs/upload-packages.md'],
  });
}
