import { stat } from 'node:fs/promises';

/** Whether a folder is at the path, also through a link; not where that cannot be found out. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}
