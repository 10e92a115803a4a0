/**
 * A process that ends before its command does: by Ctrl-C, or because nobody takes what it prints. What has to be closed is
 * closed all the same: a database that this process started would run on, with nobody left to stop it.
 */
const closers = new Set<() => Promise<void>>();
let ending: Promise<never> | undefined;

/** Closes when it is called, or when the process ends early; once in either case. */
export function closedAtEnd(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const once = () => {
    closed ??= close().finally(() => closers.delete(once));
    return closed;
  };
  closers.add(once);
  return once;
}

/** Ends the process with this code as soon as all is closed, or after some moments. */
export function endEarly(code: number): Promise<never> {
  ending ??= closeAll().then(() => process.exit(code));
  return ending;
}

/** Whether the process is ending: what fails now fails for that, and is not told. */
export function isEnding(): boolean {
  return ending !== undefined;
}

/** Work that is under way loses what it works with. */
async function closeAll(): Promise<void> {
  process.on('unhandledRejection', () => {});
  const closed = Promise.allSettled([...closers].map((close) => close()));
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, longestClose))]);
}

/** Milliseconds. */
const longestClose = 5000;

/**
 * Runs something that Ctrl-C and SIGTERM may end at any moment. Who listens to them nearer to the work goes before; a
 * second signal ends at once what does not want to close.
 */
export async function endedBySignals<T>(code: number, work: () => Promise<T>): Promise<T> {
  const names = ['SIGINT', 'SIGTERM'] as const;
  const stop = (name: NodeJS.Signals) => {
    if (process.listenerCount(name) > 1) return;
    if (isEnding()) process.exit(code);
    void endEarly(code);
  };
  for (const name of names) process.on(name, stop);
  try {
    return await work();
  } finally {
    for (const name of names) process.off(name, stop);
  }
}
