/** Freezing and thawing a suite by hand. */
import { freezeSuite, thawSuite, type FreezeResult } from '../../../archive/mod.ts';
import type { House } from '../../house.ts';
import { commandLineActor } from '../actor.ts';
import { findSuite } from './show.ts';

export type Verb = 'freeze' | 'thaw';

export async function act(house: House, verb: Verb, name: string, reason: string | undefined): Promise<FreezeResult> {
  const suite = findSuite(house, name);
  const request = { suite: suite.name, by: commandLineActor(), reason };
  const change = verb === 'freeze' ? freezeSuite : thawSuite;
  return change(house.archive, request, house.clock.now());
}

export function format(verb: Verb, suite: string, result: FreezeResult): string[] {
  const state = verb === 'freeze' ? 'frozen' : 'thawed';
  if (result.kind === 'refused') return ['Refused:', ...result.reasons.map((reason) => `  ${reason}`)];
  if (result.kind === 'done') return [`Suite ${suite} is ${state}.`];
  return [verb === 'freeze' ? `Suite ${suite} was frozen already.` : `Suite ${suite} was not frozen.`];
}
