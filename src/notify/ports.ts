/** What telling the outside needs: one HTTP request at a time, and the secrets that sign it. */

export type HttpRequest = {
  readonly method: 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type HttpAnswer = {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The beginning of the body, at most as long as was asked for. */
  readonly body: string;
};

/** Milliseconds for everything together, and bytes of the answer that are read. */
export type HttpBounds = { readonly time: number; readonly answer: number };

/** Sends one request, follows no redirection, rejects when no answer comes in time. */
export type SendHttp = (request: HttpRequest, bounds: HttpBounds) => Promise<HttpAnswer>;

/** The secret in a file, without the white space around it. Rejects when it cannot be read. */
export type ReadSecret = (file: string) => Promise<string>;
