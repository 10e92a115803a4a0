/** `sheaf doctor` */
import { Option } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { outputOf } from './context.ts';
import { teach } from './help.ts';

export function addDoctor(root: Root): void {
  const command = root
    .command('doctor')
    .summary('what this machine lacks, and the command that adds it')
    .description(
      'Looks for everything that a server or a worker needs here: programs, keyrings, user namespaces, subordinate ids, ' +
        'room on the disk, and starts a sandbox to see that it works. Changes nothing.',
    )
    .addOption(new Option('--for <role>', 'only what this role needs').choices(['server', 'worker'] as const))
    .action(async (options, self) => {
      const output = outputOf(self);
      const { examine, formatFindings } = await import('./doctor/examine.ts');
      const { exitCodes } = await import('./exit.ts');
      const findings = await examine(options.for, self.optsWithGlobals().dir);
      const missing = findings.filter(({ state }) => state === 'missing');
      output.result({ ready: missing.length === 0, findings }, () => formatFindings(findings));
      if (missing.length > 0) process.exitCode = exitCodes.environment;
    });
  teach(command, {
    examples: [
      ['sheaf doctor', 'everything'],
      ['sheaf doctor --for worker', 'on a machine that only builds'],
      ["sheaf doctor --json | jq -r '.findings[].fix // empty'", 'only the commands'],
    ],
    notes: ['Exit code 3 when something that is needed is missing. A warning does not count.'],
    seeAlso: ['sheaf serve', 'sheaf worker run', 'docs/add-a-worker.md'],
  });
}
