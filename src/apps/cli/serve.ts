/** `sheaf serve` */
import type { House } from '../house.ts';
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';

export function addServe(root: Root): void {
  const command = root
    .command('serve')
    .summary('run the distribution: intake, archive, web pages')
    .description(
      'Runs the server until it is told to stop (SIGINT, SIGTERM): takes reports of tags, moves packages on, publishes, ' +
        'serves the archive, the web pages and the API. Workers connect to it. It starts its database by itself.',
    )
    .action(async (_, self) => {
      const output = outputOf(self);
      const serve = async (house: House) => {
        const { serveUntilStopped } = await import('./serve/run.ts');
        await serveUntilStopped(house, output.json);
      };
      // It is asked the same again and again.
      await withHouse(self, serve, { cacheBytes: 96 * 2 ** 20 });
    });
  teach(command, {
    examples: [
      ['sheaf -C grove serve', 'serve the distribution in the folder grove'],
      ['sheaf -C grove serve --json | jq -r .msg', 'with a log for machines, one JSON object a line'],
    ],
    notes: [
      'Killing it at any moment loses nothing: it goes on where it was. Two servers may share one database.',
      'The address comes from "listen" in sheaf.toml.',
    ],
    seeAlso: ['sheaf worker run', 'sheaf status', 'docs/first-distribution.md'],
  });
}
