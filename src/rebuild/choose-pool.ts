/** Whose workers rebuild: never those of a pool that built the original, for their word would be worth nothing. Pure. */
import { order } from '../kit/order.ts';
import { parseLabel, type Label } from '../model/names.ts';

export type Pools = {
  /** Pools with approved workers for the architecture, and how many jobs each of these has before it. */
  readonly able: readonly { readonly pool: string; readonly load: number }[];
  /** Pools that built the original; none for what was built elsewhere. */
  readonly builders: readonly string[];
};

export type PoolChoice =
  | { readonly kind: 'pools'; /** The one with least to do first. */ readonly pools: readonly [Label, ...Label[]] }
  /** Nobody can: why not, and the way out. */
  | { readonly kind: 'none'; readonly reason: string };

export function choosePools({ able, builders }: Pools, architecture: string): PoolChoice {
  const [first, ...others] = able
    .filter(({ pool }) => !builders.includes(pool))
    .toSorted((a, b) => a.load - b.load || order(a.pool, b.pool))
    .map(({ pool }) => parseLabel(pool));
  if (first !== undefined) return { kind: 'pools', pools: [first, ...others] };
  if (able.length === 0) {
    return {
      kind: 'none',
      reason: `No approved worker is for ${architecture}: enrol one with sheaf worker enroll --pool NAME`,
    };
  }
  const names = able.map(({ pool }) => pool).toSorted(order);
  const which = names.length === 1 ? `Only pool ${names[0]} has` : `Only pools ${names.join(', ')} have`;
  return {
    kind: 'none',
    reason:
      `${which} workers for ${architecture}, and built the original: ` +
      'enrol one in another with sheaf worker enroll --pool NAME',
  };
}
