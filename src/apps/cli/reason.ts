import { InvalidArgumentError } from '@commander-js/extra-typings';

/** What `--reason` says: one line for the audit trail, as on the web. */
export function parseReason(value: string): string {
  if (value.trim() === '' || value.length > 1000 || /[\u0000-\u001f\u007f]/.test(value)) {
    throw new InvalidArgumentError('Expected one line of 1 to 1,000 characters.');
  }
  return value.trim();
}
