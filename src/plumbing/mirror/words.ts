/** Pieces of messages about mirrors. */

/** An address without a password in it, and not longer than a line. */
export function redact(url: string): string {
  const shown = url.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1').replaceAll(/[^\x21-\x7e]/g, '?');
  return shown.length > 300 ? `${shown.slice(0, 300)}…` : shown;
}

export function formatBytes(count: number): string {
  return `${count} byte${count === 1 ? '' : 's'}`;
}

/** The reason behind an error of the network, whose own message is often empty or in the cause. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  if (cause.message === 'aborted') return 'the connection broke';
  return cause.message !== '' ? cause.message : (code ?? cause.name);
}
