/** A published file's status, and a rebuild that is to be made, as people and programs are shown them. */
import { otherWords, type Believed, type Db, type FileStatus, type OtherWord, type RebuildTask } from './store.ts';

export type RebuiltFileView = ReturnType<typeof viewStatus>;

/** Statuses with what all others say who are believed. */
export async function viewStatuses(
  db: Db,
  rows: readonly FileStatus[],
  believed: Believed,
): Promise<RebuiltFileView[]> {
  const others = await otherWords(db, rows, believed);
  return rows.map((row) => viewStatus(row, others.get(row.sha256) ?? []));
}

function viewStatus(row: FileStatus, others: readonly OtherWord[]) {
  const { rebuild, origin, rebuilder, file, name, version, architecture, source, sha256, verdict, causes } = row;
  return {
    ...{ rebuild, origin, rebuilder, file, name, version, architecture, source, sha256, verdict, causes },
    ...{ place: row.place ?? undefined, reason: row.reason ?? undefined },
    ...{ finishedAt: row.finished_at, rebuiltSha256: row.rebuilt_sha256 ?? undefined },
    others,
  };
}

export type RebuildTaskView = Omit<RebuildTask, 'invocation'>;

export function viewTask(task: RebuildTask): RebuildTaskView {
  const { invocation: _, ...view } = task;
  return view;
}
