/** One bounded HTTP request to the outside. Follows no redirection: the address in the settings is the address. */
import { SheafError } from '../kit/error.ts';

export type HttpClientRequest = {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** `time` is milliseconds for everything together; at most `answer` bytes of the answer's body are read. */
export type HttpClientBounds = { readonly time: number; readonly answer: number };

export type HttpClientAnswer = {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
};

/** Throws `no-answer` when the other side cannot be reached or is too slow. */
export async function sendHttp(request: HttpClientRequest, bounds: HttpClientBounds): Promise<HttpClientAnswer> {
  const signal = AbortSignal.timeout(bounds.time);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { 'user-agent': 'sheaf', ...request.headers },
      body: request.body,
      redirect: 'manual',
      signal,
    });
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after') ?? undefined,
      body: await readBeginning(response, bounds.answer),
    };
  } catch (error) {
    const why = signal.aborted ? `no answer within ${bounds.time / 1000} s` : describeCause(error);
    throw new SheafError('no-answer', `Cannot send to ${new URL(request.url).origin}: ${why}`, { cause: error });
  }
}

async function readBeginning(response: Response, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk.subarray(0, limit - size));
    size += chunk.length;
    // Leaving the loop cancels the rest.
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** fetch hides the reason in the cause: ECONNREFUSED, ENOTFOUND, a certificate. */
function describeCause(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  return cause.message !== '' ? cause.message : ((cause as NodeJS.ErrnoException).code ?? cause.name);
}
