/** What a notifier tells: an event with what belongs to it. */
import { topicOfEvent, type Event } from '../model/event.ts';
import type { Refusal } from '../model/tag-build.ts';

export type News = {
  readonly delivery: number;
  readonly event: Event;
  /** The tag that the event is about. */
  readonly tag:
    | { readonly repository: string; readonly tag: string; readonly refusals: readonly Refusal[] }
    | undefined;
};

/** The page that shows it, below the distribution's address. */
export function pageOf({ event }: News, url: string): string {
  if (event.job !== undefined) return `${url}/job/${event.job}`;
  if (event.tagBuild !== undefined) return `${url}/tag-build/${event.tagBuild}`;
  if (event.upload !== undefined) return `${url}/new/${event.upload}`;
  if (event.source !== undefined) return `${url}/package/${encodeURIComponent(event.source)}`;
  if (event.suite !== undefined) return `${url}/suite/${encodeURIComponent(event.suite)}`;
  return `${url}/`;
}

/** The JSON document that a webhook gets. Its shape is described in docs/write-a-policy.md. */
export function toDocument(news: News, distribution: { readonly name: string; readonly url: string }) {
  const { event } = news;
  return {
    distribution: distribution.name,
    topic: topicOfEvent[event.kind] ?? null,
    page: pageOf(news, distribution.url),
    event: {
      id: event.id,
      at: event.at.toISOString(),
      kind: event.kind,
      message: event.message,
      tagBuild: event.tagBuild ?? null,
      job: event.job ?? null,
      suite: event.suite ?? null,
      source: event.source ?? null,
      actor: event.actor ?? null,
      upload: event.upload ?? null,
    },
    tag: news.tag === undefined ? null : news.tag,
  };
}

/** Lines of plain text for a chat. */
export function toLines(news: News): string[] {
  const reasons = news.event.kind === 'tag-refused' ? (news.tag?.refusals ?? []) : [];
  return [news.event.message, ...reasons.map(({ code, message, hint }) => `${code}: ${message} ${hint}`)];
}
