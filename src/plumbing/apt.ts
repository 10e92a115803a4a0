/**
 * apt as the solver, on a state directory of our own: the host's packages, sources and settings have no part in it.
 *
 * One directory per upstream and architecture; its indexes are fetched by apt itself, so signatures,
 * hashes and Valid-Until are apt's to check. A lock file keeps processes apart.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { SheafError } from '../kit/error.ts';
import { sha256 } from '../kit/digest.ts';
import type { LockedPackage, LockSource } from '../model/lock.ts';
import { essentialNames, explainUnmet, parseUris } from './apt/answer.ts';
import { Answers } from './apt/answers.ts';
import {
  formatAptConfiguration,
  formatSources,
  inReleasePath,
  listPrefix,
  type AptSource,
  type SignedSource,
} from './apt/configuration.ts';
import { complaints, runApt as apt } from './apt/run.ts';
import { forgetUnusedStates } from './apt/unused-states.ts';
import { withFileLock } from './file-lock.ts';
import { replaceFile } from './replace-file.ts';

export type { AptSource };

export type AptRequest = {
  readonly architecture: string;
  /** Fetched again only when older than `upstreamAge`. */
  readonly upstream: readonly AptSource[];
  /** Fetched again whenever they differ from last time or are older than `ownAge`. */
  readonly own: readonly AptSource[];
  /** Comma-separated dependencies as in Build-Depends, restrictions included. */
  readonly depends: string;
  readonly conflicts: string;
  /** Fetch all indexes again first. */
  readonly refresh?: boolean;
};

export type AptAnswer =
  | { readonly kind: 'solved'; readonly packages: readonly LockedPackage[]; readonly sources: readonly LockSource[] }
  | { readonly kind: 'unmet'; readonly explanation: string };

export type AptOptions = {
  /** Where the state directories are. */
  readonly directory: string;
  readonly now?: () => Date;
  /** Milliseconds; default 15 minutes. */
  readonly upstreamAge?: number;
  /** Milliseconds; default 5 seconds. */
  readonly ownAge?: number;
};

export type Apt = {
  /** The packages that an empty system with all essential packages and the request would have. */
  readonly solve: (request: AptRequest) => Promise<AptAnswer>;
};

/** Throws `apt-update-failed`, `apt-failed` and what `run` throws. */
export function createApt(options: AptOptions): Apt {
  return {
    solve: async (request) => {
      const directory = join(resolve(options.directory), stateName(request));
      const isNew = (await mkdir(directory, { recursive: true, mode: 0o755 })) !== undefined;
      if (isNew) await forgetUnusedStates(resolve(options.directory), options.now?.() ?? new Date());
      return withFileLock(join(directory, 'lock'), async () => solveIn(directory, request, options), 5 * 60_000);
    },
  };
}

/** Own suites come and go with every snapshot: they are no part of the name. */
function stateName(request: AptRequest): string {
  const words = [
    request.architecture,
    ...request.upstream.map((source) => [source.url, source.suites, source.components]),
  ];
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 24);
}

async function solveIn(directory: string, request: AptRequest, options: AptOptions): Promise<AptAnswer> {
  const texts = await configure(directory, request);
  await update(directory, request, options, texts);
  const sources = await readSources(directory, [...request.upstream, ...request.own]);
  const essential = await findEssential(directory, sources);
  const wanted = [...essential, ...splitList(request.depends)].join(', ');
  const unwanted = splitList(request.conflicts);
  const remembered = new Answers(directory, [texts, sources, wanted, unwanted]);
  const known = await remembered.recall();
  if (known !== undefined) return { kind: 'solved', packages: known, sources };
  const flags = ['--print-uris', '--yes', '--quiet', '--no-install-recommends'];
  const conflicts = unwanted.length === 0 ? [] : [`Conflicts: ${unwanted.join(', ')}`];
  const result = await apt(directory, ['satisfy', ...flags, '--', wanted, ...conflicts]);
  const stdout = result.stdout.toString();
  if (result.code === 0) {
    const packages = parseUris(stdout);
    await remembered.remember(packages);
    return { kind: 'solved', packages, sources };
  }
  const explanation = explainUnmet(stdout, result.stderr);
  if (explanation !== undefined) return { kind: 'unmet', explanation };
  throw new SheafError('apt-failed', `Cannot solve with apt: ${complaints(result)}`, { kind: 'environment' });
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.replaceAll(/\s+/g, ' ').trim())
    .filter((part) => part !== '');
}

/** What the two files of sources say. */
type SourceTexts = { readonly upstream: string; readonly own: string };

/** Writes apt.conf and the sources. */
async function configure(directory: string, request: AptRequest): Promise<SourceTexts> {
  const made = ['etc/sources.list.d', 'lists/partial', 'cache/archives/partial', 'log', 'stamps'];
  for (const name of made) await mkdir(join(directory, name), { recursive: true });
  const user = await methodUser(directory);
  await writeFile(join(directory, 'status'), '', { flag: 'a' });
  const { architecture } = request;
  await writeFile(join(directory, 'apt.conf'), formatAptConfiguration({ directory, architecture, user }));
  const write = async (name: string, sources: readonly AptSource[]) => {
    const text = formatSources(await Promise.all(sources.map(withKeys)), architecture);
    const file = join(directory, 'etc/sources.list.d', `${name}.sources`);
    // apt builds its cache again when this file is newer.
    if ((await readFile(file, 'utf8').catch(() => undefined)) !== text) await writeFile(file, text);
    return text;
  };
  return { upstream: await write('upstream', request.upstream), own: await write('own', request.own) };
}

async function withKeys(source: AptSource): Promise<SignedSource> {
  const keys = await readFile(source.keyring).catch((error: unknown) => {
    throw new SheafError('keyring-missing', `Cannot read the keyring ${source.keyring} of ${source.url}`, {
      kind: 'environment',
      hint: "Debian's keys are in the package debian-archive-keyring.",
      cause: error,
    });
  });
  return { ...source, keys };
}

/** Root lets apt's methods run as _apt where that user can reach the directory. */
async function methodUser(directory: string): Promise<string> {
  if (process.getuid!() !== 0) return '';
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  if (!/^_apt:/m.test(passwd)) return 'root';
  for (let path = directory; path !== '/'; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return 'root';
  }
  return '_apt';
}

async function update(directory: string, request: AptRequest, options: AptOptions, texts: SourceTexts): Promise<void> {
  const now = (options.now ?? (() => new Date()))().getTime();
  const all = [...request.upstream, ...request.own];
  if (
    request.refresh === true ||
    (await isDue(directory, 'upstream', texts, now, options.upstreamAge ?? 15 * 60_000))
  ) {
    await fetchIndexes(directory, all, []);
    await stamp(directory, 'upstream', texts, now);
    await stamp(directory, 'own', texts, now);
  } else if (request.own.length > 0 && (await isDue(directory, 'own', texts, now, options.ownAge ?? 5000))) {
    await fetchIndexes(directory, all, onlyOwn(directory));
    await stamp(directory, 'own', texts, now);
  }
}

/** Only our own sources; what is there of the others stays, and apt's cache of them all is not replaced by one of ours. */
function onlyOwn(directory: string): string[] {
  const settings = [
    `Dir::Etc::sourcelist=${join(directory, 'etc/sources.list.d/own.sources')}`,
    'Dir::Etc::sourceparts=/dev/null',
    'APT::Get::List-Cleanup=false',
    'Dir::Cache::pkgcache=',
    'Dir::Cache::srcpkgcache=',
  ];
  return settings.flatMap((setting) => ['-o', setting]);
}

/** A stamp is written when indexes are there: when, and for which sources. */
async function isDue(
  directory: string,
  name: keyof SourceTexts,
  texts: SourceTexts,
  now: number,
  age: number,
): Promise<boolean> {
  const text = await readFile(join(directory, 'stamps', name), 'utf8').catch(() => '');
  const [time, digest] = text.split(' ');
  return digest !== sha256(texts[name]) || Number(time) > now || now - Number(time) >= age;
}

async function stamp(directory: string, name: keyof SourceTexts, texts: SourceTexts, now: number): Promise<void> {
  await writeFile(join(directory, 'stamps', name), `${now} ${sha256(texts[name])}`);
}

async function fetchIndexes(
  directory: string,
  sources: readonly AptSource[],
  options: readonly string[],
): Promise<void> {
  const result = await apt(directory, ['update', '--quiet', ...options]);
  if (result.code !== 0) {
    await rm(join(directory, 'stamps/own'), { force: true });
    const names = sources.map((source) => source.url).join(', ');
    throw new SheafError('apt-update-failed', `Cannot fetch the package indexes of ${names}: ${complaints(result)}`, {
      kind: 'environment',
      hint: 'Check the address, the network and the keyring of the upstream in sheaf.toml.',
    });
  }
  const prefixes = sources.map((source) => listPrefix(source.url));
  for (const name of await readdir(join(directory, 'lists'))) {
    const ours = prefixes.some((prefix) => name.startsWith(prefix));
    if (!ours && /_(?:InRelease|Release(?:\.gpg)?|Packages)$/.test(name))
      await rm(join(directory, 'lists', name), { force: true });
  }
}

async function readSources(directory: string, sources: readonly AptSource[]): Promise<LockSource[]> {
  const found: LockSource[] = [];
  for (const source of sources) {
    for (const suite of source.suites) {
      const bytes = await readFile(inReleasePath(join(directory, 'lists'), source.url, suite)).catch(
        (error: unknown) => {
          throw new SheafError(
            'apt-update-failed',
            `Cannot find the InRelease of ${source.url} ${suite}: apt did not keep it`,
            {
              kind: 'environment',
              cause: error,
            },
          );
        },
      );
      const date = /^Date: (.+)$/m.exec(bytes.toString())?.[1]?.trim() ?? '';
      found.push({ url: source.url.replace(/\/+$/, ''), suite, inRelease: sha256(bytes), date });
    }
  }
  return found;
}

/** The essential packages of all indexes; remembered until an index changes. */
async function findEssential(directory: string, sources: readonly LockSource[]): Promise<string[]> {
  const key = sources.map((source) => source.inRelease).join(' ');
  const file = join(directory, 'stamps/essential');
  const [known, names] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  if (known === key && names !== undefined && names !== '') return names.split(' ');
  const found = new Set<string>();
  for (const name of await readdir(join(directory, 'lists'))) {
    if (!name.endsWith('_Packages')) continue;
    for (const each of essentialNames(await readFile(join(directory, 'lists', name)))) found.add(each);
  }
  if (found.size === 0) {
    throw new SheafError('apt-failed', 'Cannot solve with apt: no index has an essential package', {
      kind: 'environment',
      hint: 'The upstream in sheaf.toml must be a whole distribution, such as Debian\'s "main".',
    });
  }
  const essential = [...found].toSorted();
  await replaceFile(file, `${key}\n${essential.join(' ')}\n`);
  return essential;
}
