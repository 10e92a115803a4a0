/** `sheaf suite remove`: the next snapshot is without some packages. */
import { removePackages, type OperationResult } from '../../../archive/mod.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { findSuite } from './show.ts';

export type RemoveOptions = {
  readonly packages: readonly string[];
  readonly of: 'source' | 'binary';
  readonly reason: string | undefined;
  readonly dryRun: boolean;
};

export async function remove(house: House, suite: string, options: RemoveOptions): Promise<OperationResult> {
  findSuite(house, suite);
  return removePackages(house.archive, { ...options, suite, by: commandLineActor() }, house.clock.now());
}
