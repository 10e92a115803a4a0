/**
 * Wake-ups from the database, spread to the visitors that wait: one connection to PostgreSQL and one rendering of
 * each page, however many look at it.
 */
import type { Listen } from './ports.ts';

/** Most open streams of pages and logs together. */
const mostStreams = 2000;
/** A page is made anew at most this often, in milliseconds. */
const pageInterval = 500;

type Send = (html: string) => void;

type Topic = {
  readonly render: () => Promise<string | undefined>;
  readonly sends: Set<Send>;
  last: string | undefined;
  renderedAt: number;
  timer: NodeJS.Timeout | undefined;
};

export type Live = {
  /** Calls `send` with the page now and whenever it has changed, until the returned function is called. */
  readonly subscribe: (key: string, render: Topic['render'], send: Send) => () => void;
  /** Calls `wake` when the log of a job grew or its state may have changed. */
  readonly watchLog: (job: number, wake: () => void) => () => void;
  /**
   * Undefined when there are too many streams already, or no more are wanted; otherwise gives the place back when
   * called. `end` is called when the stream shall end.
   */
  readonly enter: (end: () => void) => (() => void) | undefined;
  /** Told of a stream that broke. */
  readonly report: (error: unknown) => void;
  /** Ends all streams: browsers connect again to whoever serves then. */
  readonly close: () => Promise<void>;
};

export function createLive(listen: Listen, report: (error: unknown) => void): Live {
  const topics = new Map<string, Topic>();
  const logs = new Map<number, Set<() => void>>();
  const ends = new Set<() => void>();
  let isClosed = false;
  let listener: Promise<{ readonly close: () => Promise<void> }> | undefined;
  /** Pages are made one after another: visitors never cost the database more than one query set at a time. */
  let queue = Promise.resolve();

  function open(): void {
    if (listener !== undefined) return;
    listener = listen(['event', 'tag_build', 'job_ready', 'log'], onMessage, wakeAll);
    // What happened before we listened was told to nobody.
    listener.then(wakeAll, (error: unknown) => {
      listener = undefined;
      report(error);
    });
  }

  function onMessage(channel: string, payload: string): void {
    if (channel === 'log') for (const wake of logs.get(Number(payload)) ?? []) wake();
    else wakeAll();
  }

  function wakeAll(): void {
    for (const topic of topics.values()) schedule(topic);
    for (const wakes of logs.values()) for (const wake of wakes) wake();
  }

  function schedule(topic: Topic): void {
    if (topic.timer !== undefined) return;
    const wait = Math.max(0, topic.renderedAt + pageInterval - performance.now());
    topic.timer = setTimeout(() => {
      topic.timer = undefined;
      topic.renderedAt = performance.now();
      queue = queue.then(() => update(topic)).catch(report);
    }, wait);
    topic.timer.unref();
  }

  async function update(topic: Topic): Promise<void> {
    if (topic.sends.size === 0) return;
    const html = await topic.render();
    if (html === undefined || html === topic.last) return;
    topic.last = html;
    for (const send of topic.sends) send(html);
  }

  return {
    subscribe(key, render, send) {
      open();
      const topic = topics.get(key) ?? { render, sends: new Set(), last: undefined, renderedAt: 0, timer: undefined };
      topics.set(key, topic);
      topic.sends.add(send);
      // What changed between the page and this stream must not be missed; others see the page again only if it differs.
      if (topic.last !== undefined) send(topic.last);
      schedule(topic);
      return () => {
        topic.sends.delete(send);
        if (topic.sends.size === 0) {
          clearTimeout(topic.timer);
          if (topics.get(key) === topic) topics.delete(key);
        }
      };
    },
    watchLog(job, wake) {
      open();
      const wakes = logs.get(job) ?? new Set();
      logs.set(job, wakes.add(wake));
      return () => {
        wakes.delete(wake);
        if (wakes.size === 0 && logs.get(job) === wakes) logs.delete(job);
      };
    },
    enter(end) {
      if (isClosed || ends.size >= mostStreams) return undefined;
      ends.add(end);
      return () => ends.delete(end);
    },
    report,
    async close() {
      isClosed = true;
      for (const end of ends) end();
      for (const topic of topics.values()) clearTimeout(topic.timer);
      topics.clear();
      await (await listener)?.close();
    },
  };
}
