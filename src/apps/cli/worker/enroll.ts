/** Making this machine a worker. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { text as readAll } from 'node:stream/consumers';

import { SheafError } from '../../../kit/error.ts';
import { sha256 } from '../../../kit/digest.ts';
import type { Architecture } from '../../../model/names.ts';
import { nativeArchitecture } from '../../../plumbing/native-architecture.ts';
import { runsNatively } from '../../../plumbing/sandbox/foreign.ts';
import { probeSandbox } from '../../../plumbing/sandbox/probe.ts';
import { createUnshareSandbox } from '../../../plumbing/sandbox/unshare.ts';
import { tokenForm } from '../../../plumbing/worker-protocol.ts';
import { enrol, readWorker } from '../../worker/mod.ts';
import { workerHome } from './home.ts';

export type EnrollOptions = {
  readonly server: string;
  readonly name?: string | undefined;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly architecture?: readonly Architecture[] | undefined;
  readonly pool: string;
  readonly home?: string | undefined;
};

export type Enrolled = {
  readonly worker: string;
  readonly server: string;
  readonly home: string;
  readonly state: 'pending' | 'approved' | 'disabled';
  /** What the server shows for its key. */
  readonly fingerprint: string;
};

export async function enroll(options: EnrollOptions): Promise<Enrolled> {
  const directory = workerHome(options.home);
  const name = options.name ?? hostname().split('.')[0]!;
  const architectures = options.architecture ?? [nativeArchitecture()];
  for (const architecture of architectures) await checkArchitecture(architecture);
  const { state } = await enrol({
    directory,
    server: options.server,
    token: await readToken(options),
    name,
    architectures,
    pool: options.pool,
  });
  const { key } = await readWorker(directory);
  const fingerprint = sha256(Buffer.from(key.publicKey, 'base64'));
  return { worker: name, server: options.server, home: directory, state, fingerprint };
}

/** Those of others are run by an emulator: jobs would come and fail one after the other without it. */
async function checkArchitecture(architecture: Architecture): Promise<void> {
  if (runsNatively(architecture, nativeArchitecture())) return;
  const probe = await probeSandbox(createUnshareSandbox(), architecture);
  if (probe.works) return;
  throw new SheafError('cannot-build', `Cannot enrol for ${architecture}: ${probe.reason}`, {
    kind: 'environment',
    hint: probe.hint,
  });
}

async function readToken({ token, tokenFile }: EnrollOptions): Promise<string> {
  if ((token === undefined) === (tokenFile === undefined)) {
    throw new SheafError('usage', 'Cannot enrol: exactly one of --token and --token-file is needed', {
      kind: 'usage',
      hint: makeToken,
    });
  }
  const word = token ?? firstLine(tokenFile === '-' ? await readAll(process.stdin) : await readTokenFile(tokenFile!));
  if (tokenForm.test(word)) return word;
  const what =
    tokenFile === undefined
      ? 'what --token says'
      : `what ${tokenFile === '-' ? 'standard input' : tokenFile} begins with`;
  throw new SheafError('no-token', `Cannot enrol: ${what} is no token`, { kind: 'usage', hint: makeToken });
}

const makeToken = 'On the server, make a token: sheaf worker token';

/** Below the token stands how to use it, where all was kept that was printed. */
const firstLine = (text: string) => text.trimStart().split('\n', 1)[0]!.trimEnd();

async function readTokenFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SheafError('no-token', `Cannot read the token: ${(cause as Error).message}`, {
      ...{ kind: 'usage', hint: makeToken, cause },
    });
  }
}
