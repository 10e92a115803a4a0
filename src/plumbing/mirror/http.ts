/**
 * One GET over HTTP, its redirections followed. With node:http instead of fetch, because fetch undoes any
 * Content-Encoding, and some servers call a `.gz` file one.
 */
import http from 'node:http';
import https from 'node:https';

import { SheafError } from '../../kit/error.ts';
import { formatBytes, redact } from './words.ts';

export type HttpOptions = {
  readonly agents: Agents;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds in which at least a KiB must come, and the answer begin. */
  readonly patience: number;
  readonly signal?: AbortSignal | undefined;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
};

export type Agents = { readonly http: http.Agent; readonly https: https.Agent };

/** `proxies` is an environment with `http_proxy`, `https_proxy` and `no_proxy`. */
export function makeAgents(connections: number, proxies: NodeJS.ProcessEnv | undefined): Agents {
  const options = { keepAlive: true, maxSockets: connections, ...(proxies === undefined ? {} : { proxyEnv: proxies }) };
  return { http: new http.Agent(options), https: new https.Agent(options) };
}

const mostRedirects = 5;
/** A drip of single bytes is no answer: patience begins anew only after this many. */
const leastProgress = 1024;

/**
 * Runs `use` with the answer; what it leaves of the body is dropped. Throws whatever the network throws; a
 * redirection to somewhere it must not lead is `mirror-refused`.
 */
export async function getHttp<T>(url: string, options: HttpOptions, use: (answer: HttpAnswer) => Promise<T>) {
  const stalled = new AbortController();
  const timer = setTimeout(() => {
    stalled.abort(new Error(`it sent less than ${formatBytes(leastProgress)} in ${options.patience / 1000} s`));
  }, options.patience);
  const signal = AbortSignal.any([stalled.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  let response: http.IncomingMessage | undefined;
  try {
    let address = new URL(url);
    for (let redirects = 0; ; redirects++) {
      response = await send(address, options, signal);
      const next = redirection(response, address);
      if (next === undefined) break;
      response.destroy();
      if (redirects === mostRedirects) throw refused(url, `it redirects more than ${mostRedirects} times`);
      address = next;
    }
    const body = withTimer(response, timer);
    return await use({ status: response.statusCode ?? 0, headers: response.headers, body });
  } catch (error) {
    // The library says only "aborted": the reason is ours.
    if (stalled.signal.aborted) throw stalled.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
    if (response?.readableEnded === false) response.destroy();
  }
}

function send(url: URL, { agents, headers }: HttpOptions, signal: AbortSignal): Promise<http.IncomingMessage> {
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).get(
      url,
      { agent: secure ? agents.https : agents.http, headers: { 'accept-encoding': 'identity', ...headers }, signal },
      (response) => {
        // A body that nobody iterates over may break too.
        response.on('error', () => {});
        resolve(response);
      },
    );
    request.on('error', reject);
  });
}

function redirection(response: http.IncomingMessage, from: URL): URL | undefined {
  const { location } = response.headers;
  if (![301, 302, 303, 307, 308].includes(response.statusCode ?? 0) || location === undefined) return undefined;
  const to = URL.parse(location, from.href) ?? undefined;
  const allowed = to?.protocol === 'https:' || (to?.protocol === 'http:' && from.protocol === 'http:');
  if (to === undefined || !allowed || to.username !== '' || to.password !== '') {
    response.destroy();
    throw refused(from.href, `it redirects to "${redact(location)}"`);
  }
  return to;
}

function refused(url: string, state: string): SheafError {
  return new SheafError('mirror-refused', `Cannot fetch ${redact(url)}: ${state}`, { kind: 'environment' });
}

async function* withTimer(response: http.IncomingMessage, timer: NodeJS.Timeout): AsyncGenerator<Uint8Array> {
  let since = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    since += chunk.length;
    if (since >= leastProgress) {
      since = 0;
      timer.refresh();
    }
    yield chunk;
  }
}
