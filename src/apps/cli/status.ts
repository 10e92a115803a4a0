/** `sheaf status` */
import type { Root } from './program.ts';
import { outputOf, withHouse } from './context.ts';
import { teach } from './help.ts';

export function addStatus(root: Root): void {
  const command = root
    .command('status')
    .summary('what is moving now, what is stuck')
    .description('Shows what is moving, what is stuck and why, the newest refusals, the suites and the workers.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readStatus, formatStatus } = await import('./status/show.ts');
        const status = await readStatus(house);
        output.result(status, () => formatStatus(status));
      });
    });
  teach(command, {
    examples: [
      ['sheaf status', 'at a glance'],
      ["sheaf status --json | jq '.stuck | length'", 'for monitoring: how many are stuck'],
    ],
    seeAlso: ['sheaf package show', 'sheaf job list', 'sheaf worker list', 'sheaf doctor'],
  });
}
