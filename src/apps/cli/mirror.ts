/** `sheaf mirror …` */
import { InvalidArgumentError } from '@commander-js/extra-typings';

import type { Root } from './program.ts';
import { findDirectory, outputOf, withHouse } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';

type Noun = ReturnType<Root['command']>;

export function addMirror(root: Root): void {
  const noun = root
    .command('mirror')
    .summary('copies of what is published, elsewhere: add, push, status, list')
    .description(
      'Mirrors: folders, machines behind rsync and buckets of S3 that get what is published here. A client of a mirror ' +
        'sees one consistent suite at every moment, also while a push is going on.',
    );
  teach(noun, {
    examples: [
      ['sheaf mirror add disk --folder /mnt/mirror', 'write it to sheaf.toml'],
      ['sheaf mirror push', 'bring what is missing to all of them'],
      ['sheaf mirror status', 'how far behind each is'],
    ],
    seeAlso: ['docs/keep-mirrors.md', 'docs/write-a-policy.md'],
  });
  addAdd(noun);
  addList(noun);
  addPush(noun);
  addStatus(noun);
}

function addAdd(noun: Noun): void {
  const command = noun
    .command('add')
    .summary('keep a copy somewhere: write it to sheaf.toml')
    .description(
      'Adds a table [mirror.NAME] to the end of sheaf.toml. Nothing else in the file changes, and nothing is pushed yet.',
    )
    .argument('<name>', 'what it is called here')
    .option('--folder <dir>', 'a folder on this machine')
    .option('--rsync <host:dir>', 'a folder of another machine, over ssh; or rsync://HOST/MODULE of an rsync daemon')
    .option('--s3 <url>', 'a bucket: https://HOST/BUCKET or https://HOST/BUCKET/PREFIX')
    .option('--repository <name>', 'what to push (default: the only one)')
    .option('--ssh-key <file>', 'private key for ssh (default: what ssh finds by itself)')
    .option('--region <name>', 'region of the bucket (default: us-east-1)')
    .option('--access-key <id>', 'access key of the bucket (default: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)')
    .option('--secret-file <file>', 'file with its secret, mode 0600 (default: secrets/mirror-NAME)')
    .option('--parallel <count>', 'how many files at the same time (default: 4)', parseCount)
    .action(async (name, options, self) => {
      const output = outputOf(self);
      const directory = await findDirectory(self.optsWithGlobals().dir);
      const { add, formatAdded } = await import('./mirror/add.ts');
      const added = await add(directory, name, options);
      output.result(added, () => formatAdded(added));
    });
  teach(command, {
    examples: [
      ['sheaf mirror add disk --folder /mnt/mirror', 'a disk that is carried away'],
      ['sheaf mirror add far --rsync mirror@far.example.org:/srv/mirror', 'another machine'],
      [
        'sheaf mirror add cloud --s3 https://s3.example.org/packages --access-key GROVE',
        'a bucket; its secret key is in secrets/mirror-cloud',
      ],
    ],
    notes: ['Each setting is described in docs/write-a-policy.md. To change or remove a mirror, edit sheaf.toml.'],
    seeAlso: ['sheaf mirror push', 'docs/keep-mirrors.md'],
  });
}

function addList(noun: Noun): void {
  const command = noun
    .command('list')
    .summary('all mirrors')
    .description('Lists the mirrors of sheaf.toml: where they are, what they get, and how the last push ended.')
    .action(async (_, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readStatus, formatMirrors } = await import('./mirror/status.ts');
        const mirrors = await readStatus(house, []);
        output.result({ mirrors }, () => formatMirrors(mirrors));
      });
    });
  teach(command, { examples: [['sheaf mirror list', 'all of them']], seeAlso: ['sheaf mirror status'] });
}

function addPush(noun: Noun): void {
  const command = noun
    .command('push')
    .summary('bring what is missing to mirrors')
    .description(
      'Brings what is published to mirrors: packages first, then the indexes that name them, and last what clients ask ' +
        'for first. Only what is missing is sent, and its hash is checked. A push that was broken off anywhere goes on ' +
        'where it was. Nothing is ever removed from a mirror without --delete.',
    )
    .argument('[name...]', 'names of mirrors (default: all)')
    .option('--verify', 'read everything in the mirror again and compare it with its hash')
    .option('--delete', 'remove what is not published here')
    .action(async (names, options, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { push, formatPushes } = await import('./mirror/push.ts');
        const pushes = await push(house, names, { ...options, json: output.json });
        output.result({ pushes }, () => formatPushes(pushes));
        if (pushes.some(({ outcome }) => outcome === 'failed')) process.exitCode = exitCodes.refused;
      });
    });
  teach(command, {
    examples: [
      ['sheaf mirror push', 'to all of them, one after the other'],
      ['sheaf mirror push cloud --verify', 'to one, and look at every byte that it holds'],
    ],
    notes: ['The exit code is 1 when a mirror could not be brought up to date; the others were.'],
    seeAlso: ['sheaf mirror status', 'docs/keep-mirrors.md'],
  });
}

function addStatus(noun: Noun): void {
  const command = noun
    .command('status')
    .summary('what mirrors show, and how far behind they are')
    .description(
      'Says of each mirror which snapshots it shows since the last push that went well, how many were published since ' +
        'then, and what went wrong in the last push. The mirrors themselves are not asked.',
    )
    .argument('[name]', 'name of a mirror (default: all)')
    .action(async (name, _, self) => {
      const output = outputOf(self);
      await withHouse(self, async (house) => {
        const { readStatus, formatStatus } = await import('./mirror/status.ts');
        const mirrors = await readStatus(house, name === undefined ? [] : [name]);
        output.result({ mirrors }, () => formatStatus(mirrors));
      });
    });
  teach(command, {
    examples: [
      ['sheaf mirror status', 'all of them'],
      [`sheaf mirror status --json | jq -r '.mirrors[] | select(.state != "current") | .name'`, 'for monitoring'],
    ],
    seeAlso: ['sheaf mirror push'],
  });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d?$/.test(text)) throw new InvalidArgumentError('It must be a number from 1 to 64.');
  return Number(text);
}
