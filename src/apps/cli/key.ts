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
      const keys = await listKeys(await findDirectory(self.optsWithGlobals().dir));
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
