import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sha256 } from '../kit/digest.ts';
import { formatConfig, formatIndex, formatLayout, formatManifest, type OciImage } from './oci-image.ts';

const layer = { sha256: sha256('layer'), size: 5 };
const image: OciImage = {
  architecture: 'armhf',
  layers: [layer],
  created: new Date('2026-07-11T10:16:37.000Z'),
  lock: sha256('lock'),
};

test('formatConfig names platform and layers as the specification does', () => {
  const config = JSON.parse(formatConfig(image)) as Record<string, unknown>;
  assert.deepEqual([config['architecture'], config['variant'], config['os']], ['arm', 'v7', 'linux']);
  assert.equal(config['created'], '2026-07-11T10:16:37Z');
  assert.deepEqual(config['rootfs'], { type: 'layers', diff_ids: [`sha256:${layer.sha256}`] });
});

test('formatManifest and formatLayout say which lock the image was made from', () => {
  const lock = { 'org.sheaf.lock.sha256': sha256('lock') };
  const manifest = JSON.parse(formatManifest(image, layer)) as Record<string, object>;
  const index = JSON.parse(formatLayout({ image, manifest: layer })) as {
    readonly manifests: readonly Record<string, object>[];
  };
  assert.partialDeepStrictEqual(manifest['annotations'], lock);
  assert.partialDeepStrictEqual(index.manifests[0]!['annotations'], lock);
});

test('formatIndex gives each platform its manifest, and formatLayout names the index', () => {
  const entries = ['armhf', 'amd64'].map((architecture) => ({ image: { ...image, architecture }, manifest: layer }));
  const index = JSON.parse(formatIndex(entries)) as { readonly manifests: readonly Record<string, object>[] };
  assert.deepEqual(
    index.manifests.map(({ platform }) => platform),
    [
      { architecture: 'arm', variant: 'v7', os: 'linux' },
      { architecture: 'amd64', os: 'linux' },
    ],
  );
  const layout = JSON.parse(formatLayout(entries[0]!, layer)) as { readonly manifests: readonly object[] };
  assert.partialDeepStrictEqual(layout.manifests, [
    {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      annotations: { 'org.opencontainers.image.ref.name': 'latest' },
    },
  ]);
});
