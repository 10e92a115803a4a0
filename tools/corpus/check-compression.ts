/** Whether the compressed forms that Debian publishes come out byte for byte when an index is compressed again here. */
import { sha256 } from '../../src/kit/digest.ts';
import type { ReleaseFile } from '../../src/formats/deb/release.ts';
import { run } from '../../src/plumbing/process.ts';
import type { CorpusIndex } from './archive.ts';
import type { Findings } from './findings.ts';

type Encoder = { readonly suffix: string; readonly argv: readonly [string, ...string[]]; readonly slow: boolean };

const encoders: readonly Encoder[] = [
  { suffix: '.gz', argv: ['gzip', '-9n', '--rsyncable'], slow: false },
  { suffix: '.xz', argv: ['xz', '-6e', '-T2', '--block-size=24MiB', '-c'], slow: true },
];

export async function checkCompression(
  { suite, path, bytes }: CorpusIndex,
  files: readonly ReleaseFile[],
  { slow: slowToo, findings }: { readonly slow: boolean; readonly findings: Findings },
): Promise<void> {
  for (const { suffix, argv, slow } of encoders) {
    const listed = files.find((each) => each.path === path + suffix);
    if (listed === undefined || (slow && !slowToo)) continue;
    const check = `compressed by ${argv.slice(0, 2).join(' ')} as published`;
    const { stdout } = await run(argv, { input: bytes, limit: 2 ** 29 });
    findings.count(check, 1);
    if (sha256(stdout) !== listed.sha256) findings.disagree(check, `${suite} ${listed.path}`, 'the bytes differ');
  }
}
