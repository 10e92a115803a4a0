/** What is wrong with a sheaf.toml: each problem with its place, what was found and what was expected. */
import { basename } from 'node:path';

import { formatPlace, SheafError, type Place } from '../kit/error.ts';

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
