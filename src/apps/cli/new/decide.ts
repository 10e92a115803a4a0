/** Deciding about uploads of the NEW queue. */
import { userInfo } from 'node:os';

import { acceptNew, rejectNew, type TakenUpload } from '../../../flows/take-upload.ts';
import { verifyDocument } from '../../../plumbing/upload-signature.ts';
import type { NewUpload } from '../../../upload/mod.ts';
import type { House } from '../../house.ts';
import { parseNumber } from './show.ts';

export async function accept(house: House, given: string, reason: string | undefined): Promise<TakenUpload> {
  const decision = { id: parseNumber(given), by: userInfo().username, reason };
  return acceptNew({ archive: house.archive, verifyDocument }, decision, house.clock.now());
}

export async function reject(house: House, given: string, reason: string): Promise<NewUpload> {
  const decision = { id: parseNumber(given), by: userInfo().username, reason };
  return rejectNew({ archive: house.archive, verifyDocument }, decision, house.clock.now());
}

export function formatAccepted(given: string, result: TakenUpload): string[] {
  if (result.kind === 'refused') {
    return [`Refused, NEW ${given} goes on waiting:`, ...result.reasons.map((reason) => `  ${reason}`)];
  }
  if (result.kind === 'new') return [`NEW ${given} goes on waiting.`];
  return [`Accepted ${result.source} ${result.version}: ${result.packages.join(' ')}.`];
}
