/** Addresses of pages; every part that comes from data is escaped here. */
import { formatSnapshotRef, type SnapshotRef, type SuiteRef } from '../../model/index-history.ts';
import type { Evidence } from '../../tracker/mod.ts';

const part = encodeURIComponent;

export const packagePath = (source: string) => `/package/${part(source)}`;
export const jobPath = (id: number, attempt?: number) =>
  `/job/${id}${attempt === undefined ? '' : `?attempt=${attempt}`}`;
export const logTextPath = (id: number, attempt: number) => `/job/${id}/log.txt?attempt=${attempt}`;
export const tagBuildPath = (id: number) => `/tag-build/${id}`;
export const rebuildPath = (id: number) => `/rebuild/${id}`;
/** What a rebuild's result names, as text. */
export const rebuildBlobPath = (id: number, sha256: string) => `/rebuild/${id}/blob/${sha256}`;
/** A lock by the SHA-256 of its file. */
export const lockPath = (sha256: string) => `/lock/${sha256}`;
export const suitePath = (suite: string) => `/suite/${part(suite)}`;
/** What is asked of a suite: `publish`, `freeze`, `thaw`, `copy`, `rollback`. */
export const suiteActionPath = (suite: string, action: string) => `${suitePath(suite)}/${action}`;
export const rollbackPath = (suite: string, number: number) => `${suitePath(suite)}/rollback/${number}`;
export const newPath = (id: number) => `/new/${id}`;
export const signInPath = (secret: string) => `/sign-in/${secret}`;
/** A suite's stanza for apt as a file, and the keys that it is signed with. */
export const sourcesPath = (suite: string) => `/suite/${part(suite)}.sources`;
export const keyPath = (suite: string) => `/suite/${part(suite)}.asc`;
export const repositoryPath = (repository: string) => `/${part(repository)}/`;
/** The base URL of one snapshot, for apt. */
export const snapshotPath = (suite: string, number: number) => `/snapshot/${part(suite)}@${number}/`;
export const upstreamPath = (upstream: string) => `/upstream/${part(upstream)}`;
/** The page of a suite of ours, or of an upstream's. */
export const suiteRefPath = ({ origin, suite }: SuiteRef) =>
  origin === '' ? suitePath(suite) : `${upstreamPath(origin)}/${suite.split('/').map(part).join('/')}`;
export const evidencePath = (job: number, sha256: string) => `/job/${job}/evidence/${sha256}`;

export function evidenceHref(evidence: Evidence): string | undefined {
  switch (evidence.at?.kind) {
    case 'evidence':
      return evidencePath(evidence.at.job, evidence.at.sha256);
    case 'snapshot':
      return snapshotPath(evidence.at.suite, evidence.at.number);
    case undefined:
      return undefined;
  }
}

/** A page's address with some of its questions changed; undefined ones are left out. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    ),
  ).toString();
  return search === '' ? path : `${path}?${search}`;
}

export type PackagePlace = {
  readonly kind: 'binary' | 'source';
  readonly name: string;
  /** Where to look: a place as text. */
  readonly in?: string | undefined;
  readonly arch?: string | undefined;
};

/** A package in the viewer. */
export function viewerPath(place: PackagePlace, query: Readonly<Record<string, string | undefined>> = {}): string {
  return withQuery(`/${place.kind}/${part(place.name)}`, { in: place.in, arch: place.arch, ...query });
}

/** What differs between two places; without `a`, what `b` changed of the snapshot before it. */
export function comparePath(a: string | undefined, b: string): string {
  return withQuery('/compare', { a, b });
}

/** The bytes of an index, as it stood in a snapshot. */
export function indexPath(ref: SnapshotRef, path: string): string {
  return withQuery('/api/v1/index', { place: formatSnapshotRef(ref), path });
}
