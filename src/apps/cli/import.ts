/** `sheaf import …` */
import type { Root } from './program.ts';
import { outputOf, withHouse, type HasOptions } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addImport(root: Root): void {
  const noun = root
    .command('import')
    .summary('an archive that another program made goes on here: reprepro, aptly, tree')
    .description(
      'Takes a published archive with its packages, suites and signing key into a repository, under the same paths: ' +
        'clients notice nothing. Every file is checked against the indexes, and these against the Release file.',
    );
  teach(noun, {
    examples: [
      ['sheaf import reprepro /srv/reprepro --dry-run', 'what would come?'],
      ['sheaf import aptly ~/.aptly --key old-key.asc', 'with the key that clients know'],
    ],
    seeAlso: ['docs/move-from-reprepro-or-aptly.md', 'docs/rotate-a-key.md'],
  });
  for (const kind of ['reprepro', 'aptly', 'tree'] as const) addKind(noun, kind);
}

const words = {
  reprepro: {
    summary: "a folder of reprepro's",
    description: 'Imports what reprepro has exported: DIR is what "reprepro -b DIR" is called with, and holds conf/.',
    argument: 'the base folder of reprepro',
    example: '/srv/reprepro',
  },
  aptly: {
    summary: "a folder of aptly's",
    description: 'Imports what aptly has published: DIR is the rootDir of aptly.conf, and holds public/.',
    argument: 'the rootDir of aptly, usually ~/.aptly',
    example: '~/.aptly',
  },
  tree: {
    summary: 'any published archive on this disk',
    description: 'Imports a folder with dists/ and pool/, whatever program made it.',
    argument: 'the folder that holds dists/',
    example: '/srv/www/debian',
  },
} as const;

function addKind(noun: Noun, kind: 'reprepro' | 'aptly' | 'tree'): void {
  const { summary, description, argument, example } = words[kind];
  const command = noun
    .command(kind)
    .summary(summary)
    .description(
      `${description} Suites that sheaf.toml does not have are added to it. All of it is taken, or nothing; the same ` +
        'command again goes on where it was broken off, and brings what has come to the old archive since.',
    )
    .argument('<dir>', argument)
    .option('--repository <name>', 'repository here, added when there is none (default: the only one)')
    .option('--suite <suite...>', 'only these suites, as they are called below dists/')
    .option('--as <name>', 'call the one suite so here')
    .option('--key <file>', 'the secret key that signed the old archive, as gpg --export-secret-keys gives it')
    .option('--new-key', 'clients will be given another key')
    .option('--keyring <file>', 'public keys that the old Release files must be signed with')
    .option('--upstream <name>', 'where new suites get their build dependencies (default: the only one)')
    .option('--skip-broken', 'leave out packages that are not what the indexes say')
    .option('--dry-run', 'only say what would come');
  if (kind === 'aptly') {
    command
      .option('--prefix <prefix>', 'the prefix that it is published at, "." for none (default: the only one)')
      .action((directory, options, self) => run(self, { kind, directory, ...options }));
  } else command.action((directory, options, self) => run(self, { kind, directory, ...options }));
  teach(command, {
    examples: [
      [`sheaf import ${kind} ${example} --dry-run`, 'look first'],
      [`sheaf import ${kind} ${example} --key old-key.asc`, 'clients go on believing it'],
      [`sheaf import ${kind} ${example} --repository apps --suite bookworm`, 'one suite, into a repository of its own'],
    ],
    notes: ['Exit code 1: refused, or something was left out.'],
    seeAlso: ['docs/move-from-reprepro-or-aptly.md', 'sheaf suite include'],
  });
}

async function run(self: HasOptions, options: Omit<import('./import/run.ts').ImportOptions, 'json'>): Promise<void> {
  const output = outputOf(self);
  await withHouse(self, async (house) => {
    const { importArchive } = await import('./import/run.ts');
    const { formatImported } = await import('./import/text.ts');
    const imported = await importArchive(house, { ...options, json: output.json });
    output.result(imported, () => formatImported(imported));
    if (imported.problems.length > 0) process.exitCode = exitCodes.refused;
  });
}
