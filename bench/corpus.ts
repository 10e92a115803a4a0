/** The real indexes of `./run corpus`, for benches: fetched when they are not there, and then left as they are. */
import { homedir } from 'node:os';
import { join } from 'node:path';

import type { CorpusOptions } from '../tools/corpus/archive.ts';

export const debianMirror = 'http://deb.debian.org/debian';

export function benchCorpus(say: (line: string) => void): CorpusOptions {
  return {
    directory: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sheaf/corpus'),
    mirror: debianMirror,
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
    update: false,
    say,
  };
}
