/** Refusals of hostile or broken git objects: what, where in the object, and why. */
import { SheafError } from '../../kit/error.ts';

/** A `bad-git-object` error; `offset` is the byte position inside the object. */
export function badObject(type: string, offset: number, state: string): SheafError {
  return new SheafError('bad-git-object', `Cannot read git ${type}: ${state}`, {
    place: { file: `git ${type}`, offset },
  });
}
