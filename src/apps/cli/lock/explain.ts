/** `sheaf lock explain`: why a package is in a lock. */
import {
  explainPackage,
  type Cause,
  type Chain,
  type Explanation,
  type NamedPackage,
  type Step,
} from '../../../lock/mod.ts';
import { SheafError } from '../../../kit/error.ts';
import { clean } from '../clean.ts';
import { style } from '../style.ts';
import { terminalWidth, wrap } from '../table.ts';
import { readLocks } from './read.ts';

export type LockExplanation = {
  readonly lock: string;
  readonly package: string;
  /** One for each architecture of the file that has the package. */
  readonly explanations: readonly (Explanation & { readonly architecture: string })[];
};

/** Throws `not-in-lock` when no architecture has it. */
export async function explainInLock(file: string, name: string, only: string | undefined): Promise<LockExplanation> {
  const { locks } = await readLocks(file);
  const wanted = locks.filter(({ architecture }) => only === undefined || architecture === only);
  if (wanted.length === 0) {
    throw new SheafError('not-in-lock', `Cannot explain ${name}: ${file} has no lock for ${only}`, {
      kind: 'usage',
      hint: `It is for ${locks.map(({ architecture }) => architecture).join(', ')}.`,
    });
  }
  const explanations: LockExplanation['explanations'][number][] = [];
  let missing: unknown;
  for (const lock of wanted) {
    try {
      const found = explainPackage(lock, name);
      explanations.push(...found.map((each) => ({ architecture: lock.architecture, ...each })));
    } catch (error) {
      if (!(error instanceof SheafError) || error.code !== 'not-in-lock') throw error;
      missing = error;
    }
  }
  if (explanations.length === 0) throw missing;
  return { lock: file, package: name, explanations };
}

/** More reasons than this are only counted. */
const fewChains = 5;

export function formatExplanation({ explanations }: LockExplanation, all: boolean): string[] {
  return explanations.flatMap((each, index) => [
    ...(index === 0 ? [] : ['']),
    ...formatOne(
      each,
      explanations.some(({ architecture }) => architecture !== each.architecture),
      all,
    ),
  ]);
}

function formatOne(each: LockExplanation['explanations'][number], isMany: boolean, all: boolean): string[] {
  const { chains, neededBy, onlyFor } = each;
  const shown = all ? chains : chains.slice(0, fewChains);
  const rest = chains.length - shown.length;
  const { name, version, architecture } = each.package;
  const where = isMany ? ` in the lock for ${each.architecture}` : '';
  return [
    style('bold', clean(`${name} ${version} ${architecture}${where}`)),
    ...shown.flatMap((chain) => ['', ...formatChain(chain)]),
    ...(rest > 0 ? ['', style('dim', `… and ${rest} more: --all`)] : []),
    '',
    ...formatList('needed by', neededBy, 'nothing else in the lock'),
    ...formatList('only for it', onlyFor, 'nothing'),
  ];
}

function formatChain({ cause, steps }: Chain): string[] {
  const first = steps[0]?.from;
  const head = first === undefined ? `it ${formatCause(cause)}` : `${first.name} ${formatCause(cause, first.name)}`;
  return [`  ${clean(head)}`, ...steps.map((step, depth) => `  ${'  '.repeat(depth + 1)}${clean(formatStep(step))}`)];
}

function formatCause(cause: Cause, name?: string): string {
  switch (cause.kind) {
    case 'asked':
      return `was asked for${cause.word === name || name === undefined ? '' : ` (${cause.word})`}`;
    case 'essential':
      return 'is essential';
    case 'variant':
      return `belongs to the variant ${cause.variant}`;
    case 'priority':
      return `has priority ${cause.priority}`;
    case 'unknown':
      return 'is listed: no other package needs it';
  }
}

function formatStep({ field, relation, alternative, provides, to, others }: Step): string {
  const verb = { 'Pre-Depends': 'pre-depends on', Depends: 'depends on', Recommends: 'recommends' }[field];
  const isPlain = relation === alternative;
  return [
    `${verb} ${relation}`,
    isPlain && !provides
      ? ''
      : `: ${to.name}${provides ? ' provides ' : ' is '}${provides ? alternative : 'one of them'}`,
    others.length === 0 ? '' : ` (as does ${others.map(({ name }) => name).join(', ')})`,
  ].join('');
}

function formatList(label: string, packages: readonly NamedPackage[], none: string): string[] {
  const names = packages.length === 0 ? none : packages.map(({ name }) => name).join(', ');
  const [first = '', ...rest] = wrap(clean(names), (terminalWidth() ?? Number.POSITIVE_INFINITY) - 13);
  return [`${style('dim', `${label}:`.padEnd(12))} ${first}`, ...rest.map((line) => ' '.repeat(13) + line)];
}
