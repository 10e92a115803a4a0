/**
 * An OCI image as a directory: https://github.com/opencontainers/image-spec 1.1, "Image Layout". It has its name only
 * when it is whole.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';

import { sha256, type Sha256 } from '../kit/digest.ts';
import { formatConfig, formatIndex, formatManifest, type OciImage, type OciLayer } from './oci-image.ts';
import { writePacked } from './packed-file.ts';

export type OciLayout = {
  /** Of the manifest: what registries call the image's digest. */
  readonly digest: Sha256;
  /** Of all blobs. */
  readonly size: number;
};

/** Each of `layers`, the lowest first, puts one layer's archive into a stream and ends it. `directory` must be new. */
export async function writeOciLayout(
  directory: string,
  layers: readonly ((output: Writable) => Promise<void>)[],
  about: Omit<OciImage, 'layers'>,
): Promise<OciLayout> {
  const building = `${directory}.${randomUUID()}.part`;
  const blobs = join(building, 'blobs/sha256');
  try {
    await mkdir(blobs, { recursive: true });
    const written: OciLayer[] = [];
    for (const layer of layers) written.push(await writeLayer(blobs, layer));
    const image = { ...about, layers: written };
    const config = await writeBlob(blobs, formatConfig(image));
    const manifest = await writeBlob(blobs, formatManifest(image, config));
    await writeFile(join(building, 'index.json'), formatIndex(image, manifest));
    await writeFile(join(building, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
    await rename(building, directory);
    const size = [...written, config, manifest].reduce((sum, each) => sum + each.size, 0);
    return { digest: manifest.sha256, size };
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
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
