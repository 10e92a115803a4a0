/** Results of rebuilds for tests, and rebuilders who sign them. */
import { generateKeyPairSync } from 'node:crypto';

import { sha256 } from '../src/kit/digest.ts';
import { parseArchitecture, parsePackageName, parseVersion } from '../src/model/names.ts';
import type { RebuildResult, RebuiltFile, Verdict } from '../src/model/rebuild.ts';
import { toSigningKey, verifyEd25519, type SigningKey } from '../src/plumbing/keys.ts';
import { recordRebuild, signRebuild, type RecordDeps } from '../src/rebuild/mod.ts';

export type TestRebuilder = { readonly name: string; readonly publicKey: string; readonly sign: SigningKey['sign'] };

export function testRebuilder(name: string): TestRebuilder {
  return { name, ...toSigningKey(generateKeyPairSync('ed25519').privateKey) };
}

/** A result about one file, whose bytes are those of `name version`. */
export function rebuildResult({
  name = 'hello',
  version = '2.10-3',
  architecture = 'amd64',
  verdict = 'reproduced',
  ...change
}: { readonly name?: string; readonly version?: string; readonly architecture?: string } & Partial<
  Omit<RebuildResult, 'source' | 'version' | 'architecture' | 'files'>
> = {}): RebuildResult {
  return {
    source: parsePackageName(name),
    version: parseVersion(version),
    architecture: parseArchitecture(architecture),
    mode: 'idempotent',
    place: 'stable',
    verdict,
    files: [rebuiltFile(name, version, architecture, verdict)],
    causes: [],
    conditions: { 'build path': '/build/reproducible-path/hello-2.10' },
    experiments: [],
    startedOn: '2026-01-01T00:00:00Z',
    finishedOn: '2026-01-01T00:01:00Z',
    ...change,
  };
}

function rebuiltFile(name: string, version: string, architecture: string, verdict: Verdict): RebuiltFile {
  const original = { sha256: sha256(`${name} ${version}`), size: 53_080 };
  const file = {
    name: parsePackageName(name),
    version: parseVersion(version),
    architecture: parseArchitecture(architecture),
    file: `${name}_${version.replace(/^\d+:/, '')}_${architecture}.deb`,
    original,
    verdict,
  };
  if (verdict === 'reproduced') return { ...file, rebuilt: original };
  return verdict === 'differs' ? { ...file, rebuilt: { sha256: sha256(`${name} rebuilt`), size: 53_076 } } : file;
}

/** Signs and records results, each in an invocation of its own. Returns their ids. */
export async function recordResults(
  deps: Omit<RecordDeps, 'verify' | 'distribution'>,
  by: TestRebuilder,
  results: readonly RebuildResult[],
): Promise<number[]> {
  const ids: number[] = [];
  for (const result of results) {
    const envelope = signRebuild({ rebuilder: by.name, invocation: `${by.name} ${++invocations}`, result }, by.sign);
    const all = { ...deps, distribution: { notifiers: new Map() }, verify: verifyEd25519 };
    ids.push(await recordRebuild(all, result, envelope, { rebuilder: by }));
  }
  return ids;
}

let invocations = 0;
