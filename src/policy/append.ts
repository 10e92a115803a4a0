/** Adding one upstream to sheaf.toml. */
import { readFileSync } from 'node:fs';

import { formatPath } from '../kit/toml.ts';
import type { Upstream } from '../model/distribution.ts';
import { parseLabel } from '../model/names.ts';
import { appendTable } from './append-table.ts';
import { checkFiles, type FileFacts } from './files.ts';
import { toError, type Problem } from './problem.ts';

/** Settings as they are written; those that are undefined are left to their defaults. */
export type UpstreamSettings = {
  readonly url: string;
  readonly suites: readonly string[];
  readonly components?: readonly string[] | undefined;
  readonly architectures?: readonly string[] | undefined;
  readonly sources?: boolean | undefined;
  readonly contents?: boolean | undefined;
  readonly translations?: readonly string[] | undefined;
  readonly keyring?: string | undefined;
  readonly expired?: string | undefined;
  readonly every?: string | undefined;
};

export type AddedUpstream = {
  readonly upstream: Upstream;
  readonly file: string;
  /** The table as it was written. */
  readonly table: string;
};

/**
 * Writes `[upstream.NAME]` to the end of the sheaf.toml in `directory`, its settings in the order in which the documents
 * describe them. Throws `upstream-exists`, `bad-settings` (nothing is written then), `no-distribution`.
 */
export async function addUpstream(directory: string, name: string, settings: UpstreamSettings): Promise<AddedUpstream> {
  const { url, suites, components, architectures, sources, contents, translations, keyring, expired, every } = settings;
  const { distribution, file, table } = await appendTable(directory, {
    kind: 'upstream',
    name,
    settings: [
      ...Object.entries({ url, suites, components, architectures }),
      ...Object.entries({ sources, contents, translations, keyring, expired, every }),
    ],
    taken: ({ upstreams }) => upstreams,
    check: (folder) => checkKeyring(folder, name, settings),
    hint: (message) =>
      /suite\.[^:]*\.upstream: missing/.test(message)
        ? 'With several upstreams, each [suite.NAME] must say which one it builds with: write upstream = "NAME" there first.'
        : undefined,
  });
  return { upstream: distribution.upstreams.get(parseLabel(name))!, file, table };
}

/** The other files that the settings name were looked at when they were read. */
function checkKeyring(directory: string, name: string, { keyring }: UpstreamSettings): void {
  const raw = { upstream: { [name]: { keyring } } };
  const problems: Problem[] = [];
  checkFiles(raw, directory, lookAtKeyring, (path, message) => {
    problems.push({ place: {}, message: `${formatPath(path)}: ${message}` });
  });
  if (problems.length > 0) throw toError(problems);
}

function lookAtKeyring(path: string): FileFacts | undefined {
  try {
    const bytes = readFileSync(path);
    const head = bytes.toString('latin1', 0, 4096);
    return { kind: 'file', readable: true, mode: 0o600, size: bytes.length, head };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EISDIR') return { kind: 'folder', readable: true, mode: 0o700, size: 0, head: '' };
    return code === 'EACCES' ? { kind: 'file', readable: false, mode: 0, size: 0, head: '' } : undefined;
  }
}
