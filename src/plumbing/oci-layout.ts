/** An OCI image as a directory: https://github.com/opencontainers/image-spec 1.1, "Image Layout". */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

import { sha256, type Sha256 } from '../kit/digest.ts';
import {
  formatConfig,
  formatIndex,
  formatLayout,
  formatManifest,
  type OciEntry,
  type OciImage,
  type OciLayer,
} from './oci-image.ts';
import { writePacked } from './packed-file.ts';
import { fillDirectory } from './whole-directory.ts';

export type OciLayout = {
  /** Of the manifest, or of several images their index: what registries call the image's digest. */
  readonly digest: Sha256;
  /** Of all blobs. */
  readonly size: number;
  /** Of each image's manifest. */
  readonly images: readonly Sha256[];
};

/** What an image is made of. */
export type OciContent = Omit<OciImage, 'layers'> & {
  /** Each, the lowest first, puts one layer's archive into a stream and ends it. */
  readonly layers: readonly ((output: Writable) => Promise<void>)[];
};

/** One image, or one for each of several architectures under one name. `directory` must be new or empty. */
export async function writeOciLayout(directory: string, contents: readonly OciContent[]): Promise<OciLayout> {
  return fillDirectory(directory, async (building) => {
    const blobs = join(building, 'blobs/sha256');
    await mkdir(blobs, { recursive: true });
    const entries: Written[] = [];
    for (const content of contents) entries.push(await writeImage(blobs, content));
    const [first] = entries;
    const index = entries.length === 1 ? undefined : await writeBlob(blobs, formatIndex(entries));
    await writeFile(join(building, 'index.json'), formatLayout(first!, index));
    await writeFile(join(building, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    const size = entries.reduce((sum, each) => sum + each.size, index?.size ?? 0);
    const images = entries.map(({ manifest }) => manifest.sha256);
    return { digest: index?.sha256 ?? images[0]!, size, images };
  });
}

type Written = OciEntry & { readonly size: number };

async function writeImage(blobs: string, { layers, ...about }: OciContent): Promise<Written> {
  const written: OciLayer[] = [];
  for (const layer of layers) written.push(await writeLayer(blobs, layer));
  const image = { ...about, layers: written };
  const config = await writeBlob(blobs, formatConfig(image));
  const manifest = await writeBlob(blobs, formatManifest(image, config));
  const size = [...written, config, manifest].reduce((sum, each) => sum + each.size, 0);
  return { image, manifest, size };
}

async function writeLayer(blobs: string, fill: (output: Writable) => Promise<void>): Promise<OciLayer> {
  const unnamed = join(blobs, 'layer');
  const { sha256: digest, size } = await writePacked(unnamed, 'none', fill);
  await rename(unnamed, join(blobs, digest));
  return { sha256: digest, size };
}

async function writeBlob(blobs: string, text: string): Promise<OciLayer> {
  const bytes = Buffer.from(text);
  const digest = sha256(bytes);
  await writeFile(join(blobs, digest), bytes);
  return { sha256: digest, size: bytes.length };
}
