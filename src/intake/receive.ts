/** A notification comes in: it is written down as it is, and judged later. */
import { withoutPassword } from '../formats/git/mod.ts';
import type { TagBuildId, TagRequest } from '../model/tag-build.ts';
import { quote } from './refusal.ts';
import { inTransaction, insertTagBuild, notify, recordEvent, type Db } from './store.ts';

/** Longest texts that are kept whole; an ellipsis marks a cut one, and makes it fit for nothing but a refusal. */
const longest = { repository: 1000, tag: 300, suite: 100, origin: 40, claimedObject: 100 } as const;

/**
 * Records a notification and wakes whoever judges. `already`: the same one waits, and will be judged by what is there
 * now. Never refuses: what is wrong with the texts is for the judgement to say.
 */
export async function receiveTag(
  db: Db,
  request: TagRequest,
  now: Date,
): Promise<{ readonly id: TagBuildId; readonly already: boolean }> {
  const kept: TagRequest = {
    repository: clean(withoutPassword(request.repository), longest.repository),
    // Hooks speak of refs, people of tags.
    tag: clean(request.tag.replace(/^refs\/tags\//, ''), longest.tag),
    suite: clean(request.suite, longest.suite),
    origin: clean(request.origin, longest.origin),
    ...(request.claimedObject === undefined
      ? {}
      : { claimedObject: clean(request.claimedObject, longest.claimedObject) }),
  };
  return inTransaction(db, async (transaction) => {
    const received = await insertTagBuild(transaction, kept, now);
    if (!received.already) {
      await recordEvent(transaction, { notifiers: new Map() }, now, {
        kind: 'tag-received',
        message: `The tag ${quote(kept.tag)} of ${quote(kept.repository)} was reported for ${quote(kept.suite)}.`,
        tagBuild: received.id,
        suite: kept.suite,
      });
    }
    await notify(transaction, 'tag_build', received.id);
    return received;
  });
}

/** Control characters become U+FFFD: PostgreSQL keeps no NUL, and no rule takes either. */
function clean(text: string, most: number): string {
  // oxlint-disable-next-line no-control-regex -- the text may hold anything
  const shown = text.toWellFormed().replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '\u{fffd}');
  return shown.length > most ? `${shown.slice(0, most).toWellFormed()}…` : shown;
}
