/** A published file's status, and a rebuild that is to be made, as people and programs are shown them. */
import type { FileStatus, RebuildTask } from './store.ts';

export type RebuiltFileView = ReturnType<typeof viewStatus>;

export function viewStatus(row: FileStatus) {
  const { rebuild, origin, rebuilder, file, name, version, architecture, source, sha256, verdict, causes } = row;
  return {
    ...{ rebuild, origin, rebuilder, file, name, version, architecture, source, sha256, verdict, causes },
    ...{ place: row.place ?? undefined, reason: row.reason ?? undefined },
    ...{ finishedAt: row.finished_at, rebuiltSha256: row.rebuilt_sha256 ?? undefined },
  };
}

export type RebuildTaskView = Omit<RebuildTask, 'invocation'>;

export function viewTask(task: RebuildTask): RebuildTaskView {
  const { invocation: _, ...view } = task;
  return view;
}
