/** A program the demonstration cannot do without: its output, or an error that shows what it said. */
import { SheafError } from '../../kit/error.ts';
import { run, type RunOptions } from '../../plumbing/process.ts';

/** Standard output as text. Throws `tool-failed` on any exit code but 0. */
export async function runTool(argv: readonly [string, ...string[]], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run(argv, { ...options, env: toolEnvironment(options.env) });
  if (code !== 0) {
    const said = `${stderr}${stdout.toString()}`.trim().split('\n').slice(-15).join('\n');
    throw new SheafError('tool-failed', `Cannot run ${argv[0]}: exit code ${code}\n${said}`, { kind: 'environment' });
  }
  return stdout.toString();
}

/** The user's own git, gpg and locale settings stay out of it. */
function toolEnvironment(extra: RunOptions['env'] = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    ...extra,
  };
}
