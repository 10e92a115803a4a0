/** What a server needs whose suites have uploads looked at by lintian. */
import { access, constants } from 'node:fs/promises';

import { lintianProgram } from '../../../plumbing/lintian.ts';
import { readDistribution } from '../../../policy/mod.ts';
import { findDirectory } from '../context.ts';
import { asRoot, missing, ok, type Check } from './finding.ts';
import { sandboxChecks } from './sandbox.ts';

/** None when no suite asks for it. `dir` is what -C names, if it does. */
export async function lintianChecks(dir: string | undefined): Promise<readonly Check[]> {
  const suites = await askingSuites(dir).catch(() => []);
  if (suites.length === 0) return [];
  const run = async () => {
    const isThere = await access(lintianProgram, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return ok('lintian', lintianProgram);
    const why = `not installed; it looks at uploads into ${suites.join(', ')}`;
    return missing('lintian', why, asRoot('apt-get install lintian'));
  };
  return [
    { roles: ['server'], run },
    // lintian unpacks what people send: only in a sandbox.
    ...sandboxChecks.map((check): Check => ({ ...check, roles: ['server'] })),
  ];
}

async function askingSuites(dir: string | undefined): Promise<string[]> {
  const { suites } = await readDistribution(await findDirectory(dir));
  return [...suites.values()].filter((suite) => suite.lintian === true).map((suite) => suite.name);
}
