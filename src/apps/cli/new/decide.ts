/** Deciding about uploads of the NEW queue. */
import { acceptNew, rejectNew, type TakenUpload } from '../../../flows/take-upload.ts';
import { runLintian } from '../../../plumbing/lintian.ts';
import { SheafError } from '../../../kit/error.ts';
import { verifyDocument } from '../../../plumbing/upload-signature.ts';
import { addComment, type NewUpload, type UploadComment } from '../../../upload/mod.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { parseNumber, readUpload } from './show.ts';

export async function accept(house: House, given: string, reason: string | undefined): Promise<TakenUpload> {
  const decision = { id: parseNumber(given), by: commandLineActor(), reason };
  return acceptNew({ archive: house.archive, verifyDocument, runLintian }, decision, house.clock.now());
}

export async function reject(house: House, given: string, reason: string): Promise<NewUpload> {
  const decision = { id: parseNumber(given), by: commandLineActor(), reason };
  return rejectNew({ archive: house.archive, verifyDocument, runLintian }, decision, house.clock.now());
}

export function formatAccepted(given: string, result: TakenUpload): string[] {
  if (result.kind === 'refused') {
    return [`Refused, NEW ${given} goes on waiting:`, ...result.reasons.map((reason) => `  ${reason}`)];
  }
  if (result.kind === 'new') return [`NEW ${given} goes on waiting.`];
  return [`Accepted ${result.source} ${result.version}: ${result.packages.join(' ')}.`];
}

/** Throws `no-upload`, `bad-comment`. */
export async function comment(house: House, given: string, text: string): Promise<UploadComment> {
  const upload = await readUpload(house, given);
  const words = text.replaceAll(/\r\n?/g, '\n').trim();
  if (words === '' || words.length > 10_000 || /[\u0000-\u0008\u000b-\u001f\u007f]/.test(words)) {
    throw new SheafError('bad-comment', 'Cannot say this: expected 1 to 10,000 characters of plain text', {
      kind: 'usage',
    });
  }
  return addComment(house, upload, { by: commandLineActor(), text: words }, house.clock.now());
}
