/** `sheaf suite copy`: packages of one suite into another. */
import { copyPackages, type OperationResult } from '../../../archive/mod.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { findSuite } from './show.ts';

export type CopyOptions = {
  readonly from: string;
  readonly to: string;
  readonly packages: readonly string[];
  readonly reason: string | undefined;
  readonly dryRun: boolean;
};

export async function copy(house: House, options: CopyOptions): Promise<OperationResult> {
  for (const name of [options.from, options.to]) findSuite(house, name);
  return copyPackages(house.archive, { ...options, by: commandLineActor() }, house.clock.now());
}

export function formatOperation(suite: string, result: OperationResult): string[] {
  if (result.kind === 'refused') return ['Refused:', ...result.reasons.map((reason) => `  ${reason}`)];
  const { entering, leaving, leftOut, number } = result;
  const nothing = entering.length + leaving.length === 0;
  const at = number === undefined ? '' : ` ${suite} is at ${suite}@${number}.`;
  return [
    ...entering.map((each) => `  + ${each}`),
    ...leaving.map((each) => `  - ${each}`),
    ...leftOut.map((each) => `  left out: ${each}: ${suite} does not have this architecture`),
    nothing ? `Nothing to do.${at}` : number === undefined ? 'A dry run: nothing has changed.' : `Done.${at}`,
  ];
}
