/** Limits of a command, as words of the command line. */
import { parseSize } from '../../../kit/bytes.ts';
import { parseDuration } from '../../../kit/duration.ts';
import { SheafError } from '../../../kit/error.ts';
import type { BuildLimits } from '../../../model/distribution.ts';

/** As good as none: what a person runs is not to be ended by us. */
const none: BuildLimits = {
  wall: 24 * 24 * 3600_000,
  silence: 24 * 24 * 3600_000,
  memory: 2 ** 50,
  disk: 2 ** 50,
  log: 2 ** 50,
  processes: 32_000,
};

const readers = new Map<string, (text: string) => number | undefined>([
  ['wall', parseDuration],
  ['memory', parseSize],
  ['disk', parseSize],
  ['processes', (text) => (/^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined)],
]);

/** `memory=2G`, `wall=10m`, `disk=1G`, `processes=100`. */
export function parseLimits(words: readonly string[]): BuildLimits {
  const limits: Record<string, number> = {};
  for (const word of words) {
    const [name = '', text = ''] = word.split('=', 2);
    const value = readers.get(name)?.(text);
    if (value === undefined || value <= 0) {
      throw new SheafError('usage', `Cannot read --limit ${word}: expected NAME=VALUE`, {
        kind: 'usage',
        hint: 'Limits are wall=10m, memory=2G, disk=1G and processes=100.',
      });
    }
    limits[name] = value;
  }
  return { ...none, ...limits };
}
