/** `sheaf challenge` */
import { outputOf, withHouse } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';
import type { Root } from './program.ts';

export function addChallenge(root: Root): void {
  const command = root
    .command('challenge')
    .summary('what a system has installed, against rebuilds')
    .description(
      'Compares what dpkg says is installed with what rebuilders said of exactly these files: reproduced, differs, failed, ' +
        'or unknown. Nothing is built. Which file a package came from is found in the indexes that are kept: follow the ' +
        'upstreams that the system has its packages from.',
    )
    .option('--root <dir>', 'the system below this folder', '/')
    .option('--status <file>', "dpkg's status file of another system, instead of --root")
    .option('--all', 'list the reproduced packages too')
    .action(async (options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { challenge, formatChallenge } = await import('./rebuild/challenge.ts');
        const document = await challenge(house, options);
        output.result(document, () => formatChallenge(document, options.all === true));
        if (document.counts.differs > 0) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf challenge', 'this machine'],
      ['sheaf challenge --root /srv/image', 'a system below a folder'],
      ['ssh kiosk cat /var/lib/dpkg/status > kiosk.status && sheaf challenge --status kiosk.status', 'another machine'],
      ['sheaf challenge --json | jq \'.packages[] | select(.verdict == "differs")\'', 'for programs'],
    ],
    notes: ['Exit codes: 0 nothing is known to differ, 1 something is, 2 usage, 3 the environment lacks something.'],
    seeAlso: ['sheaf rebuild show', 'sheaf device diff', 'docs/read-a-verdict.md'],
  });
}
