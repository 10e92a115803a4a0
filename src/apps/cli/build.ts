/** `sheaf build …` */
import { InvalidArgumentError } from '@commander-js/extra-typings';

import type { BuildPart } from '../../flows/build-working-tree.ts';
import type { Root } from './program.ts';
import { outputOf } from './context.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addBuild(root: Root): void {
  const noun = root
    .command('build')
    .summary('build a working tree here, as a worker would')
    .description(
      'Builds without a server and without a database. What the server has to build is built by workers: sheaf worker run.',
    );
  teach(noun, {
    examples: [
      ['sheaf build local', 'the source package in this folder'],
      ['sheaf -C grove build local hello --suite stable', 'the one in the folder hello, for the suite stable of grove'],
    ],
    seeAlso: ['sheaf worker run', 'docs/build-a-working-tree.md'],
  });
  addLocal(noun);
}

function addLocal(noun: Noun): void {
  const command = noun
    .command('local')
    .summary('build a working tree, with what is not committed yet')
    .description(
      'Builds a Debian source package from its working tree as a worker builds a signed tag: in the same environment, by ' +
        'the same steps, with the same limits, in a sandbox without network. Nothing is published and nothing is signed.',
    )
    .argument('[dir]', 'the folder that has debian/', '.')
    .option('--suite <name>', 'whose environment (default: the one that the changelog names, or the only one)')
    .option('--arch <name>', 'what to build for (default: what this machine is)')
    .option('--build <parts>', 'source, any and all, with commas (default: what the tree has)', parseParts)
    .option('--output <dir>', 'where the files go (default: the folder above, as for dpkg-buildpackage)')
    .option('--lock <file>', 'build in exactly these packages: the NAME_VERSION_ARCH.lock of another build')
    .option('--force', 'replace packages in the output folder that have other bytes')
    .action(async (directory, options, self) => {
      const output = outputOf(self);
      const { buildLocal, formatLocalBuild } = await import('./build/local.ts');
      const { dir } = self.optsWithGlobals();
      const built = await buildLocal(directory, { ...options, dir, json: output.json });
      output.result(built, () => formatLocalBuild(built));
    });
  teach(command, {
    examples: [
      ['sheaf build local', 'all packages of the tree in this folder'],
      ['sheaf -C ~/grove build local hello --suite stable', 'with the settings of another folder'],
      ['sheaf build local --build source --output /tmp/hello', 'only the source package, to look at'],
      ['sheaf build local --lock ../hello_2.10-3_amd64.lock', 'in the packages of an earlier build'],
    ],
    notes: [
      'The tree is taken as "git add --all" and a commit would take it now; one that is not in git is taken whole.',
      '3.0 (quilt) needs NAME_VERSION.orig.tar.* in the folder above the tree, or the upstream tag in its repository.',
      'Packages of the suite itself are there to build with when its database and server run; else a line says so.',
      'Exit code 1: it was not built. The log is NAME_VERSION_ARCH.build in the output folder.',
    ],
    seeAlso: ['sheaf root shell', 'sheaf lock show', 'docs/build-a-working-tree.md'],
  });
}

const parts: readonly string[] = ['source', 'any', 'all'] satisfies BuildPart[];

function parseParts(value: string): readonly BuildPart[] {
  const words = value.split(',').map((word) => word.trim());
  if (!words.every((word) => parts.includes(word))) throw new InvalidArgumentError('Expected some of source,any,all.');
  return [...new Set(words)] as BuildPart[];
}
