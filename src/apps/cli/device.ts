/** `sheaf device …` */
import { InvalidArgumentError } from '@commander-js/extra-typings';

import { deviceKinds, type DeviceKind } from '../../device/mod.ts';
import { outputOf } from './context.ts';
import { exitCodes } from './exit.ts';
import { teach } from './help.ts';
import type { Root } from './program.ts';

type Noun = ReturnType<Root['command']>;

export function addDevice(root: Root): void {
  const noun = root
    .command('device')
    .summary('what a device has against a lock or a snapshot')
    .description('Devices: systems that run what was released. They say what they have by a manifest.');
  teach(noun, {
    examples: [
      ['sheaf device diff kiosk.manifest kiosk.lock', 'is the device what it should be?'],
      ['sheaf device diff kiosk.manifest stable', 'what is it behind?'],
    ],
    seeAlso: ['sheaf manifest', 'sheaf lock', 'docs/know-your-devices.md'],
  });
  addDiff(noun);
}

function addDiff(noun: Noun): void {
  const command = noun
    .command('diff')
    .summary('behind, ahead, foreign, missing, tampered')
    .description(
      'Compares what a device has with a lock, or with what suites offer at a moment. Of a lock, everything should be ' +
        'there; of suites, nothing need be. A package is behind or ahead of the listed version, foreign when the list does ' +
        'not know it, missing, half-installed, or tampered with when its files are not as the package brought them.',
    )
    .argument('<words...>', 'a manifest (- for standard input) unless --root is there, then a lock file or suites')
    .option('--root <dir>', 'the system below this folder, instead of a manifest')
    .option('--files', 'with --root: compare every file, with the packages themselves where they are here')
    .option('--find', 'say in which snapshots the versions were that are not listed: foreign and ahead')
    .option('--only <kinds>', `only these: ${deviceKinds.join(', ')}`, parseKinds)
    .action(async (words, options, self) => {
      const output = outputOf(self);
      const { diffNamed } = await import('./device/diff.ts');
      const difference = await diffNamed(self, words, { ...options, json: output.json });
      const { formatDevice, selectKinds } = await import('./device/text.ts');
      const shown = selectKinds(difference, options.only);
      output.result(shown, () => formatDevice(shown));
      if (difference.differs) process.exitCode = exitCodes.refused;
    });
  teach(command, {
    examples: [
      ['sheaf device diff kiosk.manifest kiosk.lock', 'is the device what it should be?'],
      ['sheaf device diff --root / --files kiosk.lock', 'this machine, every file'],
      ['sheaf device diff kiosk.manifest stable@142 debian/trixie', 'what these suites offer'],
      ['sheaf device diff kiosk.manifest stable --only behind,tampered', 'what there is to do'],
      ['sheaf device diff kiosk.manifest kiosk.lock --find --only foreign,ahead', 'where did these come from?'],
      ['sheaf manifest --script | ssh kiosk sh | sheaf device diff - kiosk.lock', 'over the network'],
    ],
    notes: [
      'Exit codes: 0 the device is as listed, 1 it differs, 2 usage, 3 the environment lacks something.',
      'Changed settings (edited) and held packages are told, and count as no difference.',
    ],
    seeAlso: ['sheaf manifest', 'sheaf diff', 'docs/know-your-devices.md'],
  });
}

function parseKinds(text: string, before: DeviceKind[] | undefined): DeviceKind[] {
  const kinds = text.split(',').map((word) => {
    const found = deviceKinds.find((each) => each === word.trim());
    if (found === undefined) throw new InvalidArgumentError(`Expected some of ${deviceKinds.join(', ')}.`);
    return found;
  });
  return [...(before ?? []), ...kinds];
}
