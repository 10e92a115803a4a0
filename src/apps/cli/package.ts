/** `sheaf package …` */
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';

export function addPackage(root: Root): void {
  const noun = root
    .command('package')
    .summary('where a package is, and why')
    .description('Source packages and their way.');
  teach(noun, {
    examples: [['sheaf package show hello', 'where is hello now, and why?']],
    seeAlso: ['sheaf job', 'sheaf suite', 'sheaf status'],
  });
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
    seeAlso: ['sheaf job show', 'sheaf job log', 'sheaf suite show'],
  });
}
