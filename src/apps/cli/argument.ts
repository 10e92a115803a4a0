import { InvalidArgumentError } from '@commander-js/extra-typings';

/** What a parser of names makes of an option's word; its error is the command line's. */
export function readArgument<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
