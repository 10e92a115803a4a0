/**
 * An empty word is a variable of a script that has no value: it would name the folder one stands in, or be looked for as
 * if it were a name. No argument and no option of ours means anything by it, but those of a command that is run elsewhere
 * may: they are left alone.
 */
import type { Command } from '@commander-js/extra-typings';

import { SheafError } from '../../kit/error.ts';

type Named = Pick<Command, 'registeredArguments' | 'args' | 'options' | 'parent' | 'opts'>;

/** Arguments that are a program with its own. */
const ofElsewhere = new Set(['command', 'test']);

/** Throws `usage` where an argument or an option is empty. */
export function refuseEmptyWords(command: object): void {
  const { registeredArguments, args } = command as Named;
  registeredArguments.forEach((argument, index) => {
    const words = argument.variadic ? args.slice(index) : args.slice(index, index + 1);
    if (!ofElsewhere.has(argument.name()) && words.includes('')) throw empty(`argument '${argument.name()}'`);
  });
  for (let each = command as Named | null; each !== null; each = each.parent as Named | null) {
    const values = each.opts() as Record<string, unknown>;
    for (const option of each.options) {
      if ([values[option.attributeName()]].flat().includes('')) throw empty(`option '${option.flags}'`);
    }
  }
}

function empty(what: string): SheafError {
  return new SheafError('usage', `${what} is empty`, {
    kind: 'usage',
    hint: 'Say what is meant: a variable of a script may have no value.',
  });
}
