/** Answers that take long and change seldom, kept in memory for as long as what they were made of is the same. */
import type { Db } from '../../db/connect.ts';

type Answer = { readonly state: string; readonly value: Promise<unknown> };

const answers = new WeakMap<Db, Map<string, Answer>>();
/** Some are named by what people ask for. */
const most = 500;

/** What `make` gave when the state was this one; each question has a name of its own. Who asks at once waits together. */
export function remember<T>(db: Db, name: string, state: string, make: () => Promise<T>): Promise<T> {
  const known = answers.get(db) ?? new Map<string, Answer>();
  answers.set(db, known);
  const before = known.get(name);
  if (before?.state === state) return before.value as Promise<T>;
  if (known.size >= most) known.clear();
  const value = make();
  known.set(name, { state, value });
  // A failure is told to those who asked, and tried again by the next.
  value.catch(() => known.get(name)?.value === value && known.delete(name));
  return value;
}
