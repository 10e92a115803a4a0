/** What a test in a root is and sees, from the words of the command line. */
import type { RootTest } from '../../../flows/test-in-root.ts';
import { parseLimits } from '../root/limits.ts';
import { parseBind, parseFolder, parseVariable } from '../root/run.ts';

export type TestFlags = {
  readonly bind?: readonly string[] | undefined;
  readonly network?: true | undefined;
  readonly user?: string | undefined;
  readonly cwd?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly limit?: readonly string[] | undefined;
};

/** The home directory is set when the root is known. Throws `usage`. */
export function parseTest(argv: readonly [string, ...string[]], flags: TestFlags): RootTest {
  return {
    argv,
    binds: (flags.bind ?? []).map(parseBind),
    network: flags.network === true ? 'host' : 'none',
    cwd: parseFolder(flags.cwd),
    limits: parseLimits(flags.limit ?? []),
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
      ...Object.fromEntries((flags.env ?? []).map(parseVariable)),
    },
  };
}
