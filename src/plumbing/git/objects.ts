/** Reading objects out of a bare repository through two `git cat-file` children that live as long as the reader. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';

import { hashOfId, isObjectType, objectHeader } from '../../formats/git/mod.ts';
import { SheafError } from '../../kit/error.ts';
import { isObjectId, type ObjectId } from '../../model/names.ts';
import { gitArguments } from './command.ts';
import type { GitObject, GitObjects, ObjectInfo } from './port.ts';

export class CatFile implements GitObjects {
  readonly #directory: string;
  readonly #env: Readonly<Record<string, string>>;
  #check: Child | undefined;
  #contents: Child | undefined;
  /** Calls take turns: answers come in the order of questions. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(directory: string, env: Readonly<Record<string, string>>) {
    this.#directory = directory;
    this.#env = env;
  }

  info(id: ObjectId): Promise<ObjectInfo | undefined> {
    return this.#inTurn(async () => {
      this.#check ??= this.#start('--batch-check');
      return parseAnswer(id, await this.#check.ask(id));
    });
  }

  async read(id: ObjectId, limit: number): Promise<GitObject> {
    const info = await this.info(id);
    if (info === undefined) throw missing(id);
    if (info.size > limit) {
      throw new SheafError(
        'git-object-too-large',
        `Cannot read git object ${id}: it has ${info.size} bytes, more than ${limit}`,
      );
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.stream(id)) chunks.push(chunk);
    return { ...info, bytes: new Uint8Array(Buffer.concat(chunks)) };
  }

  async *stream(id: ObjectId): AsyncIterable<Uint8Array> {
    const before = this.#turn;
    const { promise, resolve: release } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    let complete = false;
    try {
      this.#contents ??= this.#start('--batch');
      const child = this.#contents;
      const info = parseAnswer(id, await child.ask(id));
      if (info === undefined) {
        complete = true;
        throw missing(id);
      }
      const hash = createHash(hashOfId(id)).update(objectHeader(info.type, info.size));
      for await (const chunk of child.take(info.size)) {
        hash.update(chunk);
        yield chunk;
      }
      // One LF ends the answer.
      for await (const _ of child.take(1));
      complete = true;
      const digest = hash.digest('hex');
      if (digest !== id) {
        throw new SheafError('git-object-corrupt', `Cannot read git object ${id}: its bytes have the id ${digest}`);
      }
    } finally {
      // A reader that stopped half-way leaves the child in the middle of an answer.
      if (!complete) {
        this.#contents?.kill();
        this.#contents = undefined;
      }
      release();
    }
  }

  async close(): Promise<void> {
    this.#check?.kill();
    this.#contents?.kill();
    this.#check = undefined;
    this.#contents = undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  #start(mode: '--batch' | '--batch-check'): Child {
    return new Child(gitArguments([`--git-dir=${this.#directory}`, 'cat-file', mode]), this.#env);
  }
}

/** `ID SP TYPE SP SIZE`, or `ID SP missing`. */
function parseAnswer(id: ObjectId, line: string): ObjectInfo | undefined {
  if (line === `${id} missing`) return undefined;
  const [seen, type, size] = line.split(' ');
  if (seen !== id || type === undefined || !isObjectType(type) || !/^\d{1,15}$/.test(size ?? '')) {
    throw new SheafError(
      'git-failed',
      `Cannot read git object ${id}: git answered ${JSON.stringify(line.slice(0, 120))}`,
    );
  }
  return { type, size: Number(size) };
}

function missing(id: ObjectId): SheafError {
  return new SheafError('git-object-missing', `Cannot read git object ${id}: it is not in the repository`);
}

/** One `git cat-file` with its answers as a byte stream. */
class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #output: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array(0);

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#process = spawn('git', args, { env: { ...env }, stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process.on('error', () => {});
    this.#process.stdin.on('error', () => {});
    this.#output = this.#process.stdout[Symbol.asyncIterator]();
  }

  async ask(id: ObjectId): Promise<string> {
    if (!isObjectId(id)) throw new SheafError('git-failed', 'Cannot ask git for an object: that is no object id');
    this.#process.stdin.write(`${id}\n`);
    for (;;) {
      const end = this.#held.indexOf(0x0a);
      if (end !== -1) {
        const line = Buffer.from(this.#held.subarray(0, end)).toString('latin1');
        this.#held = this.#held.subarray(end + 1);
        return line;
      }
      if (this.#held.length > 4096) throw new SheafError('git-failed', 'Cannot read git’s answer: it has no end');
      this.#held = Buffer.concat([this.#held, await this.#more()]);
    }
  }

  async *take(size: number): AsyncIterable<Uint8Array> {
    let left = size;
    while (left > 0) {
      if (this.#held.length === 0) this.#held = await this.#more();
      const part = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async #more(): Promise<Uint8Array> {
    const { value, done } = await this.#output.next();
    if (done === true) throw new SheafError('git-failed', 'Cannot read git objects: git ended early');
    return value;
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}
