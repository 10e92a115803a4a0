/** What commands that add a table to sheaf.toml have in common. */
import { isAbsolute, relative, resolve } from 'node:path';

/** The shell's file names begin from where the shell is; those of sheaf.toml from its folder. */
export function nameFrom(directory: string, file: string): string {
  const below = relative(resolve(directory), resolve(file));
  return below.startsWith('..') || isAbsolute(below) || below === '' ? resolve(file) : below;
}

/** The table as it stands in the file now, and the commands to go on with. */
export function formatAddedTable(file: string, table: string, next: readonly string[]): string[] {
  const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
  return [`Added to ${file}:`, '', ...indented(table.trimEnd().split('\n')), '', 'Next:', ...indented(next)];
}
