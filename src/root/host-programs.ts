/** The programs of the host, for steps that need tools of its own. */
import { stat } from 'node:fs/promises';

import type { Bind } from '../plumbing/sandbox/port.ts';

/** The directories of the host that have its programs, read only; nothing else of it is seen. */
export async function hostPrograms(): Promise<Bind[]> {
  const programs: Bind[] = [];
  for (const path of ['/usr', '/bin', '/sbin', '/lib', '/lib64']) {
    const there = await stat(path).then(
      () => true,
      () => false,
    );
    if (there) programs.push({ source: path, target: path, readOnly: true });
  }
  return programs;
}
