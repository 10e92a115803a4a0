/** The keys that sign the archive. They need no database: a broken one must not hide them. */
import { mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { hasEnded } from '../../../archive/mod.ts';
import { describeError, SheafError } from '../../../kit/error.ts';
import type { Distribution } from '../../../model/distribution.ts';
import { createSigningKey, loadSigner } from '../../../plumbing/signer.ts';
import { readDistribution } from '../../../policy/mod.ts';
import { pathsOf, signingKeyFile } from '../../paths.ts';
import { styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';

export type ArchiveKey = {
  readonly repository: string;
  readonly file: string;
  readonly fingerprint: string | undefined;
  /** Undefined: never. */
  readonly expires: Date | undefined;
  /** What is wrong with it. */
  readonly problem: string | undefined;
};

export async function listKeys(directory: string, now: Date): Promise<ArchiveKey[]> {
  const distribution = await readDistribution(directory);
  const keys = [...distribution.repositories.keys()].map(async (repository): Promise<ArchiveKey[]> => {
    const file = signingKeyFile(pathsOf(directory), repository);
    try {
      const { keys } = await loadSigner(file);
      return keys.map(({ file, fingerprint, expires }) => ({
        repository,
        file,
        fingerprint,
        expires,
        problem: expires !== undefined && expires <= now ? `It expired on ${formatDay(expires)}` : undefined,
      }));
    } catch (error) {
      return [{ repository, file, fingerprint: undefined, expires: undefined, problem: describeError(error) }];
    }
  });
  return (await Promise.all(keys)).flat();
}

export function formatKeys(keys: readonly ArchiveKey[]): string[] {
  const isDated = keys.some(({ expires }) => expires !== undefined);
  return formatTable(keys, [
    text('repository', (row) => row.repository),
    { title: 'state', cell: (row) => styleState(stateOf(row)) },
    text('fingerprint', (row) => row.fingerprint),
    ...(isDated ? [text<ArchiveKey>('expires', ({ expires }) => expires && formatDay(expires))] : []),
    text('file', (row) => (row.fingerprint === undefined ? row.problem : row.file)),
  ]);
}

function stateOf({ fingerprint, problem }: ArchiveKey): string {
  if (problem === undefined) return 'ok';
  return fingerprint === undefined ? 'missing' : 'expired';
}

function formatDay(date: Date): string {
  return date.toISOString().slice(0, 10);
}

export async function readArchiveKey(directory: string, repository: string) {
  const distribution = await readDistribution(directory);
  const signer = await loadSigner(signingKeyFile(pathsOf(directory), known(distribution, repository)));
  return { repository, fingerprint: signer.fingerprint, publicKey: signer.publicKeyArmored };
}

export async function createArchiveKey(directory: string, repository: string, now: Date) {
  const distribution = await readDistribution(directory);
  const file = signingKeyFile(pathsOf(directory), known(distribution, repository));
  return {
    repository,
    file: join('secrets', `${repository}.asc`),
    fingerprint: await createSigningKey(file, { name: keyName(distribution, repository) }, now),
  };
}

/** A further key beside those there are: each Release is signed by all of them. Returns the new one. */
export async function rotateArchiveKey(directory: string, repository: string, now: Date) {
  const distribution = await readDistribution(directory);
  const first = signingKeyFile(pathsOf(directory), known(distribution, repository));
  const before = await loadSigner(first);
  const day = now.toISOString().slice(0, 10).replaceAll('-', '');
  const file = join(dirname(first), `${repository}.${day}.asc`);
  const made = before.keys.find((key) => key.file === file);
  if (made !== undefined) {
    throw new SheafError(
      'key-exists',
      `Cannot make one more key for "${repository}": ${made.fingerprint} is of today`,
      {
        kind: 'usage',
        hint: `It signs already, beside what it replaces; that goes with: sheaf key retire ${repository} FINGERPRINT`,
      },
    );
  }
  const fingerprint = await createSigningKey(file, { name: keyName(distribution, repository) }, now);
  return {
    ...{ repository, file: join('secrets', basename(file)), fingerprint, beside: before.keys.map(fingerprintOf) },
    suites: suitesOf(distribution, repository, now),
  };
}

/** Moves a key away, so that it signs no more; the last one stays. Returns where it is now, and which still sign. */
export async function retireArchiveKey(directory: string, repository: string, fingerprint: string, now: Date) {
  const distribution = await readDistribution(directory);
  const { keys } = await loadSigner(signingKeyFile(pathsOf(directory), known(distribution, repository)));
  const wanted = fingerprint.replaceAll(/\s/g, '').toUpperCase();
  const found = keys.find((key) => key.fingerprint === wanted);
  if (found === undefined) {
    throw new SheafError('unknown-key', `Cannot retire key "${fingerprint}": it does not sign "${repository}"`, {
      kind: 'usage',
      hint: `The keys there are: ${keys.map(fingerprintOf).join(', ')}`,
    });
  }
  const left = keys.filter((key) => key !== found);
  if (left.length === 0) {
    throw new SheafError('last-key', `Cannot retire key ${wanted}: it is the only one of "${repository}"`, {
      kind: 'usage',
      hint: `First make its successor, and wait until clients have it: sheaf key rotate ${repository}`,
    });
  }
  const file = join(dirname(found.file), 'retired', `${wanted}.asc`);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await rename(found.file, file);
  return {
    repository,
    fingerprint: wanted,
    file: join('secrets/retired', basename(file)),
    left: left.map(fingerprintOf),
    suites: suitesOf(distribution, repository, now),
  };
}

/** Those that are to be published with other keys; one that has ended keeps its last signatures. */
function suitesOf({ suites }: Distribution, repository: string, now: Date): string[] {
  return [...suites.values()]
    .filter((suite) => suite.repository === repository && !hasEnded(suite, now))
    .map(({ name }) => name);
}

/** What is left to do when other keys sign. */
export function formatPublishing(suites: readonly string[]): string[] {
  if (suites.length === 0) return [];
  return ['Restart the server, then publish:', ...suites.map((suite) => `  sheaf suite publish ${suite} --force`)];
}

function fingerprintOf({ fingerprint }: { readonly fingerprint: string }): string {
  return fingerprint;
}

function keyName({ title }: Distribution, repository: string): string {
  return `${title} archive signing key (${repository})`;
}

function known(distribution: Distribution, repository: string): string {
  const names = [...distribution.repositories.keys()];
  if (names.some((name) => name === repository)) return repository;
  throw new SheafError(
    'unknown-repository',
    `Cannot find repository "${repository}": sheaf.toml has none of this name`,
    {
      kind: 'usage',
      hint: `The repositories there are: ${names.join(', ')}`,
    },
  );
}
