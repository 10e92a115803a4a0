/** A worker's own folder: `worker.json` says who it is and whom it works for, `key.pem` proves it. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { z } from 'zod';

import { SheafError } from '../../kit/error.ts';
import { isLabel, parseLabel, type Architecture, type Label } from '../../model/names.ts';
import { systemClock } from '../../kit/clock.ts';
import { createKeyFile, loadKeyFile, type SigningKey } from '../../plumbing/keys.ts';
import { WorkerClient } from '../../plumbing/worker-client.ts';

export type WorkerSettings = {
  /** Base URL of the server. */
  readonly server: string;
  readonly name: Label;
};

export type EnrolOptions = {
  /** The worker's own folder; made when it is missing. */
  readonly directory: string;
  readonly server: string;
  readonly token: string;
  readonly name: string;
  readonly architectures: readonly Architecture[];
  readonly pool: string;
};

const shape = z.strictObject({ server: z.url({ protocol: /^https?$/ }), name: z.string().refine(isLabel) });

/**
 * Makes this machine a worker of a server: a key of its own, and its name in the server's list, where it waits for
 * approval. Said again after it failed midway, it goes on with the same key.
 */
export async function enrol(options: EnrolOptions): Promise<{ readonly state: 'pending' | 'approved' | 'disabled' }> {
  const name = parseLabel(options.name);
  const settings = { server: options.server.replace(/\/+$/, ''), name };
  if (!shape.safeParse(settings).success) {
    throw new SheafError('bad-server', `Cannot enrol at ${JSON.stringify(options.server)}: it is not an http address`, {
      kind: 'usage',
      hint: 'Name it as "sheaf worker token" printed it, such as https://packages.example.org',
    });
  }
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const path = join(options.directory, 'key.pem');
  const key = await createKeyFile(path).catch((error: unknown) => {
    if (error instanceof SheafError && error.code === 'key-exists') return loadKeyFile(path);
    throw error;
  });
  const client = new WorkerClient({ ...settings, signer: { keyId: name, sign: key.sign }, clock: systemClock });
  try {
    const { architectures, token } = options;
    const answer = await client.enrol({
      token,
      name,
      publicKey: key.publicKey,
      architectures: [...architectures],
      pool: parseLabel(options.pool),
    });
    const temporary = join(options.directory, 'worker.json.new');
    await writeFile(temporary, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
    await rename(temporary, join(options.directory, 'worker.json'));
    return { state: answer.state };
  } finally {
    client.close();
  }
}

/** Throws `bad-worker` (kind environment) when this folder holds no enrolled worker. */
export async function readWorker(directory: string): Promise<{ settings: WorkerSettings; key: SigningKey }> {
  const file = join(directory, 'worker.json');
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new SheafError('bad-worker', `Cannot run a worker from ${directory}: worker.json cannot be read`, {
      kind: 'environment',
      hint: 'Enrol this machine first: sheaf worker enroll',
      cause: error,
    });
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    throw new SheafError('bad-worker', 'Cannot run a worker: worker.json does not have the expected form', {
      kind: 'environment',
      place: { file },
    });
  }
  const { server, name } = parsed.data;
  return { settings: { server, name: parseLabel(name) }, key: await loadKeyFile(join(directory, 'key.pem')) };
}
