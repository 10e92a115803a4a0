/** `sheaf key …` */
import type { Root } from './program.ts';
import { findDirectory, outputOf } from './context.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addKey(root: Root): void {
  const noun = root
    .command('key')
    .summary("the archive's signing keys, and people's public keys")
    .description(
      'Keys: those that sign the archive (secrets/REPOSITORY.asc), and help with the public keys of people.',
    );
  teach(noun, {
    examples: [
      ['sheaf key list', "the archive's keys"],
      ['sheaf key list --people', 'who may release what'],
      ['sheaf key show ada.asc', "what to write into sheaf.toml for Ada's key"],
    ],
    seeAlso: ['docs/write-a-policy.md'],
  });
  addList(noun);
  addShow(noun);
  addExport(noun);
  addCreate(noun);
  addRotate(noun);
  addRetire(noun);
}

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary("each repository's signing key, or the keys of people")
    .description(
      'Lists the signing key of each repository in sheaf.toml, or the keys of people and what they may release.',
    )
    .option('--people', 'the public keys of people')
    .action(async (options, self) => {
      const output = outputOf(self);
      if (options.people === true) {
        const { listPeople, formatPeople } = await import('./key/people.ts');
        const people = await listPeople(await findDirectory(self.optsWithGlobals().dir), new Date());
        output.result({ people }, () => formatPeople(people));
        return;
      }
      const { listKeys, formatKeys } = await import('./key/archive.ts');
      const keys = await listKeys(await findDirectory(self.optsWithGlobals().dir), new Date());
      output.result({ keys }, () => formatKeys(keys));
    });
  teach(command, {
    examples: [
      ['sheaf key list', 'all signing keys'],
      ['sheaf key list --people', 'who may release what, and is their key still good?'],
    ],
    seeAlso: ['sheaf key create', 'sheaf key export'],
  });
}

function addShow(noun: Noun): void {
  const command = noun
    .command('show')
    .summary("explain a person's public key")
    .description(
      "Explains a file with a person's OpenPGP or SSH public key: fingerprint, validity, whether tags signed by it can be " +
        'admitted, and the lines that belong into sheaf.toml.',
    )
    .argument('<file>', 'public key file; "-" reads standard input')
    .action(async (file, _, self) => {
      const output = outputOf(self);
      const { readPersonKeys, formatPersonKeys } = await import('./key/person.ts');
      const found = await readPersonKeys(file, new Date());
      output.result(found, () => formatPersonKeys(found));
    });
  teach(command, {
    examples: [
      ['sheaf key show keys/ada.asc', 'an OpenPGP key'],
      ['sheaf key show ~/.ssh/id_ed25519.pub', 'an SSH key'],
      ['gpg --armor --export ada@example.org | sheaf key show -', 'straight from gpg'],
    ],
    seeAlso: ['sheaf key list', 'docs/write-a-policy.md'],
  });
}

function addExport(noun: Noun): void {
  const command = noun
    .command('export')
    .summary("print a repository's public key")
    .description("Prints the public half of a repository's signing key, armored, as Signed-By takes it.")
    .argument('<repository>', 'name of a repository')
    .action(async (repository, _, self) => {
      const output = outputOf(self);
      const { readArchiveKey } = await import('./key/archive.ts');
      const key = await readArchiveKey(await findDirectory(self.optsWithGlobals().dir), repository);
      output.result(key, () => key.publicKey.trimEnd().split('\n'));
    });
  teach(command, {
    examples: [['sheaf key export main > grove-main.asc', 'for clients that want a key file']],
    seeAlso: ['sheaf suite show', 'sheaf key list'],
  });
}

function addCreate(noun: Noun): void {
  const command = noun
    .command('create')
    .summary('make the signing key of a new repository')
    .description('Makes secrets/REPOSITORY.asc for a repository that sheaf.toml names. Never replaces a key.')
    .argument('<repository>', 'name of a repository in sheaf.toml')
    .action(async (repository, _, self) => {
      const output = outputOf(self);
      const { createArchiveKey } = await import('./key/archive.ts');
      const key = await createArchiveKey(await findDirectory(self.optsWithGlobals().dir), repository, new Date());
      output.result(key, () => [
        `Made ${key.file}: ${key.fingerprint}`,
        'Keep a copy in a safe: clients trust this key.',
      ]);
    });
  teach(command, {
    examples: [['sheaf key create apps', 'after adding [repository.apps] to sheaf.toml']],
    seeAlso: ['sheaf key list', 'sheaf key export'],
  });
}

function addRotate(noun: Noun): void {
  const command = noun
    .command('rotate')
    .summary('make a successor of a signing key')
    .description(
      'Makes a further signing key for a repository. From its next publication, and after a restart of the server, each ' +
        'Release is signed by the old and the new key, so that clients who know either believe it.',
    )
    .argument('<repository>', 'name of a repository in sheaf.toml')
    .action(async (repository, _, self) => {
      const output = outputOf(self);
      const { formatPublishing, rotateArchiveKey } = await import('./key/archive.ts');
      const key = await rotateArchiveKey(await findDirectory(self.optsWithGlobals().dir), repository, new Date());
      output.result(key, () => [
        `Made ${key.file}: ${key.fingerprint}`,
        `It signs beside ${key.beside.join(' and ')}.`,
        ...formatPublishing(key.suites),
        'Then give clients the new key.',
      ]);
    });
  teach(command, {
    examples: [['sheaf key rotate main', 'the old key goes on signing until it is retired']],
    seeAlso: ['sheaf key retire', 'docs/rotate-a-key.md'],
  });
}

function addRetire(noun: Noun): void {
  const command = noun
    .command('retire')
    .summary('let a signing key sign no more')
    .description(
      'Moves a signing key into secrets/retired. From the next publication on, and after a restart of the server, it signs ' +
        "nothing and is no longer among the repository's public keys. The last key of a repository stays.",
    )
    .argument('<repository>', 'name of a repository in sheaf.toml')
    .argument('<fingerprint>', 'of the key, as "sheaf key list" shows it')
    .action(async (repository, fingerprint, _, self) => {
      const output = outputOf(self);
      const { formatPublishing, retireArchiveKey } = await import('./key/archive.ts');
      const directory = await findDirectory(self.optsWithGlobals().dir);
      const key = await retireArchiveKey(directory, repository, fingerprint, new Date());
      output.result(key, () => [
        `Moved the key to ${key.file}.`,
        `Signing from now on: ${key.left.join(', ')}.`,
        ...formatPublishing(key.suites),
      ]);
    });
  teach(command, {
    examples: [['sheaf key retire main 1F2E…', 'when all clients have its successor']],
    seeAlso: ['sheaf key rotate', 'sheaf key list', 'docs/rotate-a-key.md'],
  });
}
