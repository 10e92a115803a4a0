/** An installed system as a lock: what dpkg says is installed, by what the history knows. */
import { field, parseStanzas } from '../formats/deb/deb822.ts';
import { parseAutoInstalled } from '../formats/deb/status-lists.ts';
import { parseStatus, readStatus, type StatusEntry } from '../formats/deb/status.ts';
import { SheafError } from '../kit/error.ts';
import { order } from '../kit/order.ts';
import type { LockRequest } from '../model/lock.ts';
import { isArchitecture, type Architecture } from '../model/names.ts';
import { hasRecommended } from '../lock/mod.ts';
import { lockKnown, type KnownLock, type LockKnownDeps, type WantedPackage } from './lock-known.ts';

export type SystemFiles = {
  /** dpkg's status, and where it came from. */
  readonly status: string;
  readonly file: string;
  /** apt's extended_states, where there is one. */
  readonly extendedStates?: string | undefined;
};

export type SystemLock = KnownLock & {
  /** Removed packages of which only configuration files are left: they are no part of the lock. */
  readonly configFiles: readonly string[];
  /** Packages that a person told dpkg to hold, in the words that ask for this version: a lock holds nothing. */
  readonly held: readonly string[];
  /** Packages whose installation was not finished: they are no part of the lock either. */
  readonly unfinished: readonly UnfinishedPackage[];
};

/** `state` in dpkg's word: `half-installed`, `unpacked`, `half-configured`. */
export type UnfinishedPackage = { readonly name: string; readonly version: string; readonly state: string };

/** Throws `bad-control-file`, `bad-field`, `missing-field` with file and line, or `no-packages`. */
export async function lockFromSystem(deps: LockKnownDeps, files: SystemFiles): Promise<SystemLock> {
  const all = parseStatus(files.status, files.file);
  const installed = all.filter(isInstalled);
  const architecture = architectureOf(installed, files.file);
  const auto = parseAutoInstalled(files.extendedStates ?? '');
  const manual = installed.filter(({ name, architecture: own }) => {
    // apt says `all` packages with the architecture of the system.
    return !auto.has(`${name}:${own}`) && !(own === 'all' && auto.has(`${name}:${architecture}`));
  });
  const known = await lockKnown(deps, {
    architecture,
    packages: installed.map(({ name, version, architecture: own }) => ({ name, version, architecture: own })),
  });
  const words = manual.filter((each) => !known.unknown.some((other) => isSame(each, other)));
  // What is not known here could not be found by an update either.
  const request: LockRequest = {
    packages: words.map((each) => wordOf(each, architecture)).toSorted(order),
    variant: 'essential',
    recommends: true,
    exclude: [],
  };
  const recommends = hasRecommended({ ...known.lock, request });
  return {
    ...known,
    lock: { ...known.lock, request: { ...request, recommends } },
    configFiles: removedIn(files),
    held: installed
      .filter(({ status }) => status.startsWith('hold '))
      .map((each) => `${wordOf(each, architecture)}=${each.version}`),
    unfinished: all
      .filter((each) => !isInstalled(each))
      .map(({ name, version, status }) => ({ name, version, state: status.split(' ').at(-1)! })),
  };
}

function isSame(
  entry: Pick<StatusEntry, 'name' | 'architecture'>,
  other: Pick<WantedPackage, 'name' | 'architecture'>,
) {
  return entry.name === other.name && entry.architecture === other.architecture;
}

function removedIn({ status, file }: SystemFiles): string[] {
  const removed = parseStanzas(status, file).filter((stanza) => readStatus(stanza, file).endsWith(' config-files'));
  return removed.map((stanza) => field(stanza, 'Package') ?? '');
}

/** Whoever waits for a trigger is unpacked and configured. */
function isInstalled({ status }: StatusEntry): boolean {
  return / (?:installed|triggers-awaited|triggers-pending)$/.test(status);
}

/** dpkg's own; without dpkg, that of most packages. */
function architectureOf(installed: readonly StatusEntry[], file: string): Architecture {
  const named = installed.map(({ architecture }) => architecture).filter((each) => each !== 'all');
  const dpkg = installed.find(({ name }) => name === 'dpkg')?.architecture;
  const [most] = [...Map.groupBy(named, (each) => each)].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? [];
  const found = dpkg ?? most;
  if (found === undefined || !isArchitecture(found)) {
    throw new SheafError(
      'no-packages',
      "Cannot tell what is installed: dpkg's status names no installed package of an architecture",
      {
        place: { file },
        hint: 'It is /var/lib/dpkg/status of a system, whole.',
      },
    );
  }
  return found;
}

function wordOf({ name, architecture }: StatusEntry, native: Architecture): string {
  return architecture === 'all' || architecture === native ? name : `${name}:${architecture}`;
}
