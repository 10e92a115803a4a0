/** `sheaf suite rollback`: an older snapshot's packages as the newest snapshot. */
import { rollBack, type OperationResult } from '../../../archive/mod.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { findSuite } from './show.ts';

export type RollbackOptions = {
  readonly snapshot: string;
  readonly reason: string | undefined;
  readonly dryRun: boolean;
};

export async function rollback(house: House, suite: string, options: RollbackOptions): Promise<OperationResult> {
  findSuite(house, suite);
  return rollBack(house.archive, { ...options, suite, by: commandLineActor() }, house.clock.now());
}
