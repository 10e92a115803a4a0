/** Aligned columns. The last one is wrapped on a terminal and left whole elsewhere. */
import { stripVTControlCharacters } from 'node:util';

import { clean } from './clean.ts';
import { style } from './style.ts';

export type Column<Row> = {
  readonly title: string;
  /** Already styled or plain; controls in data are taken out by `text` below. */
  readonly cell: (row: Row) => string;
};

/** A column of data: cleaned, `-` when there is nothing. */
export function text<Row>(title: string, value: (row: Row) => string | number | undefined): Column<Row> {
  return {
    title,
    cell: (row) => {
      const found = value(row);
      return found === undefined || found === '' ? '-' : clean(String(found));
    },
  };
}

export type TableOptions = {
  /** Columns of the terminal; undefined: not a terminal. */
  readonly width?: number | undefined;
  readonly indent?: number;
};

const gap = 2;
const narrowest = 24;

/** Lines without line ends; a header, then one line or more for each row. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: TableOptions = {},
): string[] {
  const { width = terminalWidth(), indent = 0 } = options;
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => visible(row[index]!))),
  );
  const before = indent + widths.slice(0, -1).reduce((sum, each) => sum + each + gap, 0);
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - before;
  const header = columns.map(({ title }) => style('bold', title.toUpperCase()));
  return [header, ...cells].flatMap((row) => {
    const start = row.slice(0, -1).map((cell, index) => cell + ' '.repeat(widths[index]! - visible(cell) + gap));
    const [first = '', ...rest] = wrap(row.at(-1) ?? '', room);
    const lead = ' '.repeat(indent);
    return [(lead + start.join('') + first).trimEnd(), ...rest.map((line) => ' '.repeat(before) + line)];
  });
}

/** `label: value` lines with the values below each other. */
export function formatFields(fields: readonly (readonly [string, string | undefined])[], indent = 0): string[] {
  const given = fields.flatMap(([label, value]) => (value === undefined ? [] : [[label, value] as const]));
  const width = Math.max(...given.map(([label]) => label.length)) + 1;
  return given.map(
    ([label, value]) => `${' '.repeat(indent)}${style('dim', `${label}:`.padEnd(width))} ${clean1(value)}`,
  );
}

/** Undefined when standard output is not a terminal. */
export function terminalWidth(): number | undefined {
  return process.stdout.isTTY ? process.stdout.columns : undefined;
}

export function wrap(line: string, room: number): string[] {
  if (visible(line) <= room || room < narrowest) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (visible(longer) <= room || current === '') {
      current = longer;
    } else {
      lines.push(current);
      current = word;
    }
  }
  return [...lines, current];
}

function visible(cell: string): number {
  return stripVTControlCharacters(cell).length;
}

/** Values may carry our own colours: only other controls are taken out. */
function clean1(value: string): string {
  return value.includes('\u001b[') ? value : clean(value);
}
