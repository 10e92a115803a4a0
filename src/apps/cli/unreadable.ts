/** Files that cannot be read, where exit code 1 means that two differ. */
import { SheafError } from '../../kit/error.ts';

const states: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
};

/** Why the system did not give a file, for people. */
export function whyUnreadable({ code = '', message }: NodeJS.ErrnoException): string {
  return states[code] ?? message;
}

/** What is no package does not differ either: throws what was thrown, of kind usage in place of refused. */
export function throwUnreadable(error: unknown): never {
  if (!(error instanceof SheafError) || error.kind !== 'refused') throw error;
  const { code, message, place, hint = 'It may be damaged, or of another kind: fetch it again.' } = error;
  throw new SheafError(code, message, { kind: 'usage', ...(place && { place }), hint, cause: error });
}
