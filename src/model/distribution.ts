/**
 * Everything that one `sheaf.toml` says, checked and typed. Paths are absolute, sizes are bytes, durations are
 * milliseconds. `src/policy/` reads it; every room may use it.
 */
import type { Architecture, Label, SuiteName } from './names.ts';

export type Distribution = {
  /** Origin in Release files. */
  readonly name: string;
  readonly title: string;
  /** Public base URL without a trailing slash: what clients and web pages use. */
  readonly url: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly git: GitPolicy;
  readonly upstreams: ReadonlyMap<Label, Upstream>;
  readonly repositories: ReadonlyMap<Label, Repository>;
  readonly suites: ReadonlyMap<SuiteName, Suite>;
  readonly people: ReadonlyMap<Label, Person>;
  readonly build: BuildPolicy;
  readonly webhooks: ReadonlyMap<Label, Webhook>;
  readonly notifiers: ReadonlyMap<Label, Notifier>;
  /** Other places that get a copy of what is published; none when not said. */
  readonly mirrors?: ReadonlyMap<Label, Mirror>;
  /** Rebuilders elsewhere whose statements are believed; none when not said. */
  readonly rebuilders?: ReadonlyMap<Label, ForeignRebuilder>;
  /** Where blobs are kept when not on a disk of this machine. */
  readonly storage?: BlobStorage;
  /** The folder that holds sheaf.toml. */
  readonly directory: string;
};

export type ForeignRebuilder = {
  readonly name: Label;
  /** Ed25519 public key: 32 bytes, base64. */
  readonly publicKey: string;
  /** Statements of rebuilds that ended between these, and that come between them, are taken. */
  readonly validAfter: Date | undefined;
  readonly validBefore: Date | undefined;
  /** Nothing of it is taken, and what was taken counts no longer. */
  readonly isRevoked: boolean;
};

export type GitPolicy = {
  /** `%(version)s` stands for the version as DEP-14 mangles it (`:` → `%`, `~` → `_`). */
  readonly tagFormat: string;
  readonly upstreamTagFormat: string;
  /** Glob patterns (`*`) of https, ssh and git addresses that intake may fetch. */
  readonly addresses: readonly string[];
  /** Directories below which local repositories may be named. */
  readonly directories: readonly string[];
  readonly limits: GitLimits;
};

export type GitLimits = {
  /** Most bytes of one fetch. */
  readonly fetch: number;
  /** Most bytes of one file in the tree. */
  readonly file: number;
  /** Most bytes of all files in the tree together. */
  readonly tree: number;
  /** Most files in the tree. */
  readonly files: number;
  /** Most bytes of a tag object. */
  readonly tag: number;
  /** Most milliseconds that one fetch may take. */
  readonly time: number;
};

/** What apt needs to know of a foreign archive. */
export type AptUpstream = {
  readonly name: Label;
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Keyring file that its Release files must be signed with. */
  readonly keyring: string;
};

export type Upstream = AptUpstream & {
  /** Whose indexes are followed, beside `all`. */
  readonly architectures: readonly Architecture[];
  /** Whether indexes of source packages, of the packages' files, and translated descriptions are followed too. */
  readonly sources: boolean;
  readonly contents: boolean;
  readonly translations: readonly string[];
  /** Whether a Release file is taken after its Valid-Until, as a frozen mirror needs it. */
  readonly expired: 'refuse' | 'accept';
  /** How often the server looks for a new version, in milliseconds; undefined for only when asked. */
  readonly every: number | undefined;
};

export type Repository = {
  readonly name: Label;
  readonly title: string;
};

export type Suite = {
  readonly name: SuiteName;
  readonly repository: Label;
  readonly description: string;
  readonly codename: SuiteName;
  /** Where build dependencies come from, beside the suite itself. */
  readonly upstream: Label;
  readonly components: readonly string[];
  readonly architectures: readonly Architecture[];
  /** The architecture whose job also builds the `all` packages. */
  readonly archAll: Architecture;
  /** Glob patterns of source packages this suite takes. */
  readonly packages: readonly string[];
  /** Distribution names in debian/changelog that fit this suite. */
  readonly distributions: readonly string[];
  readonly frozen: boolean;
  /** What becomes of uploads with package names that the repository never had; accepted when not said. */
  readonly newPackages?: 'accept' | 'hold';
  /** How long a Release is valid, in milliseconds. */
  readonly validFor: number;
  /** After this the suite is neither published nor renewed any more. */
  readonly endOfLife?: Date | undefined;
  /** Which versions of a package its indexes list: the highest when not said. */
  readonly versions?: 'latest' | 'all';
  /** Whether Contents indexes are published: which package has which file. */
  readonly contents?: boolean;
  /** Whether long descriptions are in i18n/Translation-en instead of Packages. */
  readonly translation?: boolean;
  /** How many patches to the newest index are kept for clients that have an older one; none when not said. */
  readonly pdiffs?: number;
  /** Whether uploads are looked at by lintian, and which of its tags refuse them. */
  readonly lintian?: boolean;
  readonly lintianFatal?: readonly string[];
  /** Whether workers rebuild what is published in it. */
  readonly rebuild?: boolean;
  /** What Release files say, where that is not what the other settings say. */
  readonly releaseFields?: ReleaseFields | undefined;
};

/** Whether an index of the suite may list it: its settings may have had other architectures and components before. */
export function hasPlaceFor(
  { architectures, components }: { readonly [field in 'architectures' | 'components']: readonly string[] },
  binary: { readonly architecture: string; readonly component: string },
): boolean {
  const fits = binary.architecture === 'all' || architectures.includes(binary.architecture);
  return fits && components.includes(binary.component);
}

/** Fields of Release files as clients have known them; an empty text leaves its field away. */
export type ReleaseFields = {
  readonly origin?: string | undefined;
  readonly label?: string | undefined;
  readonly suite?: string | undefined;
  readonly codename?: string | undefined;
  readonly version?: string | undefined;
  readonly notAutomatic?: boolean | undefined;
  readonly butAutomaticUpgrades?: boolean | undefined;
};

export type Person = {
  readonly name: Label;
  readonly fullName: string;
  readonly email: string | undefined;
  /** Files with OpenPGP certificates (armored or binary). */
  readonly openpgp: readonly string[];
  readonly ssh: readonly SshKey[];
  /** Keys taken back: nothing signed by them is admitted any more, whatever its date. */
  readonly revoked: readonly string[];
  readonly permissions: readonly Permission[];
  /** Suites, or `*`, that this person may publish, roll back, copy into, freeze and decide NEW uploads of. */
  readonly manages?: readonly string[];
};

export type SshKey = {
  /** One line as in authorized_keys: `ssh-ed25519 AAAA… comment`. */
  readonly line: string;
  readonly validAfter: Date | undefined;
  readonly validBefore: Date | undefined;
};

export type Permission = {
  /** Glob patterns of source package names. */
  readonly packages: readonly string[];
  /** Suite names, or `*`. */
  readonly suites: readonly string[];
};

export type BuildPolicy = {
  readonly limits: BuildLimits;
  /** How long a lease lasts without a heartbeat, in milliseconds. */
  readonly lease: number;
  /** Most attempts at one job; only environment's and worker's faults are tried again. */
  readonly attempts: number;
  /** Packages that every build environment has, beside the essential ones. */
  readonly environment: readonly string[];
};

/** Bounds on one build: milliseconds, bytes and counts. */
export type BuildLimits = {
  readonly wall: number;
  /** Longest time without output. */
  readonly silence: number;
  readonly memory: number;
  readonly disk: number;
  readonly log: number;
  readonly processes: number;
};

export type WebhookKind = 'generic' | 'gitlab' | 'github' | 'forgejo';

export type Webhook = {
  /** The last part of its address: `/hooks/NAME`. */
  readonly name: Label;
  readonly kind: WebhookKind;
  /** File with the shared secret, mode 0600. */
  readonly secretFile: string;
  /** Suite that its tags are meant for. */
  readonly suite: SuiteName;
};

export type NotifierTopic = 'refusal' | 'failure' | 'publication';

export type Notifier = {
  readonly name: Label;
  readonly on: readonly NotifierTopic[];
  readonly target:
    | { readonly kind: 'webhook'; readonly url: string; readonly secretFile: string | undefined }
    | { readonly kind: 'matrix'; readonly url: string; readonly room: string; readonly tokenFile: string };
};

export type Mirror = {
  readonly name: Label;
  /** Whose published tree is brought there. */
  readonly repository: Label;
  readonly place: MirrorPlace;
  /** How many files at the same time. */
  readonly parallel: number;
};

export type MirrorPlace =
  | { readonly kind: 'folder'; readonly folder: string }
  /** `remote` is `HOST:DIR` or `rsync://…`; `sshKey` a file with a private key, or whatever ssh finds by itself. */
  | { readonly kind: 'rsync'; readonly remote: string; readonly sshKey: string | undefined }
  | ({ readonly kind: 's3' } & Bucket);

/** A place in an S3-compatible store. */
export type Bucket = {
  /** `https://HOST/BUCKET/PREFIX` */
  readonly bucket: string;
  readonly region: string;
  /** Undefined: both are in the environment. */
  readonly accessKey: string | undefined;
  /** File with the secret key, mode 0600. */
  readonly secretFile: string;
};

export type BlobStorage = Bucket & {
  /** Most bytes that are also kept on a disk of this machine. */
  readonly cache: number;
};
