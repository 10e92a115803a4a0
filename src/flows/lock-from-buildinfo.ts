/** The environment of a build as a lock: what its .buildinfo lists, by what the history knows. */
import { parseBuildinfo } from '../formats/deb/buildinfo.ts';
import { parseDate } from '../formats/deb/date.ts';
import { parseArchitecture } from '../model/names.ts';
import { lockKnown, type KnownLock, type LockKnownDeps } from './lock-known.ts';

export type BuildinfoLock = KnownLock & {
  readonly source: string;
  readonly version: string;
  /** Whether it is wrapped in a signature, which is not verified. */
  readonly signed: boolean;
};

/** Throws what parseBuildinfo throws, with file and line. */
export async function lockFromBuildinfo(deps: LockKnownDeps, text: string, file: string): Promise<BuildinfoLock> {
  const { source, version, buildArchitecture, buildDate, installed } = parseBuildinfo(text, file);
  const near = buildDate === undefined ? undefined : parseDate(buildDate);
  const architecture = parseArchitecture(buildArchitecture);
  const known = await lockKnown(deps, { architecture, packages: installed, near });
  return { ...known, source, version, signed: text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----') };
}
