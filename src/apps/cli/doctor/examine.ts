/** The doctor: runs every check, each on its own. */
import { describeError } from '../../../kit/error.ts';
import { style, styleState } from '../style.ts';
import { formatTable, text } from '../table.ts';
import type { Check, Finding, Role } from './finding.ts';
import { foreignChecks } from './foreign.ts';
import { lintianChecks } from './lintian.ts';
import { namespaceChecks } from './namespaces.ts';
import { programChecks } from './programs.ts';
import { roomChecks } from './room.ts';
import { sandboxChecks } from './sandbox.ts';

export async function examine(role: Role | undefined, dir: string | undefined): Promise<Finding[]> {
  const checks = [...programChecks, ...namespaceChecks, ...sandboxChecks, ...foreignChecks, ...roomChecks(dir)];
  const own = (await lintianChecks(dir)).filter(({ run }) => role !== undefined || checks.every((c) => c.run !== run));
  const wanted = [...checks, ...own].filter(({ roles }) => role === undefined || roles.includes(role));
  return Promise.all(wanted.map(runCheck));
}

/** A check that fails in a way nobody thought of is a finding too. */
async function runCheck(check: Check): Promise<Finding> {
  try {
    return await check.run();
  } catch (error) {
    return { name: 'check', state: 'warning', message: `could not be made: ${describeError(error)}` };
  }
}

export function formatFindings(findings: readonly Finding[]): string[] {
  const fixes = [...new Set(findings.flatMap(({ fix, state }) => (fix === undefined || state === 'ok' ? [] : [fix])))];
  const lacking = findings.filter(({ state }) => state === 'missing').length;
  return [
    ...formatTable(findings, [
      { title: 'state', cell: (row) => styleState(row.state) },
      text('what', (row) => row.name),
      text('found', (row) => row.message),
    ]),
    '',
    ...(lacking === 0 ? ['This machine has what is needed.'] : [style('bold', `${lacking} missing. To add it:`)]),
    ...joinInstalls(fixes).map((fix) => `  ${fix}`),
  ];
}

/** Several `apt-get install` become one. */
function joinInstalls(fixes: readonly string[]): string[] {
  const pattern = /^((?:sudo )?apt-get install) (\S+)$/;
  const packages = fixes.flatMap((fix) => pattern.exec(fix)?.[2] ?? []);
  const start = fixes.map((fix) => pattern.exec(fix)?.[1]).find((each) => each !== undefined);
  const others = fixes.filter((fix) => !pattern.test(fix));
  return start === undefined ? others : [`${start} ${[...new Set(packages)].join(' ')}`, ...others];
}
