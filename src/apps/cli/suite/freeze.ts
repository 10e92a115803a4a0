/** `sheaf suite freeze` and `thaw`. */
import { outputOf, withHouse } from '../context.ts';
import { exitCodes } from '../exit.ts';
import { teach } from '../help.ts';
import type { Root } from '../program.ts';
import type { Verb } from './set-freeze.ts';
import { parseReason } from '../reason.ts';

type Noun = ReturnType<Root['command']>;

export function addFreeze(noun: Noun): void {
  const command = noun
    .command('freeze')
    .summary('take no new packages for now')
    .description(
      'Freezes a suite: no tag is admitted, no upload accepted, nothing copied or rolled back. What was admitted before ' +
        'goes on, and its Release is renewed. The same as frozen = true in sheaf.toml, by somebody and for a reason.',
    )
    .argument('<suite>', 'name of a suite')
    .option('--reason <text>', 'why: whoever is refused is told', parseReason)
    .action(async (suite, options, self) => run(self, 'freeze', suite, options.reason));
  teach(command, {
    examples: [['sheaf suite freeze stable --reason "release week"', 'until it is thawed']],
    seeAlso: ['sheaf suite thaw', 'docs/write-a-policy.md'],
  });
}

export function addThaw(noun: Noun): void {
  const command = noun
    .command('thaw')
    .summary('take new packages again')
    .description('Ends what sheaf suite freeze began. A suite that sheaf.toml freezes is thawed there.')
    .argument('<suite>', 'name of a suite')
    .option('--reason <text>', 'why: the event says it', parseReason)
    .action(async (suite, options, self) => run(self, 'thaw', suite, options.reason));
  teach(command, {
    examples: [['sheaf suite thaw stable', 'the release is out']],
    seeAlso: ['sheaf suite freeze'],
  });
}

async function run(
  self: Parameters<typeof withHouse>[0],
  verb: Verb,
  suite: string,
  reason: string | undefined,
): Promise<void> {
  const output = outputOf(self);
  await withHouse(self, async (house) => {
    const { act, format } = await import('./set-freeze.ts');
    const result = await act(house, verb, suite, reason);
    output.result(result, () => format(verb, suite, result));
    if (result.kind === 'refused') process.exitCode = exitCodes.refused;
  });
}
