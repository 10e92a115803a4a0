/** Who and when, as git writes it: `Name <email> SECONDS ±HHMM`. */
import { badObject } from './error.ts';
import type { Header } from './headers.ts';

export type Identity = { readonly name: string; readonly email: string; readonly date: Date };

/** Latest moment that we take: the end of the year 9999, in seconds. */
const lastSecond = 253_402_300_799;

export function parseIdentity(type: string, header: Header): Identity {
  const match = /^([^<>\n]*)<([^<>\n]*)> (\d{1,12}) [+-]\d{4}$/.exec(header.value);
  const seconds = Number(match?.[3]);
  if (match === null || seconds > lastSecond) {
    throw badObject(type, header.start, `"${header.name}" is not "Name <email> SECONDS +ZONE"`);
  }
  return { name: match[1]!.trim(), email: match[2]!, date: new Date(seconds * 1000) };
}
