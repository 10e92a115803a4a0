/** Jobs, attempts, workers: what is asked of a worker and what it answers. */
import type { Sha256 } from '../kit/digest.ts';
import type { BuildLimits } from './distribution.ts';
import type { Architecture, Label, PackageName, Version } from './names.ts';

/** wanna-build's words. */
export type JobState =
  | 'Needs-Build'
  | 'BD-Uninstallable'
  | 'Building'
  | 'Built'
  | 'Uploaded'
  | 'Installed'
  | 'Build-Attempted'
  | 'Failed'
  | 'Cancelled';

/** Whose fault a failed attempt is: only the environment's and the worker's are tried again by themselves. */
export type Fault = 'package' | 'environment' | 'worker';

/** `source`: an admitted tree becomes a source package. `binary`: a source package becomes binary packages. */
export type JobKind = 'source' | 'binary';

/** A file that the job works on: always named by its hash, fetched from the server's blobs. */
export type InputFile = { readonly name: string; readonly sha256: Sha256; readonly size: number };

/** What is built, of what, and in what. */
export type BuildSpec = {
  readonly kind: JobKind;
  readonly source: PackageName;
  readonly version: Version;
  /** Architecture of the environment and of the packages. */
  readonly architecture: Architecture;
  /** `source`: dpkg-source -b. `any`: dpkg-buildpackage -B. `all`: -A. `any+all`: -b. */
  readonly builds: 'source' | 'any' | 'all' | 'any+all';
  readonly inputs: readonly InputFile[];
  /** The lock of the environment (a blob), and the lock of the base it begins with (a blob; may be the same). */
  readonly lock: Sha256;
  readonly baseLock: Sha256;
  readonly limits: BuildLimits;
  /** Seconds since the epoch; the changelog entry's date. */
  readonly sourceDateEpoch: number;
  /** What a rebuild restores of the first build; ordinary builds do without, but for packages that are left out. */
  readonly conditions?: BuildConditions;
};

/** What a build sees of the machine around it. What is not said is as for every build. */
export type BuildConditions = {
  /** The directory of the unpacked source: `/build/hello-AbCdEf/hello-2.10`. */
  readonly buildPath?: string;
  /** Seconds since the epoch that the clock shows when the build begins. */
  readonly clock?: number;
  /** As in LC_ALL, TZ and umask(1). */
  readonly locale?: string;
  readonly timezone?: string;
  readonly umask?: string;
  readonly hostname?: string;
  /** The name of the user that builds. */
  readonly user?: string;
  /** How many things are made at once. */
  readonly parallel?: number;
  /** How many processors the build counts, and the release of the kernel that it is told. */
  readonly processors?: number;
  readonly kernel?: string;
  /** In which order directories tell their names; on machines of 64 bits. */
  readonly fileOrder?: 'sorted' | 'reversed';
  /** How XSLT's generate-id() names elements, where not by a count: by their order in the document, `idm41`. */
  readonly elementIds?: 'ordered';
  /** Further variables of the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What tools call themselves in what they make, where it is not what they are called now. */
  readonly tools?: ToolNames;
  /** What libraries call themselves, where it is not what they are called now. */
  readonly libraries?: readonly LibraryName[];
  /** What the headers of libraries are without, in the order in which it is taken back. */
  readonly headers?: readonly HeaderPatch[];
  /** The entry of a binary-only upload, which comes before those of debian/changelog. */
  readonly changelogEntry?: string;
};

/** Everything a worker needs to know; the same document is hashed into the provenance. */
export type JobSpec = BuildSpec & {
  /** Recorded in the provenance: where this came from. */
  readonly origin: TagOrigin | UploadOrigin | RebuildOrigin;
};

/** Versions as tools write them into packages: the compiler into all that it compiles, and so into build-ids. */
export type ToolNames = {
  /** Of gcc: `Debian 12.2.0-10`, and where the version has a day, `Debian 10.2.1-3 (10.2.1 20201224)`. */
  readonly compiler?: string;
  /** Of debhelper: `13.9.1`. */
  readonly debhelper?: string;
  /** Of pod2man, with the Perl that it names: `Pod::Man 4.14 (Pod::Simple 3.42), perl v5.34.0`. */
  readonly pod2man?: string;
  /** Version of perl's package, which dh_perl demands of modules that were compiled for it: `5.36.0-5`. */
  readonly perl?: string;
  /** Version of Java, which jar writes into manifests as `Created-By`: `17.0.6`. */
  readonly java?: string;
  /** Of ltmain.sh, which libtool puts into `.la` files: `2.4.7 Debian-2.4.7-5`. */
  readonly libtool?: string;
};

/** A library's version as its headers and pkg-config have it: `1.1.2` in its packages for development is `called` `1.1.0`. */
export type LibraryName = {
  readonly source: string;
  readonly packages: readonly string[];
  readonly version: string;
  readonly called: string;
};

/** A patch of a library's source package, as far as it changes headers of the environment. */
export type HeaderPatch = {
  readonly source: string;
  /** Of the source package that is installed, and has the patch. */
  readonly version: string;
  /** As debian/patches/series names it. */
  readonly patch: string;
  /** A unified diff of installed files, named from `/`: `+++ usr/include/gnutls/gnutls.h`. */
  readonly text: string;
};

export type TagOrigin = {
  readonly repository: string;
  readonly tag: string;
  readonly tagObject: string;
  readonly commit: string;
  readonly tree: string;
  readonly signer: string;
  readonly suite: string;
};

/** The description that a person uploaded, and who: `signed by alice`. */
export type UploadOrigin = {
  readonly upload: { readonly name: string; readonly sha256: string };
  readonly signer: string;
  readonly suite: string;
};

/** A task of rebuilding something that is published. What comes of it enters no suite. */
export type RebuildOrigin = {
  readonly rebuild: number;
  /** Where it is published: `stable`, `debian/bookworm`. */
  readonly place: string;
  /** Who asked for it. */
  readonly signer: string;
};

export type JobId = number;

export type Lease = {
  readonly job: JobId;
  /** The fencing number: 1 for the first attempt. */
  readonly attempt: number;
  readonly expiresAt: Date;
  readonly spec: JobSpec;
};

/** What a worker reports at the end of an attempt. Files are uploaded before, by hash. */
export type AttemptResult =
  | {
      readonly outcome: 'built';
      readonly files: readonly InputFile[];
      /** DSSE envelope (JSON text) with SLSA provenance v1, signed by the worker. */
      readonly provenance: string;
      /** Where the time went, in milliseconds, by step. */
      readonly timings: Readonly<Record<string, number>>;
    }
  | {
      readonly outcome: 'failed';
      readonly fault: Fault;
      /** One sentence: what stopped the build. */
      readonly reason: string;
      readonly timings: Readonly<Record<string, number>>;
    };

export type WorkerState = 'pending' | 'approved' | 'disabled';

export type Worker = {
  readonly name: Label;
  /** Ed25519 public key: 32 bytes, base64. */
  readonly publicKey: string;
  readonly architectures: readonly Architecture[];
  readonly pool: Label;
  readonly state: WorkerState;
  readonly enrolledAt: Date;
  readonly lastSeenAt: Date | undefined;
};
