/** The PostgreSQL server of one's own, where the environment names one. */
import { describeError, SheafError } from '../kit/error.ts';

export const databaseAddressHint =
  'SHEAF_DATABASE_URL is like postgresql://USER:PASSWORD@HOST:5432/DATABASE, with "%40" for "@" in a password and the ' +
  'like. Unset, a cluster of our own is used.';

/** Undefined: there is none. Throws `bad-database-url`, which shows nothing of it: it may hold a password. */
export function databaseAddress(): string | undefined {
  const address = process.env['SHEAF_DATABASE_URL']?.trim() ?? '';
  if (address === '') return undefined;
  // What pg takes: an address, or the folder of a socket.
  if (/^(?:postgres(?:ql)?:\/\/|socket:|\/)/.test(address)) return address;
  throw new SheafError(
    'bad-database-url',
    'Cannot use SHEAF_DATABASE_URL: it is not the address of a PostgreSQL server',
    {
      kind: 'usage',
      hint: databaseAddressHint,
    },
  );
}

/** Why there is no connection. pg speaks of the type of a password where there is none. */
export function describeRefusal(error: unknown): string {
  const text = describeError(error);
  return /password must be a /i.test(text) ? 'the server asks for a password, and there is none' : text;
}
