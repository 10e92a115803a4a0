/** The key of this house as a rebuilder: what it rebuilds without a worker it signs itself. Made when first needed. */
import { join } from 'node:path';

import { SheafError } from '../kit/error.ts';
import type { Distribution } from '../model/distribution.ts';
import { createKeyFile, loadKeyFile, type SigningKey } from '../plumbing/keys.ts';
import type { Paths } from './paths.ts';

export type HouseRebuilder = SigningKey & { readonly name: string };

/** Throws `bad-key` when the file is there and cannot be used. */
export async function openRebuilder(
  paths: Pick<Paths, 'state'>,
  distribution: Pick<Distribution, 'name'>,
): Promise<HouseRebuilder> {
  const file = join(paths.state, 'rebuilder.pem');
  const key = await createKeyFile(file).catch((error: unknown) => {
    if (error instanceof SheafError && error.code === 'key-exists') return loadKeyFile(file);
    throw error;
  });
  return { name: distribution.name, ...key };
}
