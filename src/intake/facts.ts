/** What intake found out about a tag, as far as it got. Rules read these and nothing else. */
import type { ChangelogEntry } from '../formats/deb/changelog.ts';
import type { SourceControl } from '../formats/deb/control.ts';
import type { EntryKind, ObjectType, Tag } from '../formats/git/mod.ts';
import type { Distribution, Suite } from '../model/distribution.ts';
import {
  isPackageName,
  isSuiteName,
  isVersion,
  type ObjectId,
  type PackageName,
  type Version,
} from '../model/names.ts';
import type { Refusal } from '../model/tag-build.ts';
import type { SignatureReport } from './ports.ts';

export type Notice = {
  readonly repository: string;
  readonly tag: string;
  readonly suite: string;
  readonly claimedObject: string | undefined;
};

/** What the tag's name points at. */
export type Target =
  | { readonly kind: 'annotated'; readonly tag: Tag }
  | { readonly kind: 'lightweight' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'other'; readonly type: ObjectType };

export type TreeFile = {
  readonly path: string;
  /** The last part of it, as the tree says it: a hostile one may hold "/". */
  readonly name: string;
  /** False when the path was not UTF-8. */
  readonly exact: boolean;
  readonly kind: EntryKind;
  readonly id: ObjectId;
  /** Bytes; 0 for directories and submodules. */
  readonly size: number;
  /** Of symbolic links; undefined when the target is no UTF-8 text of at most 4095 bytes. */
  readonly target: string | undefined;
};

export type TreeFacts = {
  /** Files, links, submodules and directories, parents before children. */
  readonly files: readonly TreeFile[];
  /** Why the reading stopped before the end of the tree: one sentence. */
  readonly overLimit: string | undefined;
};

export type Read<T> = { readonly kind: 'ok'; readonly value: T } | { readonly kind: 'bad'; readonly reason: string };

export type DebianFacts = {
  readonly changelog: Read<ChangelogEntry>;
  readonly control: Read<SourceControl>;
  /** The text of debian/source/format; `1.0` when there is none. */
  readonly format: Read<string>;
};

/** Where the upstream tarball of a non-native package comes from. */
export type UpstreamFacts =
  | { readonly kind: 'recorded' }
  | { readonly kind: 'absent'; readonly tag: string; readonly reason: string }
  | { readonly kind: 'found'; readonly tag: string; readonly tree: ObjectId; readonly files: TreeFacts };

export type Facts = {
  readonly notice: Notice;
  /** When it is judged. */
  readonly now: Date;
  readonly distribution: Distribution;
  readonly suite: Suite | undefined;
  /** Refusals of those who fetched and read, before any rule. */
  readonly troubles: readonly Refusal[];
  readonly object: ObjectId | undefined;
  readonly target: Target | undefined;
  readonly report: SignatureReport | undefined;
  readonly commit: ObjectId | undefined;
  readonly tree: ObjectId | undefined;
  readonly files: TreeFacts | undefined;
  /** Undefined when the tree was not read or has no debian/. */
  readonly debian: DebianFacts | undefined;
  /** Undefined when none is needed, or when that is not known. */
  readonly upstream: UpstreamFacts | undefined;
};

/** What the database knows about the same tag, source and version. */
export type History = {
  /** The object that the tag's name pointed at when it first carried a good signature. */
  readonly seenObject: string | undefined;
  /** What the version once meant. */
  readonly admitted: { readonly tree: string; readonly tagBuild: number } | undefined;
  /** Versions of the source package that are in the suite or about to be. */
  readonly suiteVersions: readonly string[];
  /** Other tag builds that made, or are making, this version. */
  readonly releases: readonly {
    readonly suite: string;
    readonly tagBuild: number;
    readonly state: 'ACCEPTED' | 'DONE';
  }[];
  /** The suite's repository has this source version from elsewhere. */
  readonly isInRepository: boolean;
  /** Whose doing it is when a person has frozen the suite. */
  readonly freeze: { readonly by: string; readonly reason: string | undefined } | undefined;
};

/** What is known before anything was read. */
export function noFacts(notice: Notice, now: Date, distribution: Distribution): Facts {
  return {
    notice,
    now,
    distribution,
    suite: isSuiteName(notice.suite) ? distribution.suites.get(notice.suite) : undefined,
    troubles: [],
    object: undefined,
    target: undefined,
    report: undefined,
    commit: undefined,
    tree: undefined,
    files: undefined,
    debian: undefined,
    upstream: undefined,
  };
}

/** Source and version, once they are known to be well-formed. */
export function identityOf(facts: Facts): { readonly source: PackageName; readonly version: Version } | undefined {
  const entry = changelogOf(facts);
  return entry === undefined || !isPackageName(entry.source) || !isVersion(entry.version)
    ? undefined
    : { source: entry.source, version: entry.version };
}

export function changelogOf(facts: Facts): ChangelogEntry | undefined {
  return facts.debian?.changelog.kind === 'ok' ? facts.debian.changelog.value : undefined;
}

/** Looks at nothing but the facts. */
export type FactRule = (facts: Facts) => Refusal | readonly Refusal[] | undefined;
export type Rule = (facts: Facts, history: History) => Refusal | readonly Refusal[] | undefined;
