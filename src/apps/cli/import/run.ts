/** `sheaf import`: an archive that another program made goes on here. */
import { resolve } from 'node:path';

import type { ArchiveDeps } from '../../../archive/mod.ts';
import {
  bringPackages,
  checkPackages,
  takeSuite,
  type BringDeps,
  type ImportedSuite,
} from '../../../flows/import-archive.ts';
import {
  readForeignSuite,
  type ForeignSuite,
  type ImportProblem,
  type ReadSuiteDeps,
} from '../../../flows/import-archive-suite.ts';
import { settlePublication } from '../../../flows/settle-publication.ts';
import { openDeb } from '../../../formats/deb/deb-stream.ts';
import { SheafError } from '../../../kit/error.ts';
import type { Distribution } from '../../../model/distribution.ts';
import { parseLabel } from '../../../model/names.ts';
import { decompressIndex, decompressStream } from '../../../plumbing/decompress.ts';
import { openAptly } from '../../../plumbing/foreign-archive/aptly.ts';
import { openReprepro, type Managed } from '../../../plumbing/foreign-archive/reprepro.ts';
import { readSecretKeys, type SecretKey } from '../../../plumbing/foreign-archive/secret-key.ts';
import { openForeignTree } from '../../../plumbing/foreign-archive/tree.ts';
import { verifyRelease } from '../../../plumbing/signature/release.ts';
import { addSuites } from '../../../policy/append-suite.ts';
import type { House } from '../../house.ts';
import { signingKeyFile } from '../../paths.ts';
import { commandLineActor } from '../actor.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress, type Progress } from '../progress.ts';
import { chooseKeys, ownKeys, placeKeys, withKeyring, type KeyChoice } from './keys.ts';
import { planSuites, type PlannedSuite } from './suites.ts';

export type ImportOptions = {
  readonly kind: 'reprepro' | 'aptly' | 'tree';
  readonly directory: string;
  readonly prefix?: string | undefined;
  readonly repository?: string | undefined;
  readonly suite?: readonly string[] | undefined;
  readonly as?: string | undefined;
  readonly upstream?: string | undefined;
  readonly key?: string | undefined;
  readonly newKey?: true | undefined;
  readonly keyring?: string | undefined;
  readonly skipBroken?: true | undefined;
  readonly dryRun?: true | undefined;
  readonly json: boolean;
};

export type Imported = {
  /** `refused`: nothing was taken. */
  readonly kind: 'done' | 'dry-run' | 'refused';
  /** The folder that holds dists/. */
  readonly directory: string;
  readonly repository: string;
  /** Tables that were added to sheaf.toml. */
  readonly added: readonly string[];
  readonly keys: {
    /** Ids of the keys that signed the old archive. */
    readonly old: readonly string[];
    /** Of these, the ones that do not sign here. */
    readonly missing: readonly string[];
    readonly fingerprints: readonly string[];
    /** Of a key that was made now. */
    readonly made: string | undefined;
    /** Whether clients that believed the old archive believe this one. */
    readonly believed: boolean;
  };
  readonly suites: readonly SuiteReport[];
  readonly problems: readonly ImportProblem[];
  readonly notes: readonly string[];
};

type SuiteReport = {
  readonly suite: string;
  readonly from: string;
  readonly packages: number;
  readonly sources: number;
  readonly bytes: number;
  /** Undefined when nobody has verified the Release file. */
  readonly signedBy: readonly string[] | undefined;
  readonly notes: readonly string[];
} & Partial<Omit<ImportedSuite, 'suite' | 'from' | 'packages' | 'sources'>>;

/** Throws what its parts do; what is wrong with single packages is in what comes back. */
export async function importArchive(house: House, options: ImportOptions): Promise<Imported> {
  const given = options.key === undefined ? undefined : await readSecretKeys(options.key);
  const { tree, notes } = await openArchive(options);
  const repository = chooseRepository(house.distribution, options);
  const progress = startProgress({ json: options.json, unit: 'bytes' });
  try {
    return await interruptible(async (signal) => {
      const problems: ImportProblem[] = [];
      const keyFile = signingKeyFile(house.paths, repository);
      const ring = [...(given ?? []), ...(await ownKeys(keyFile))];
      const foreign = await readSuites(tree, options, ring, problems, progress);
      const planned = planSuites(house.distribution, foreign, {
        ...options,
        repository,
        as: options.as,
        upstream: options.upstream,
      });
      await writeSettings(house, repository, planned, { check: true });
      const now = house.clock.now();
      const keys = await chooseKeys(foreign, keyFile, given, {
        newKey: options.newKey === true || options.dryRun === true,
        now,
      });
      const bring: BringDeps = {
        ...{ archive: house.archive, tree, signal },
        readControl: async (digest, file) => {
          const deb = await openDeb(house.blobs.stream(digest), decompressStream, { bytes: 2 ** 40, entries: 1 }, file);
          await deb.close();
          return deb;
        },
        onProgress: (text, done, total) => progress.at(text, done, total),
      };
      const base = { directory: tree.directory, repository, notes };
      const label = parseLabel(repository);
      const broken = await checkPackages(bring, label, foreign, problems);
      const stop = problems.length > 0 && options.skipBroken !== true;
      if (options.dryRun === true || stop) {
        const kind = stop ? 'refused' : 'dry-run';
        return { ...base, kind, added: [], keys: shown(keys), suites: planned.map(reportOf), problems } as const;
      }
      const brought = await bringPackages(bring, label, foreign, broken, problems);
      if (problems.length > 0 && options.skipBroken !== true) {
        return {
          ...base,
          kind: 'refused',
          added: [],
          keys: shown(keys),
          suites: planned.map(reportOf),
          problems,
        } as const;
      }
      const { distribution, added } = await writeSettings(house, repository, planned);
      const title = `${distribution.title} archive signing key (${repository})`;
      const made = await placeKeys(keys, keyFile, title, now);
      const archive: ArchiveDeps = { ...house.archive, distribution, onPublished: settlePublication(distribution) };
      const suites: SuiteReport[] = [];
      for (const [at, plan] of planned.entries()) {
        progress.line(`Publishing ${plan.name}`);
        const by = commandLineActor();
        const taken = await takeSuite(
          archive,
          brought[at]!,
          { name: plan.name, by, from: resolve(tree.directory) },
          now,
        );
        suites.push({ ...reportOf(plan), ...taken });
      }
      return { ...base, kind: 'done', added, keys: { ...shown(keys), made }, suites, problems } as const;
    });
  } finally {
    progress.end();
  }
}

async function openArchive({ kind, directory, prefix }: ImportOptions): Promise<Managed> {
  if (kind === 'reprepro') return openReprepro(directory);
  if (kind === 'aptly') return openAptly(directory, prefix);
  return { tree: await openForeignTree(directory), notes: [] };
}

function chooseRepository({ repositories }: Distribution, { repository }: ImportOptions): string {
  if (repository !== undefined) return repository;
  const [only, ...others] = repositories.keys();
  if (only !== undefined && others.length === 0) return only;
  throw new SheafError('which-repository', 'Cannot import: it is not said into which repository', {
    kind: 'usage',
    hint: `Name one with --repository: ${[...repositories.keys()].join(', ')}, or a new one.`,
  });
}

async function readSuites(
  tree: ReadSuiteDeps['tree'],
  { suite: wanted, keyring }: ImportOptions,
  ring: readonly SecretKey[],
  problems: ImportProblem[],
  progress: Progress,
): Promise<readonly ForeignSuite[]> {
  const known = tree.suites.map(({ name }) => name).join(', ');
  const unknown = wanted?.find((each) => !tree.suites.some(({ name, aliases }) => [name, ...aliases].includes(each)));
  if (unknown !== undefined || tree.suites.length === 0) {
    const state = unknown === undefined ? 'no folder below dists/ has a Release file' : `it has no suite "${unknown}"`;
    throw new SheafError('unknown-suite', `Cannot import ${tree.directory}: ${state}`, {
      kind: 'usage',
      ...(known === '' ? {} : { hint: `The suites there are: ${known}` }),
    });
  }
  const chosen = tree.suites.filter(
    ({ name, aliases }) => wanted === undefined || wanted.some((each) => [name, ...aliases].includes(each)),
  );
  const read = async (verify: ReadSuiteDeps['verify']) => {
    const suites: ForeignSuite[] = [];
    for (const each of chosen) {
      progress.at(`Reading ${each.name}`);
      suites.push(await readForeignSuite({ tree, decompress: decompressIndex, verify }, each, problems));
    }
    return suites;
  };
  if (keyring !== undefined) return read(verifyBy(keyring));
  // Without a keyring nobody vouches for the Release files but the keys that are to go on signing.
  const suites = await read(undefined);
  if (ring.length === 0) return suites;
  return withKeyring(ring, async (file) => {
    const verified: ForeignSuite[] = [];
    for (const suite of suites) {
      const signedBy = suite.files && (await verifyBy(file)(suite.files, suite.date)).signedBy;
      verified.push({ ...suite, signedBy: signedBy?.length === 0 ? undefined : signedBy });
    }
    return verified;
  });
}

/** As of the date that the Release file says. */
function verifyBy(keyring: string): NonNullable<ReadSuiteDeps['verify']> {
  return async (files, date) => {
    const { signedBy, problems } = await verifyRelease(files, keyring, date);
    return { signedBy, problems: problems.map(({ message }) => message) };
  };
}

/** All tables at once; with `check` it only throws what is against them. What an earlier run has added is there. */
async function writeSettings(
  house: House,
  repository: string,
  planned: readonly PlannedSuite[],
  options: { readonly check?: boolean } = {},
): Promise<{ readonly distribution: Distribution; readonly added: readonly string[] }> {
  const isNew = ![...house.distribution.repositories.keys()].some((name) => name === repository);
  const suites = planned.flatMap(({ name, settings }) => (settings === undefined ? [] : [[name, settings] as const]));
  const { distribution, tables } = await addSuites(
    house.paths.directory,
    isNew ? repository : undefined,
    suites,
    options,
  );
  return { distribution, added: tables };
}

function shown({ signedBy, missing, fingerprints, believed }: KeyChoice): Imported['keys'] {
  return { old: signedBy, missing, fingerprints, made: undefined, believed };
}

function reportOf({ foreign, name, notes }: PlannedSuite): SuiteReport {
  const { binaries, sources, signedBy } = foreign;
  const sizes = [...binaries, ...sources.flatMap(({ files }) => files)].map(({ size }) => size);
  return {
    ...{ suite: name, from: foreign.name, packages: binaries.length, sources: sources.length, signedBy, notes },
    bytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}
