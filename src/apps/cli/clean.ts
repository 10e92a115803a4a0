/** Text from elsewhere, made harmless for a terminal: what it says is shown, what it commands is not. */

/** One line: line ends and other controls become spaces. */
export function clean(text: string): string {
  return text.replaceAll(/\p{Cc}+|[\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu, ' ');
}

/** Keeps line feeds. */
export function cleanLines(text: string): string {
  return text.split('\n').map(clean).join('\n');
}

/**
 * A log on its way to a terminal, in chunks: escape sequences are dropped whole, even when cut between two chunks, as
 * are all controls but line feed, tab and carriage return.
 */
export class LogCleaner {
  readonly #decoder = new TextDecoder();
  #rest = '';

  push(chunk: Uint8Array): string {
    return this.#take(this.#decoder.decode(chunk, { stream: true }));
  }

  end(): string {
    const text = this.#take(this.#decoder.decode());
    this.#rest = '';
    return text;
  }

  #take(more: string): string {
    const text = this.#rest + more;
    // An escape sequence that has not ended yet waits for the next chunk, unless it is no sequence at all.
    const open = /\u001b(?:\[[0-?]*[ -/]*|[\]P^_X][^\u0007\u001b]*\u001b?|[ -/]*)?$/.exec(text);
    const cut = open !== null && text.length - open.index < 4096 ? open.index : text.length;
    this.#rest = text.slice(cut);
    return text
      .slice(0, cut)
      .replaceAll(/\u001b\[[0-?]*[ -/]*[@-~]|\u001b[\]P^_X][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g, '')
      .replaceAll(/(?![\n\t\r])\p{Cc}/gu, '');
  }
}
