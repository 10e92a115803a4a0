import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** The name of a folder without symbolic links. It may not exist yet: the nearest one upwards does. */
export async function realNameOf(path: string): Promise<string> {
  const whole = resolve(path);
  for (let at = whole; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined);
    if (real !== undefined) return join(real, whole.slice(at.length));
    if (at === dirname(at)) return whole;
  }
}
