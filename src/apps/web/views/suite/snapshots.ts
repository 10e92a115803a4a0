/** The snapshots of a suite of ours as a timeline: when, what each changed, and the way back to it. */
import { html } from 'hono/html';

import { listSnapshots as listRecorded } from '../../../../history/mod.ts';
import type { SnapshotChanges } from '../../../../model/index-history.ts';
import { isSnapshotId, snapshotTime, type SnapshotId } from '../../../../model/names.ts';
import type { SnapshotView } from '../../../../tracker/mod.ts';
import type { Db } from '../../../../tracker/store.ts';
import { changesLine } from '../../parts/changes.ts';
import { shortHash, thousands } from '../../parts/common.ts';
import type { Html } from '../../parts/html.ts';
import { moment } from '../../parts/time.ts';
import { comparePath, rollbackPath, snapshotPath } from '../../path.ts';

/** What each snapshot changed, as far as its indexes are recorded: undefined for the first that was. */
export type Recorded = ReadonlyMap<string, SnapshotChanges | undefined>;

export async function readRecorded(db: Db, suite: string, snapshots: readonly SnapshotView[]): Promise<Recorded> {
  const newest = snapshots[0]?.id;
  if (newest === undefined || !isSnapshotId(newest)) return new Map();
  const rows = await listRecorded(db, { origin: '', suite }, { before: after(newest), limit: snapshots.length + 1 });
  return new Map(rows.map((row) => [row.snapshotId, row.changes]));
}

/** Ids sort as text: what is before this is the id itself, and all that are older. */
function after(id: SnapshotId): string {
  return `${id}~`;
}

export function snapshotTimeline(
  snapshots: readonly SnapshotView[],
  recorded: Recorded,
  { newest, mayRollBack, now }: { readonly newest: number; readonly mayRollBack: boolean; readonly now: Date },
): Html {
  return html`<p class="quiet">Each is kept for ever under its own base URL.</p>
    <ol class="history">
      ${snapshots.map((each) => {
        const place = `${each.suite}@${each.number}`;
        return html`<li>
          <div class="history-head">
            <h3><a href="${snapshotPath(each.suite, each.number)}">${place}</a></h3>
            <span class="quiet">${moment(each.createdAt, now)}</span>
            ${each.number === newest ? html`<span class="chip good">current</span>` : ''}
            ${each.number === 1 ? '' : html`<a href="${comparePath(undefined, place)}">What changed</a>`}
            ${each.number === newest ? '' : html`<a href="${comparePath(place, each.suite)}">Changed since</a>`}
            ${mayRollBack && each.number !== newest ? html`<a href="${rollbackPath(each.suite, each.number)}">Roll back to this</a>` : ''}
          </div>
          ${changed(each, recorded)}
          <p class="quiet">
            <span class="version">${each.id}</span> · ${dayAndTime(each.id)} · ${thousands(each.packages)} binary
            ${each.packages === 1 ? 'package' : 'packages'} · valid until
            ${moment(each.validUntil, now)}${each.inRelease === undefined ? '' : html` · InRelease ${shortHash(each.inRelease)}`}
          </p>
        </li>`;
      })}
    </ol>`;
}

function changed(snapshot: SnapshotView, recorded: Recorded): Html {
  if (snapshot.number === 1) return html`<p class="quiet">the first one</p>`;
  return recorded.has(snapshot.id)
    ? changesLine(recorded.get(snapshot.id))
    : html`<p class="quiet">its indexes are not recorded yet</p>`;
}

/** `2026-09-12 07:55 UTC`. */
function dayAndTime(id: string): string {
  if (!isSnapshotId(id)) return '';
  return `${snapshotTime(id).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
