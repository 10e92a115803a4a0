/** `sheaf completion SHELL` */
import { Argument } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { outputOf } from './context.ts';
import { teach } from './help.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export function addCompletion(root: Root): void {
  const command = root
    .command('completion')
    .summary('print a completion script for bash, zsh or fish')
    .description('Prints a script that makes the shell complete commands and options of sheaf.')
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .action(async (shell, _, self) => {
      const output = outputOf(self);
      const { describeCommands } = await import('./completion/tree.ts');
      const { scripts } = await import('./completion/scripts.ts');
      const script = scripts[shell](describeCommands(root));
      output.result({ shell, script }, () => script.trimEnd().split('\n'));
    });
  teach(command, {
    examples: [
      ['sheaf completion bash > ~/.local/share/bash-completion/completions/sheaf', 'for bash, from the next shell on'],
      ['sheaf completion zsh > ~/.zfunc/_sheaf', 'for zsh, with ~/.zfunc in $fpath'],
      ['sheaf completion fish > ~/.config/fish/completions/sheaf.fish', 'for fish'],
    ],
  });
}
