/** Adding one upstream to sheaf.toml: a table at its end; every byte before it stays. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SheafError } from '../kit/error.ts';
import type { Distribution, Upstream } from '../model/distribution.ts';
import { isLabel, parseLabel } from '../model/names.ts';
import { parseDistribution } from './distribution.ts';
import { checkFiles, type FileFacts } from './files.ts';
import { formatPath, toError, type Problem } from './problem.ts';
import { readDistribution } from './read.ts';

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
 * Writes `[upstream.NAME]` to the end of the sheaf.toml in `directory`. The file as it will be is read first, by the
 * reader that everybody uses, and replaced in one step with its mode kept. Throws `upstream-exists`, `bad-settings`
 * (nothing is written then), `no-distribution`.
 */
export async function addUpstream(directory: string, name: string, settings: UpstreamSettings): Promise<AddedUpstream> {
  const before = await readDistribution(directory);
  const file = join(before.directory, 'sheaf.toml');
  const text = await readFile(file, 'utf8');
  const { distribution, added, table } = appendUpstream(text, before, name, settings);
  await replaceFile(file, text, added);
  return { upstream: distribution.upstreams.get(parseLabel(name))!, file, table };
}

/** The text with the table, and the distribution that it then describes. */
function appendUpstream(text: string, before: Distribution, name: string, settings: UpstreamSettings) {
  if (before.upstreams.has(name as Upstream['name'])) {
    throw new SheafError('upstream-exists', `Cannot add upstream "${name}": sheaf.toml has one of this name`, {
      kind: 'usage',
      hint: `To change it, edit [upstream.${name}] in ${join(before.directory, 'sheaf.toml')}.`,
    });
  }
  const table = formatUpstreamTable(name, settings);
  const separator = text === '' || text.endsWith('\n\n') ? '' : text.endsWith('\n') ? '\n' : '\n\n';
  const added = `${text}${separator}${table}`;
  const file = join(before.directory, 'sheaf.toml');
  const lines = text.split('\n').length;
  try {
    const distribution = parseDistribution(added, file, before.directory);
    checkKeyring(before.directory, name, settings);
    return { distribution, added, table };
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== 'bad-settings') throw error;
    throw explain(error, name, lines);
  }
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

/** `lines`: how many the file has. A place in the new table is no place in the file yet. */
function explain(error: SheafError, name: string, lines: number): SheafError {
  const message = error.message
    .replace('Cannot read settings:', `Cannot add upstream "${name}":`)
    .replaceAll(/^ {2}sheaf\.toml:\d+:\d+: /gm, '  ');
  const needsChoice = /suite\.[^:]*\.upstream: missing/.test(message);
  const line = error.place?.line;
  return new SheafError(error.code, message, {
    kind: 'usage',
    ...(line === undefined || line >= lines ? {} : { place: error.place! }),
    hint: needsChoice
      ? 'With several upstreams, each [suite.NAME] must say which one it builds with: write upstream = "NAME" there first.'
      : `Nothing was written. ${error.hint ?? ''}`.trim(),
    cause: error,
  });
}

/** The settings in the order in which the documents describe them. */
function formatUpstreamTable(name: string, settings: UpstreamSettings): string {
  const key = isLabel(name) && !name.includes('.') ? name : quote(name);
  const { url, suites, components, architectures, sources, contents, translations, keyring, expired, every } = settings;
  const given: [string, string | boolean | readonly string[] | undefined][] = [
    ...Object.entries({ url, suites, components, architectures }),
    ...Object.entries({ sources, contents, translations, keyring, expired, every }),
  ];
  const lines = given.flatMap(([setting, value]) => (value === undefined ? [] : [`${setting} = ${format(value)}`]));
  return [`[upstream.${key}]`, ...lines, ''].join('\n');
}

function format(value: string | boolean | readonly string[]): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'boolean' ? String(value) : `[${value.map(quote).join(', ')}]`;
}

/** JSON's escapes are those of a basic string of TOML, but for DEL. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', String.raw`\u007f`);
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

/** Replaces a file in one step, unless somebody changed it meanwhile. A link stays a link. */
async function replaceFile(path: string, before: string, after: string): Promise<void> {
  const file = await realpath(path);
  const { mode, uid, gid } = await stat(file);
  const temporary = join(dirname(file), `.sheaf.toml.${randomUUID()}.tmp`);
  const handle = await open(temporary, 'wx', mode & 0o7777);
  try {
    try {
      await handle.chmod(mode & 0o7777);
      // Root edits other people's files too; nobody else can give a file away.
      if (process.getuid?.() === 0) await handle.chown(uid, gid);
      await handle.writeFile(after);
      await handle.sync();
    } finally {
      await handle.close();
    }
    if ((await readFile(file, 'utf8')) !== before) {
      throw new SheafError('settings-changed', `Cannot write ${path}: somebody changed it at the same time`, {
        hint: 'Nothing was written. Try again.',
      });
    }
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}
