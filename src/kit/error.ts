/**
 * The one error class of the house: what went wrong, where, and the way out.
 *
 * Messages say action, object and state: `Cannot publish suite "stable": …`. Expected outcomes (a refusal, a
 * difference, something pending) are values, not errors.
 */

/**
 * Which of the CLI's exit codes an error leads to: 1 refused; 2 usage, which is also a name of something that is not
 * there; 3 the environment lacks something.
 */
export type ErrorKind = 'refused' | 'usage' | 'environment';

/** A place in a text a person can open: 1-based line and column, or a byte offset in a binary file. */
export type Place = {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly offset?: number;
};

export type SheafErrorOptions = {
  readonly kind?: ErrorKind;
  readonly place?: Place;
  /** What the reader can do about it, as a sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
};

export class SheafError extends Error {
  /** Stable, kebab-case; safe to script against. */
  readonly code: string;
  readonly kind: ErrorKind;
  readonly place: Place | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: SheafErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SheafError';
    this.code = code;
    this.kind = options.kind ?? 'refused';
    this.place = options.place;
    this.hint = options.hint;
  }
}

/** `file:line:column`, `file at byte N`, or an empty string. */
export function formatPlace(place: Place | undefined): string {
  if (place === undefined) return '';
  const file = place.file ?? 'input';
  if (place.line !== undefined) {
    return place.column === undefined ? `${file}:${place.line}` : `${file}:${place.line}:${place.column}`;
  }
  return place.offset === undefined ? file : `${file} at byte ${place.offset}`;
}

/** The message of whatever was thrown, with its place in front and without a stack. */
export function describeError(error: unknown): string {
  if (error instanceof SheafError) {
    const place = formatPlace(error.place);
    return place === '' ? error.message : `${place}: ${error.message}`;
  }
  return error instanceof Error ? error.message : String(error);
}
