/** `sheaf init DIR`: a new distribution's folder, ready to serve. */
import type { Root } from './program.ts';
import { outputOf } from './context.ts';
import { teach } from './help.ts';
import { shellWord } from './shell-word.ts';

export function addInit(root: Root): void {
  const command = root
    .command('init')
    .summary('make a new distribution')
    .description(
      'Makes the folder of a new distribution: sheaf.toml with comments, keys/ for the public keys of people, and ' +
        'secrets/ with the key that signs the archive and the secret of a webhook. Never overwrites anything.',
    )
    .argument('<dir>', 'the folder to make; it may exist')
    .option('--name <name>', "the distribution's name, as apt shows it (default: the folder's name)")
    .option('--url <url>', 'the address that clients will use (default: http://127.0.0.1:8080)')
    .option('--listen <address>', 'where the server listens (default: 127.0.0.1:8080)')
    .option(
      '--codename <codename>',
      "Debian's release that packages are built on (default: this machine's, else trixie)",
    )
    .action(async (dir, options, self) => {
      const output = outputOf(self);
      const { makeDistribution } = await import('./init/make.ts');
      const made = await makeDistribution(dir, options, new Date());
      output.result(made, () => [
        `Made the distribution "${made.name}" in ${made.directory}:`,
        ...made.files.map(({ path, purpose }) => `  ${path.padEnd(20)}  ${purpose}`),
        '',
        'Next:',
        `  edit ${made.directory}/sheaf.toml: who may release what, and from which git repositories`,
        `  sheaf -C ${shellWord(made.directory)} serve`,
      ]);
    });
  teach(command, {
    examples: [
      ['sheaf init grove', 'a distribution in the folder grove'],
      ['sheaf init grove --name Grove --url https://packages.grove.example', 'with its name and public address'],
    ],
    notes: ['secrets/ and state/ are listed in .gitignore: the rest of the folder belongs into your git.'],
    seeAlso: ['sheaf serve', 'sheaf key', 'docs/first-distribution.md', 'docs/write-a-policy.md'],
  });
}
