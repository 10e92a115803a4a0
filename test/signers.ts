/** People with real keys for tests: gpg and ssh-keygen in temporary homes. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Runs a program with bytes on its standard input; throws with its error output when it fails. */
export async function pipe(
  argv: readonly [string, ...string[]],
  input: Uint8Array | string = '',
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<Buffer> {
  const child = spawn(argv[0], argv.slice(1), {
    env: { PATH: process.env['PATH']!, LC_ALL: 'C', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const chunks: Buffer[] = [];
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${said}`);
  return Buffer.concat(chunks);
}

/** A GnuPG home with keys without passphrases. */
export class GpgHome {
  readonly directory: string;

  private constructor(directory: string) {
    this.directory = directory;
  }

  static async make(): Promise<GpgHome> {
    // A short path: the agent's socket lies in it. mkdtemp makes it 0700.
    return new GpgHome(await mkdtemp('/tmp/sheaf-gpg-'));
  }

  gpg(args: readonly string[], input: Uint8Array | string = '', at?: Date): Promise<Buffer> {
    const clock = at === undefined ? [] : ['--faked-system-time', `${stamp(at)}!`];
    const base = [
      '--homedir',
      this.directory,
      '--batch',
      '--yes',
      '--no-tty',
      '--quiet',
      '--pinentry-mode',
      'loopback',
    ];
    return pipe(['gpg', ...base, '--passphrase', '', ...clock, ...args], input);
  }

  /** A primary key; its fingerprint. `usage` and `expire` as gpg takes them. */
  async key(
    email: string,
    options: {
      readonly algorithm?: string;
      readonly usage?: string;
      readonly expire?: string;
      readonly at?: Date;
    } = {},
  ): Promise<string> {
    const { algorithm = 'ed25519', usage = 'sign,cert', expire = '0', at } = options;
    await this.gpg(['--quick-generate-key', `Test <${email}>`, algorithm, usage, expire], '', at);
    const listing = (await this.gpg(['--with-colons', '--list-keys', `=Test <${email}>`])).toString();
    return /^fpr:+([0-9A-F]{40}):/m.exec(listing)![1]!;
  }

  async subkey(
    fingerprint: string,
    options: {
      readonly algorithm?: string;
      readonly usage?: string;
      readonly expire?: string;
      readonly at?: Date;
    } = {},
  ): Promise<string> {
    const { algorithm = 'ed25519', usage = 'sign', expire = '0', at } = options;
    await this.gpg(['--quick-add-key', fingerprint, algorithm, usage, expire], '', at);
    const listing = (await this.gpg(['--with-colons', '--list-keys', fingerprint])).toString();
    return [...listing.matchAll(/^fpr:+([0-9A-F]{40}):/gm)].at(-1)![1]!;
  }

  exportKey(fingerprint: string, options: readonly string[] = []): Promise<Buffer> {
    return this.gpg([...options, '--armor', '--export', fingerprint]);
  }

  /** What git asks of gpg for a tag. */
  async sign(fingerprint: string, bytes: Uint8Array, at?: Date, more: readonly string[] = []): Promise<string> {
    return (await this.gpg([...more, '-bsau', `${fingerprint}!`], bytes, at)).toString();
  }

  /** gpg's own revocation certificate, imported; reason 0 none, 1 compromised, 2 superseded, 3 no longer used. */
  async revoke(fingerprint: string, reason: 0 | 1 | 2 | 3, at?: Date): Promise<void> {
    const answers = `y\n${reason}\nfor a test\n\ny\n`;
    const clock = at === undefined ? [] : ['--faked-system-time', `${stamp(at)}!`];
    const certificate = await pipe(
      [
        'gpg',
        '--homedir',
        this.directory,
        '--no-tty',
        '--quiet',
        '--command-fd',
        '0',
        '--pinentry-mode',
        'loopback',
        '--passphrase',
        '',
        ...clock,
        '--armor',
        '--gen-revoke',
        fingerprint,
      ],
      answers,
    );
    await this.gpg(['--import'], certificate, at);
  }

  async close(): Promise<void> {
    await new Promise((resolve) => execFile('gpgconf', ['--homedir', this.directory, '--kill', 'all'], resolve));
    await rm(this.directory, { recursive: true, force: true });
  }
}

function stamp(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
}

export type SshTestKey = { readonly file: string; readonly line: string };

/** A key pair of ssh-keygen's in `directory`. */
export async function sshKey(directory: string, name: string, type = 'ed25519', bits?: number): Promise<SshTestKey> {
  const file = join(directory, name);
  const size = bits === undefined ? [] : ['-b', String(bits)];
  await pipe(['ssh-keygen', '-q', '-t', type, ...size, '-N', '', '-C', `${name}@example.org`, '-f', file]);
  return { file, line: (await readFile(`${file}.pub`, 'utf8')).trim() };
}

/** What git asks of ssh-keygen for a tag. */
export async function sshSign(
  key: SshTestKey,
  bytes: Uint8Array,
  namespace = 'git',
  more: readonly string[] = [],
): Promise<string> {
  const directory = await mkdtemp('/tmp/sheaf-ssh-');
  try {
    const file = join(directory, 'data');
    await writeFile(file, bytes);
    await pipe(['ssh-keygen', '-q', '-Y', 'sign', '-n', namespace, '-f', key.file, ...more, file]);
    return await readFile(`${file}.sig`, 'utf8');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
