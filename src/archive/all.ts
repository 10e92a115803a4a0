/** Work on many things at once, but no more than the limits on open files allow. */
const most = 64;

/** Waits for all, also when one fails: nothing must write on while the caller cleans up. Throws the first failure. */
export async function all<T, R>(things: readonly T[], work: (thing: T) => Promise<R>, atOnce = most): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < things.length && failures.length === 0) {
      const number = next++;
      try {
        results[number] = await work(things[number]!);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, things.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
