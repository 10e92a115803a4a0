/** TOML 1.0 text → plain values, with the place of every key and value in the text; paths and values as messages show them. */
import { parseTOML, ParseError, type AST } from 'toml-eslint-parser';

import { SheafError, type Place } from './error.ts';

export type Path = readonly (string | number)[];

export type TomlDocument = {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where a value stands; of a missing one, where the nearest table around it begins. */
  readonly placeOf: (path: Path) => Place;
  /** Where a key stands. */
  readonly placeOfKey: (path: Path) => Place;
};

/**
 * Dates without a time become midnight UTC. Dates and times without a zone stay text: they mean no moment.
 * Throws `bad-settings` at the first character that is no TOML.
 */
export function parseToml(text: string, file: string): TomlDocument {
  const program = parseProgram(text, file);
  const keys = new Map<string, AST.HasLocs>();
  const values = new Map<string, AST.HasLocs>();
  const root: Container = makeTable();

  function readPair(pair: AST.TOMLKeyValue, prefix: Path): void {
    let path = prefix;
    for (const part of pair.key.keys) {
      path = [...path, nameOf(part)];
      rememberTable(path, part);
    }
    values.set(keyOf(path), pair.value);
    store(root, path, readValue(pair.value, path));
  }

  function readValue(node: AST.TOMLContentNode, path: Path): unknown {
    if (node.type === 'TOMLArray') {
      return node.elements.map((element, index) => {
        values.set(keyOf([...path, index]), element);
        return readValue(element, [...path, index]);
      });
    }
    if (node.type === 'TOMLInlineTable') {
      store(root, path, makeTable());
      for (const pair of node.body) readPair(pair, path);
      return fetch(root, path);
    }
    return toPlain(node);
  }

  function rememberTable(path: Path, node: AST.HasLocs): void {
    const key = keyOf(path);
    if (!keys.has(key)) keys.set(key, node);
    if (!values.has(key)) values.set(key, node);
  }

  for (const node of program.body[0].body) {
    if (node.type === 'TOMLKeyValue') {
      readPair(node, []);
      continue;
    }
    for (let length = 1; length <= node.resolvedKey.length; length += 1) {
      rememberTable(node.resolvedKey.slice(0, length), node.key);
    }
    if (fetch(root, node.resolvedKey) === undefined) store(root, node.resolvedKey, makeTable());
    for (const pair of node.body) readPair(pair, node.resolvedKey);
  }

  const find = (places: ReadonlyMap<string, AST.HasLocs>, path: Path): Place => {
    for (let length = path.length; length > 0; length -= 1) {
      const found = places.get(keyOf(path.slice(0, length)));
      if (found !== undefined) return { file, line: found.loc.start.line, column: found.loc.start.column + 1 };
    }
    return { file, line: 1, column: 1 };
  };
  return { value: root, placeOf: (path) => find(values, path), placeOfKey: (path) => find(keys, path) };
}

/** `suite.stable.components[0]`. */
export function formatPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      const name = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part);
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

/** A value as the message shows it. */
export function formatFound(value: unknown): string {
  if (value instanceof Date) return `the date ${value.toISOString()}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a table';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…"` : text;
}

type Container = Record<string | number, unknown>;

function parseProgram(text: string, file: string): AST.TOMLProgram {
  try {
    // The mark that editors of Windows put before a text.
    return parseTOML(text.replace(/^\ufeff/, ''), { tomlVersion: '1.0' });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new SheafError('bad-settings', `Cannot read settings: this is not TOML: ${error.message.toLowerCase()}`, {
      kind: 'usage',
      place: { file, line: error.lineNumber, column: error.column + 1 },
      hint: error.message.includes('multiple times')
        ? 'It stands further up already: leave one of the two, or give a section another name.'
        : 'Texts need quotes: key = "text". Lists look like ["a", "b"]. Sections look like [suite.stable].',
      cause: error,
    });
  }
}

/** Without a prototype, so that a key such as `__proto__` is only a key. */
function makeTable(): Container {
  return Object.create(null) as Container;
}

function nameOf(part: AST.TOMLBare | AST.TOMLQuoted): string {
  return part.type === 'TOMLBare' ? part.name : part.value;
}

function keyOf(path: Path): string {
  return JSON.stringify(path);
}

function toPlain(node: AST.TOMLValue): unknown {
  switch (node.kind) {
    case 'offset-date-time':
    case 'local-date':
      return new Date(node.datetime.replace(' ', 'T'));
    case 'local-date-time':
    case 'local-time':
      return node.datetime;
    default:
      return node.value;
  }
}

function fetch(root: Container, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Container | undefined)?.[key], root);
}

function store(root: Container, path: Path, value: unknown): void {
  let at = root;
  path.slice(0, -1).forEach((key, index) => {
    at[key] ??= typeof path[index + 1] === 'number' ? [] : makeTable();
    at = at[key] as Container;
  });
  at[path.at(-1)!] = value;
}
