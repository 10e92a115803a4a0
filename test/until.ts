import { setTimeout as sleep } from 'node:timers/promises';

/** What `look` finds, asked again and again until it finds something, for at most so many seconds; then it throws. */
export async function until<T>(
  look: () => T | Promise<T>,
  seconds = 60,
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found as Exclude<T, undefined | null | false | 0 | ''>;
    if (Date.now() > deadline) throw new Error(`It did not come true in ${seconds} seconds: ${look.toString()}`);
    await sleep(10);
  }
}
