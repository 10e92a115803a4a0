/** What is wrong with a sheaf.toml: each problem with its place, what was found and what was expected. */
import { basename } from 'node:path';

import { formatPlace, SheafError, type Place } from '../kit/error.ts';
import type { Path } from './toml.ts';

export type Problem = { readonly place: Place; readonly message: string };

/** In the order of the file. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const position = ({ place }: Problem) => (place.line ?? 0) * 100_000 + (place.column ?? 0);
  return problems.toSorted((a, b) => position(a) - position(b));
}

/** One error that lists all problems; its place is the first one's. */
export function toError(problems: readonly Problem[]): SheafError {
  const [first] = problems;
  const message =
    problems.length === 1
      ? `Cannot read settings: ${first!.message}`
      : [
          `Cannot read settings: ${problems.length} problems`,
          ...problems.map(
            ({ place, message }) => `  ${formatPlace({ ...place, file: basename(place.file ?? '') })}: ${message}`,
          ),
        ].join('\n');
  return new SheafError('bad-settings', message, {
    kind: 'usage',
    ...(first === undefined ? {} : { place: first.place }),
    hint: 'Every setting is described in docs/write-a-policy.md.',
  });
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
