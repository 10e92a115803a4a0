/** Making a distribution's folder: everything is checked first, then written, and nothing is ever overwritten. */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import { SheafError } from '../../../kit/error.ts';
import { newSecret } from '../../../kit/secret.ts';
import { isFolder } from '../../../plumbing/is-folder.ts';
import { createSigningKey } from '../../../plumbing/signer.ts';
import { parseDistribution } from '../../../policy/mod.ts';
import { pathsOf, signingKeyFile } from '../../paths.ts';
import { settingsText } from './settings.ts';

export type InitOptions = {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  readonly listen?: string | undefined;
  readonly codename?: string | undefined;
};

export type Made = {
  readonly directory: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly files: readonly { readonly path: string; readonly purpose: string }[];
};

const repository = 'main';
const webhook = 'git';

/** Throws `exists` when any of the files is there already, `bad-settings` when an option makes no sense. */
export async function makeDistribution(dir: string, options: InitOptions, now: Date): Promise<Made> {
  const directory = resolve(dir);
  const paths = pathsOf(directory);
  const name = options.name ?? nameOf(basename(directory));
  const settings = settingsText({
    name,
    repository,
    webhook,
    url: options.url,
    listen: options.listen,
    codename: options.codename ?? (await hostCodename()) ?? 'trixie',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
  });
  // The same reader as everybody's: what init writes is what serve takes.
  const distribution = checked(() => parseDistribution(settings, paths.settings, directory));
  const keyFile = signingKeyFile(paths, repository);
  const secretFile = join(paths.secrets, `webhook-${webhook}`);
  const ignoreFile = join(directory, '.gitignore');
  await refuseExisting([paths.settings, keyFile, secretFile, ignoreFile]);

  await makeFolders(paths.keys, 0o777);
  await makeFolders(paths.secrets, 0o700);
  await writeFile(ignoreFile, '/secrets/\n/state/\n', { flag: 'wx' });
  const fingerprint = await createSigningKey(keyFile, { name: `${distribution.title} archive signing key` }, now);
  await writeFile(secretFile, `${newSecret()}\n`, { flag: 'wx', mode: 0o600 });
  await writeFile(paths.settings, settings, { flag: 'wx' });
  return {
    directory,
    name,
    fingerprint,
    files: [
      { path: 'sheaf.toml', purpose: 'every setting, with comments' },
      { path: 'keys/', purpose: 'put the public keys of people here' },
      { path: `secrets/${repository}.asc`, purpose: `the archive's signing key ${fingerprint}: keep a copy in a safe` },
      { path: `secrets/webhook-${webhook}`, purpose: 'the secret that your git hosting shares' },
      { path: '.gitignore', purpose: 'keeps secrets/ and state/ out of git' },
    ],
  };
}

/** The place is that of a file which is not written: what was wrong is an option. */
function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SheafError)) throw error;
    throw new SheafError(error.code, error.message.replace('Cannot read settings', 'Cannot make a distribution'), {
      kind: error.kind,
      hint: 'Nothing was written. See: sheaf init --help',
      cause: error,
    });
  }
}

/** One after the other: "recursive" of mkdir goes round for ever where the system takes no new folders, as in /proc. */
async function makeFolders(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await isFolder(folder))) return;
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolders(dirname(folder), 0o777);
    await mkdir(folder, { mode });
  }
}

async function refuseExisting(files: readonly string[]): Promise<void> {
  for (const file of files) {
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    if (exists) {
      throw new SheafError('exists', `Cannot make a distribution: ${file} exists already`, {
        hint: 'Choose another folder. Nothing was written.',
      });
    }
  }
}

/** `grove-os` → `Grove-os`: letters of any script, but no signs that would look like an address in a key's name. */
function nameOf(folder: string): string {
  const words = folder.normalize('NFC').replaceAll(/[^\p{L}\p{M}\p{N} ._-]+/gu, ' ');
  const [name] = /^.{0,60}/u.exec(words.replaceAll(/ +/g, ' ').trim())!;
  return name === '' ? 'Distribution' : name.replace(/^./u, (first) => first.toUpperCase());
}

/** The codename when this machine runs a release of Debian. */
async function hostCodename(): Promise<string | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID=debian$/m.test(text) ? /^VERSION_CODENAME=([a-z]+)$/m.exec(text)?.[1] : undefined;
}
