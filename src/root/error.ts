/** What went wrong while packages were configured, from dpkg's own words. */
import { SheafError } from '../kit/error.ts';
import type { SandboxOutcome } from '../plumbing/sandbox/port.ts';

/** `dpkg` as it names the scripts of a package; deb-postinst(5). */
const scripts: Readonly<Record<string, string>> = {
  'pre-installation': 'preinst',
  'post-installation': 'postinst',
  'pre-removal': 'prerm',
  'post-removal': 'postrm',
};

export type DpkgFailure = {
  readonly package: string;
  readonly script: string | undefined;
  readonly code: number | undefined;
  /** As strsignal(3) names the one that ended the script. */
  readonly signal?: string;
};

/** The first package that dpkg could not process, or undefined. */
export function findDpkgFailure(output: string): DpkgFailure | undefined {
  const start = /dpkg: error processing (?:package|archive) (?<package>\S+) \(--[a-z-]+\):\n(?<reason>.*)/.exec(
    output,
  )?.groups;
  if (start === undefined) return undefined;
  const reason =
    /(?<script>p(?:re|ost)-(?:installation|removal)) script subprocess (?:returned error exit status (?<code>\d+)|was killed by signal \((?<signal>[^)]+)\))/.exec(
      start['reason']!,
    )?.groups;
  return {
    package: start['package']!.replace(/^.*\//, '').replace(/_.*\.deb$/, ''),
    script: reason === undefined ? undefined : scripts[reason['script']!],
    code: reason?.['code'] === undefined ? undefined : Number(reason['code']),
    ...(reason?.['signal'] === undefined ? {} : { signal: reason['signal'] }),
  };
}

/** The error for a step of making a root that did not end well: `root-failed`, or `disk-full` without where and how much. */
export function rootFailed(step: string, outcome: SandboxOutcome, output: string): SheafError {
  const failure = findDpkgFailure(output);
  const last = output.trimEnd().split('\n').slice(-15).join('\n');
  const what = failure === undefined ? describeOutcome(step, outcome) : describeFailure(failure);
  const code = isFull(outcome, last) ? 'disk-full' : 'root-failed';
  return new SheafError(code, `Cannot make the root: ${what}. Its last output:\n${last}`, {
    kind: 'environment',
  });
}

/** The programs say it in words: strerror(3). */
function isFull(outcome: SandboxOutcome, last: string): boolean {
  if (outcome.kind === 'limit') return outcome.limit === 'disk' && outcome.message.includes('is full');
  return /No space left on device|Disk quota exceeded/.test(last);
}

/** In half a sentence. */
export function describeFailure(failure: DpkgFailure): string {
  if (failure.script === undefined) return `dpkg could not install the package ${failure.package}`;
  const end =
    failure.signal === undefined ? `ended with exit code ${failure.code}` : `was ended by "${failure.signal}"`;
  return `the ${failure.script} script of the package ${failure.package} ${end}`;
}

function describeOutcome(step: string, outcome: SandboxOutcome): string {
  switch (outcome.kind) {
    case 'exited':
      return `${step} ended with exit code ${outcome.code}`;
    case 'killed':
      return `${step} was ended by ${outcome.signal}`;
    case 'limit':
      return `${step} went over a limit: ${outcome.message.replace(/\.$/, '')}`;
    case 'aborted':
      return `${step} was called off`;
  }
}
