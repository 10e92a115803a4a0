/**
 * The documents of an OCI image: https://github.com/opencontainers/image-spec 1.1, "Image Configuration", "Image
 * Manifest" and "Image Index". Pure: the same layers, lock and time give the same bytes.
 */
import type { Sha256 } from '../kit/digest.ts';

export type OciLayer = { readonly sha256: Sha256; readonly size: number };

export type OciImage = {
  /** As Debian calls it. */
  readonly architecture: string;
  /** The lowest first. */
  readonly layers: readonly OciLayer[];
  readonly created: Date;
  /** Of the lock that the root was made from. */
  readonly lock: Sha256;
};

/** An image, and its manifest as it lies among the blobs. */
export type OciEntry = { readonly image: OciImage; readonly manifest: OciLayer };

type Platform = { readonly architecture: string; readonly variant?: string };

/** Names of the Go language, which the specification takes. Others are the same as Debian's. */
const platforms: Readonly<Record<string, Platform>> = {
  i386: { architecture: '386' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v5' },
  arm64: { architecture: 'arm64', variant: 'v8' },
  mips64el: { architecture: 'mips64le' },
  ppc64el: { architecture: 'ppc64le' },
};

const lockAnnotation = 'org.sheaf.lock.sha256';
const layerType = 'application/vnd.oci.image.layer.v1.tar';
const configType = 'application/vnd.oci.image.config.v1+json';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function platformOf(architecture: string): Platform & { readonly os: 'linux' } {
  return { ...(platforms[architecture] ?? { architecture }), os: 'linux' };
}

/** Layers are not compressed, so that the name of a layer is also that of its content; tools that push compress them. */
export function formatConfig({ architecture, layers, created, lock }: OciImage): string {
  return format({
    created: seconds(created),
    ...platformOf(architecture),
    config: { Env: [`PATH=${path}`], Cmd: ['/bin/sh'], Labels: { [lockAnnotation]: lock } },
    rootfs: { type: 'layers', diff_ids: layers.map(({ sha256 }) => `sha256:${sha256}`) },
    history: layers.map(() => ({ created: seconds(created), created_by: 'sheaf root build' })),
  });
}

export function formatManifest(image: OciImage, config: OciLayer): string {
  return format({
    schemaVersion: 2,
    mediaType: manifestType,
    config: describe(configType, config),
    layers: image.layers.map((layer) => describe(layerType, layer)),
    annotations: annotations(image),
  });
}

/** The images of several architectures as one: clients take theirs. */
export function formatIndex(entries: readonly OciEntry[]): string {
  return formatManifests(entries.map(toDescriptor));
}

/** A layout's `index.json`: the one image, or the index of all of them, as `latest`. */
export function formatLayout(first: OciEntry, index?: OciLayer): string {
  const entry = index === undefined ? toDescriptor(first) : describe(indexType, index);
  const name = { 'org.opencontainers.image.ref.name': 'latest' };
  return formatManifests([{ ...entry, annotations: { ...annotations(first.image), ...name } }]);
}

function formatManifests(manifests: readonly object[]): string {
  return format({ schemaVersion: 2, mediaType: indexType, manifests });
}

function toDescriptor({ image, manifest }: OciEntry): object {
  const platform = platformOf(image.architecture);
  return { ...describe(manifestType, manifest), platform, annotations: annotations(image) };
}

function annotations({ created, lock }: OciImage): Readonly<Record<string, string>> {
  return { 'org.opencontainers.image.created': seconds(created), [lockAnnotation]: lock };
}

function describe(mediaType: string, { sha256, size }: OciLayer): object {
  return { mediaType, digest: `sha256:${sha256}`, size };
}

function seconds(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

function format(document: object): string {
  return JSON.stringify(document);
}
