/** `sheaf diff` */
import { InvalidArgumentError, Option } from '@commander-js/extra-typings';

import { changeClasses, type ChangeClass } from '../../compare/mod.ts';
import type { Root } from './program.ts';
import { outputOf } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';

export function addDiff(root: Root): void {
  const command = root
    .command('diff')
    .summary('what differs between two suites, snapshots or index files')
    .description(
      'Compares two places: which packages were added, removed, upgraded or downgraded from A to B, which have other bytes ' +
        'under the same version (an alarm), and which moved to another component. With one place: what changed in that ' +
        'snapshot. A place is a suite of ours or of an upstream, at a snapshot or a date, or a path: an index file, a ' +
        'folder with index files, or one with a dists tree.',
    )
    .argument('<a>', 'the older place, or the only one')
    .argument('[b]', 'the newer place')
    .option('--binary', 'only binary packages')
    .option('--source', 'only source packages')
    .option('--arch <names>', 'only these architectures, and `all`; default: those that both have', parseList)
    .option('--component <names>', 'only packages that are in one of these components, before or after', parseList)
    .option('--only <classes>', `only these: ${changeClasses.join(', ')}`, parseClasses)
    .option('--name <globs>', 'only packages of such a name or source (`*` is anything)', parseList)
    .option('--changelogs', 'what the changelogs say of upgrades, as far as the files are here')
    .addOption(
      new Option('--format <format>', 'for people, or a stanza for each change')
        .choices(['text', 'deb822'] as const)
        .default('text' as const),
    )
    .action(async (a, b, options, self) => {
      const output = outputOf(self);
      const { compareNamed, isEqual } = await import('./diff/compare.ts');
      const comparison = await compareNamed(self, b === undefined ? [undefined, a] : [a, b], toOptions(options));
      const { formatComparison } = await import('./diff/text.ts');
      const { formatStanzas } = await import('./diff/stanzas.ts');
      output.result(comparison, () =>
        options.format === 'deb822' ? formatStanzas(comparison) : formatComparison(comparison),
      );
      if (!isEqual(comparison)) process.exitCode = exitCodes.refused;
    });
  teach(command, {
    examples: [
      ['sheaf diff debian/bookworm debian/trixie', 'two suites of an upstream, as they are now'],
      ['sheaf diff debian/trixie', 'what its newest snapshot changed'],
      ['sheaf diff stable@141 stable@142', 'two snapshots of a suite of ours'],
      ['sheaf diff stable@2026-09-01 stable --source --changelogs', 'since that day, with what the changelogs say'],
      ['sheaf diff Packages.old Packages.xz --only removed', 'index files: needs no distribution'],
      ["sheaf diff debian/trixie stable --json | jq '.counts'", 'for programs'],
    ],
    notes: [
      'Exit codes: 0 no difference, 1 a difference, 2 usage or an index that cannot be read, 3 the environment lacks',
      'something.',
      'What exists as a path is taken as a path; a suite that is called like one is meant with its snapshot (stable@142).',
    ],
    seeAlso: ['docs/compare-two-distributions.md', 'sheaf suite show', 'sheaf package show'],
  });
}

type DiffOptions = {
  readonly binary?: true | undefined;
  readonly source?: true | undefined;
  readonly arch?: string[] | undefined;
  readonly component?: string[] | undefined;
  readonly only?: ChangeClass[] | undefined;
  readonly name?: string[] | undefined;
  readonly changelogs?: true | undefined;
};

function toOptions(options: DiffOptions) {
  const { binary, source, arch, component, only, name, changelogs } = options;
  const kinds = [...(binary ? (['binary'] as const) : []), ...(source ? (['source'] as const) : [])];
  return {
    kinds: kinds.length === 0 ? undefined : kinds,
    architectures: arch,
    components: component,
    ...{ only, names: name, changelogs },
  };
}

/** `a,b`, and again in a second option. */
function parseList(text: string, before: string[] | undefined): string[] {
  const words = text.split(',').map((word) => word.trim());
  if (words.some((word) => word === '')) throw new InvalidArgumentError('Expected names separated by commas.');
  return [...(before ?? []), ...words];
}

function parseClasses(text: string, before: ChangeClass[] | undefined): ChangeClass[] {
  return parseList(text, before).map((word) => {
    const found = changeClasses.find((each) => each === word);
    if (found === undefined) throw new InvalidArgumentError(`Expected some of ${changeClasses.join(', ')}.`);
    return found;
  });
}
