/** The keys that sign the archive. They need no database: a broken one must not hide them. */
import { join } from 'node:path';

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
  /** What is wrong with it. */
  readonly problem: string | undefined;
};

export async function listKeys(directory: string): Promise<ArchiveKey[]> {
  const distribution = await readDistribution(directory);
  return Promise.all(
    [...distribution.repositories.keys()].map(async (repository): Promise<ArchiveKey> => {
      const file = signingKeyFile(pathsOf(directory), repository);
      try {
        return { repository, file, fingerprint: (await loadSigner(file)).fingerprint, problem: undefined };
      } catch (error) {
        return { repository, file, fingerprint: undefined, problem: describeError(error) };
      }
    }),
  );
}

export function formatKeys(keys: readonly ArchiveKey[]): string[] {
  return formatTable(keys, [
    text('repository', (row) => row.repository),
    { title: 'state', cell: (row) => styleState(row.problem === undefined ? 'ok' : 'missing') },
    text('fingerprint', (row) => row.fingerprint),
    text('file', (row) => row.problem ?? row.file),
  ]);
}

export async function readArchiveKey(directory: string, repository: string) {
  const distribution = await readDistribution(directory);
  const signer = await loadSigner(signingKeyFile(pathsOf(directory), known(distribution, repository)));
  return { repository, fingerprint: signer.fingerprint, publicKey: signer.publicKeyArmored };
}

export async function createArchiveKey(directory: string, repository: string, now: Date) {
  const distribution = await readDistribution(directory);
  const file = signingKeyFile(pathsOf(directory), known(distribution, repository));
  const name = `${distribution.title} archive signing key (${repository})`;
  return {
    repository,
    file: join('secrets', `${repository}.asc`),
    fingerprint: await createSigningKey(file, { name }, now),
  };
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
