/** Sentences about jobs, the same on every surface. */
import type { JobSpec } from '../model/job.ts';

/** `hello 2.10-3 (binary, amd64)`. */
export function describeSpec(spec: Pick<JobSpec, 'kind' | 'source' | 'version' | 'architecture'>): string {
  return `${spec.source} ${spec.version} (${spec.kind}, ${spec.architecture})`;
}

/** Text that a worker sent, as one bounded line without control characters. */
export function toSentence(text: string, limit = 500): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > limit ? `${line.slice(0, limit)}…` : line;
}
