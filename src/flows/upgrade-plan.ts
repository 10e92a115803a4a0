/** What apt and dpkg say of an upgrade, as values. */
import { compareVersions } from '../formats/deb/version.ts';
import { order } from '../kit/order.ts';
import type { Lock } from '../model/lock.ts';

export type Planned = { readonly name: string; readonly from?: string; readonly to?: string };

export type AptPlan = {
  readonly installed: readonly Planned[];
  readonly upgraded: readonly Planned[];
  readonly downgraded: readonly Planned[];
  readonly removed: readonly Planned[];
};

/** The lines of `apt-get --simulate`: `Inst NAME[:ARCH] [OLD] (NEW …)`, `Remv NAME[:ARCH] [OLD]`. */
export function parsePlan(output: string): AptPlan {
  const planned = output.split('\n').flatMap((line): Planned[] => {
    const match = /^(?<verb>Inst|Remv|Purg) (?<name>\S+)(?: \[(?<from>[^\]]+)\])?(?: \((?<to>\S+) )?/.exec(
      line,
    )?.groups;
    if (match === undefined) return [];
    const { verb, name, from, to } = match;
    return [
      { name: name!, ...(from === undefined ? {} : { from }), ...(verb === 'Inst' && to !== undefined && { to }) },
    ];
  });
  const moved = planned.filter(({ from, to }) => from !== undefined && to !== undefined);
  return {
    installed: planned.filter(({ from }) => from === undefined),
    upgraded: moved.filter(({ from, to }) => compareVersions(from!, to!) <= 0),
    downgraded: moved.filter(({ from, to }) => compareVersions(from!, to!) > 0),
    removed: planned.filter(({ to }) => to === undefined),
  };
}

export type Installed = {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  readonly status: string;
};

/** Lines `STATUS NAME ARCHITECTURE VERSION` of dpkg-query; removed packages whose settings stay are left out. */
export function parseInstalled(output: string): Installed[] {
  return output.split('\n').flatMap((line) => {
    const [status = '', name = '', architecture = '', version = ''] = line.split(' ');
    return version === '' || status === 'config-files' || status === 'not-installed'
      ? []
      : [{ status, name, architecture, version }];
  });
}

export type Difference = {
  /** With the architecture where that is not the root's: as apt takes it. */
  readonly name: string;
  /** A version; absent when the package should not be there. */
  readonly expected?: string;
  /** A version, and the status where that is not `installed`; absent when the package is not there. */
  readonly found?: string;
};

/** By name. */
export function differencesFrom(installed: readonly Installed[], lock: Lock): Difference[] {
  const isNative = (architecture: string) => architecture === 'all' || architecture === lock.architecture;
  const nameOf = ({ name, architecture }: { readonly name: string; readonly architecture: string }) =>
    isNative(architecture) ? name : `${name}:${architecture}`;
  const found = new Map(
    installed.map((each) => [
      nameOf(each),
      each.status === 'installed' ? each.version : `${each.version} (${each.status})`,
    ]),
  );
  const expected = new Map<string, string>(lock.packages.map((each) => [nameOf(each), each.version]));
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((name) => found.get(name) !== expected.get(name))
    .toSorted(order)
    .map((name) => ({
      name,
      ...(expected.has(name) && { expected: expected.get(name)! }),
      ...(found.has(name) && { found: found.get(name)! }),
    }));
}
