/** Adding tables to the end of sheaf.toml; every byte before them stays. */
import { randomUUID } from 'node:crypto';
import { open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { isLabel } from '../model/names.ts';
import { parseDistribution } from './distribution.ts';
import { readDistribution } from './read.ts';

export type NewTable = {
  readonly kind: 'upstream' | 'mirror' | 'repository' | 'suite';
  readonly name: string;
  /** In the order in which they are written; those that are undefined are left to their defaults. */
  readonly settings: readonly (readonly [string, Setting | undefined])[];
  /** Names of this kind that there are. */
  readonly taken: (distribution: Distribution) => ReadonlyMap<string, unknown>;
  /** Looks at the files that the settings name: throws `bad-settings`. */
  readonly check?: (directory: string) => void;
  /** Another hint for a mistake in the settings. */
  readonly hint?: (message: string) => string | undefined;
};

type Setting = string | number | boolean | readonly string[] | InlineTable;

/** Members that are undefined are not written. */
type InlineTable = { readonly [member: string]: string | boolean | undefined };

export type Appended = {
  readonly distribution: Distribution;
  readonly file: string;
  /** The table as it was written. */
  readonly table: string;
};

/**
 * The file as it will be is read first, by the reader that everybody uses, and replaced in one step with its mode kept.
 * Throws `KIND-exists`, `bad-settings` (nothing is written then), `settings-changed`, `no-distribution`.
 */
export async function appendTable(directory: string, table: NewTable): Promise<Appended> {
  const { tables, ...appended } = await appendTables(directory, [table]);
  return { ...appended, table: tables[0]! };
}

/** As `appendTable`, several: all of them or none. `check`: nothing is written, only said what is against it. */
export async function appendTables(
  directory: string,
  tables: readonly NewTable[],
  { check = false }: { readonly check?: boolean } = {},
): Promise<Omit<Appended, 'table'> & { readonly tables: readonly string[] }> {
  const before = await readDistribution(directory);
  const file = join(before.directory, 'sheaf.toml');
  const text = await readFile(file, 'utf8');
  const lines = text.split('\n').length;
  const written = tables.map(formatTable);
  let distribution = before;
  let added = text;
  for (const [at, table] of tables.entries()) {
    const { kind, name } = table;
    if (table.taken(distribution).has(name)) {
      throw new SheafError(`${kind}-exists`, `Cannot add ${kind} "${name}": sheaf.toml has one of this name`, {
        kind: 'usage',
        hint: `To change it, edit [${kind}.${name}] in ${file}.`,
      });
    }
    const separator = added === '' || added.endsWith('\n\n') ? '' : added.endsWith('\n') ? '\n' : '\n\n';
    added += `${separator}${written[at]!}`;
    distribution = parseAdded(added, before, table, lines);
  }
  if (!check && added !== text) await replaceFile(file, text, added);
  return { distribution, file, tables: written };
}

function parseAdded(added: string, before: Distribution, table: NewTable, lines: number): Distribution {
  try {
    const distribution = parseDistribution(added, join(before.directory, 'sheaf.toml'), before.directory);
    table.check?.(before.directory);
    return distribution;
  } catch (error) {
    if (!(error instanceof SheafError) || error.code !== 'bad-settings') throw error;
    throw explain(error, table, lines);
  }
}

/** `lines`: how many the file has. A place in the new table is no place in the file yet. */
function explain(error: SheafError, { kind, name, hint }: NewTable, lines: number): SheafError {
  const message = error.message
    .replace('Cannot read settings:', `Cannot add ${kind} "${name}":`)
    .replaceAll(/^ {2}sheaf\.toml:\d+:\d+: /gm, '  ');
  const line = error.place?.line;
  return new SheafError(error.code, message, {
    kind: 'usage',
    ...(line === undefined || line >= lines ? {} : { place: error.place! }),
    hint: hint?.(message) ?? `Nothing was written. ${error.hint ?? ''}`.trim(),
    cause: error,
  });
}

function formatTable({ kind, name, settings }: NewTable): string {
  const key = isLabel(name) && !name.includes('.') ? name : quote(name);
  const lines = settings.flatMap(([setting, value]) => (value === undefined ? [] : [`${setting} = ${format(value)}`]));
  return [`[${kind}.${key}]`, ...lines, ''].join('\n');
}

function format(value: Setting): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(quote).join(', ')}]`;
  const members = Object.entries(value).flatMap(([name, member]) =>
    member === undefined ? [] : [`${name} = ${format(member)}`],
  );
  return `{ ${members.join(', ')} }`;
}

function isList(value: readonly string[] | InlineTable): value is readonly string[] {
  return Array.isArray(value);
}

/** JSON's escapes are those of a basic string of TOML, but for DEL. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', String.raw`\u007f`);
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
