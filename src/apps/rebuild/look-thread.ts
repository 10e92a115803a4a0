/** The thread of `lookInThread`: answers one question after the other about files of this machine. */
import { parentPort } from 'node:worker_threads';

import { describeError, SheafError } from '../../kit/error.ts';
import { compareForCause } from './compare.ts';
import { readDebFacts } from './deb-facts.ts';

export type Question =
  | { readonly kind: 'facts'; readonly path: string; readonly source: string }
  | { readonly kind: 'compare'; readonly original: string; readonly rebuilt: string; readonly name: string };

export type Answer = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: { readonly code: string; readonly message: string } }
);

parentPort!.on('message', async ({ id, question }: { readonly id: number; readonly question: Question }) => {
  parentPort!.postMessage(await answer(id, question));
});

async function answer(id: number, question: Question): Promise<Answer> {
  try {
    return { id, value: await look(question) };
  } catch (error) {
    const code = error instanceof SheafError ? error.code : 'look-failed';
    return { id, error: { code, message: describeError(error) } };
  }
}

function look(question: Question): Promise<unknown> {
  return question.kind === 'facts'
    ? readDebFacts(question.path, question.source)
    : compareForCause(question.original, question.rebuilt, question.name);
}
