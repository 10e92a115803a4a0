/** `sheaf manifest` */
import { Option } from '@commander-js/extra-typings';

import { outputOf } from './context.ts';
import { teach } from './help.ts';
import type { Root } from './program.ts';

export function addManifest(root: Root): void {
  const command = root
    .command('manifest')
    .summary('what is installed on a Debian system')
    .description(
      'Writes down what is installed on this system, or on the one below a folder: every package with its version, what ' +
        'dpkg says of it and whether it came by itself. It needs neither a distribution nor a server, and changes nothing.',
    )
    .option('--root <dir>', 'the folder of another system (default: /)')
    .option('--files', 'compare every file with the checksum that dpkg has of it, and name those that differ')
    .option('--name [name]', "the machine's name too; without a word, as it calls itself")
    .option('--output <file>', 'write it to a file')
    .addOption(
      new Option('--script', 'print a shell script that does the same on a device without this program').conflicts([
        'root',
        'files',
        'name',
      ]),
    )
    .action(async ({ root: folder = '/', output: file, files, name, script }, self) => {
      const output = outputOf(self);
      const { writeManifest, writeScript } = await import('./manifest/write.ts');
      const { document, text } =
        script === true
          ? await writeScript(file)
          : await writeManifest({ root: folder, files, name, json: output.json }, file);
      const { clean } = await import('./clean.ts');
      // Paths are the device's: on a terminal they must not do anything.
      const lines = text.replace(/\n$/, '').split('\n');
      output.result(document, () => (process.stdout.isTTY ? lines.map((line) => clean(line)) : lines));
    });
  teach(command, {
    examples: [
      ['sheaf manifest --output kiosk.manifest', 'what this machine has'],
      ['sheaf manifest --root /mnt --files', 'another system, with files that were altered'],
      ['sheaf manifest --script | ssh kiosk sh -s -- --files > kiosk.manifest', 'a device without this program'],
    ],
    notes: [
      'dpkg has MD5 checksums, which find accidents and plain changes. With the packages themselves at hand,',
      'sheaf device diff --root DIR --files compares every byte by SHA-256.',
    ],
    seeAlso: ['sheaf device diff', 'docs/know-your-devices.md'],
  });
}
