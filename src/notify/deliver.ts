/** Delivering what a notifier is to tell: at least once, one after the other. Each is told by itself: one that hangs delays no other. */
import type { Db } from '../db/connect.ts';
import { describeError } from '../kit/error.ts';
import type { Distribution, Notifier } from '../model/distribution.ts';
import { matrixRequest } from './matrix.ts';
import { nextAttempt, wishedWait } from './patience.ts';
import type { HttpRequest, ReadSecret, SendHttp } from './ports.ts';
import { markDelivered, markFailed, nextDue, putBack, takeDue, type Due } from './store.ts';
import { webhookRequest } from './webhook.ts';

export type NotifyDeps = {
  readonly db: Db;
  readonly distribution: Pick<Distribution, 'name' | 'url'>;
  readonly send: SendHttp;
  readonly readSecret: ReadSecret;
};

export type DeliveryReport = {
  readonly delivered: number;
  readonly failed: number;
  readonly givenUp: number;
  /** When to call again, if nothing new happens before. */
  readonly next: Date | undefined;
};

const bounds = { time: 10_000, answer: 16_384 };
const batch = 50;

type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly error: string; readonly wish: number };

/**
 * Tries every delivery of a notifier that is due. Safe to call from several processes at once; never rejects for its sake.
 * After a failure the rest waits for the same moment: one that is down would cost its time for each.
 */
export async function deliverDue(deps: NotifyDeps, notifier: Notifier, now: Date): Promise<DeliveryReport> {
  const until = new Date(now.getTime() + bounds.time * batch);
  const deliveries = await takeDue(deps.db, notifier.name, now, until, batch);
  const counts = { delivered: 0, failed: 0, givenUp: 0 };
  for (const [index, due] of deliveries.entries()) {
    const outcome = await tell(deps, notifier, due, now);
    if (outcome.kind === 'delivered') {
      await markDelivered(deps.db, due.delivery);
      counts.delivered += 1;
      continue;
    }
    const again = nextAttempt(due.attempts, now, outcome.wish);
    await markFailed(deps.db, due.delivery, outcome.error, again);
    counts[again === undefined ? 'givenUp' : 'failed'] += 1;
    const rest = deliveries.slice(index + 1).map(({ delivery }) => delivery);
    await putBack(deps.db, rest, again ?? now);
    break;
  }
  return { ...counts, next: await nextDue(deps.db, notifier.name) };
}

async function tell(deps: NotifyDeps, notifier: Notifier, due: Due, now: Date): Promise<Outcome> {
  try {
    const answer = await deps.send(await toRequest(deps, notifier, due), bounds);
    if (answer.status >= 200 && answer.status < 300) return { kind: 'delivered' };
    return { kind: 'failed', error: describeAnswer(answer.status, answer.body), wish: wishedWait(answer, now) };
  } catch (error) {
    return { kind: 'failed', error: oneLine(describeError(error)), wish: 0 };
  }
}

async function toRequest({ distribution, readSecret }: NotifyDeps, notifier: Notifier, due: Due): Promise<HttpRequest> {
  const { target } = notifier;
  if (target.kind === 'matrix') return matrixRequest(target, await readSecret(target.tokenFile), due, distribution);
  const secret = target.secretFile === undefined ? undefined : await readSecret(target.secretFile);
  return webhookRequest(target.url, secret, due, distribution);
}

function describeAnswer(status: number, body: string): string {
  const text = oneLine(body);
  return text === '' ? `answered ${status}` : `answered ${status}: ${text}`;
}

/** What strangers sent, fit for a database row and a page. */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 300);
}
