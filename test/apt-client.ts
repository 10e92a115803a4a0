/** A real apt with a state of its own: nothing of the host's is read but its programs and what it has installed. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type AptResult = { readonly code: number; readonly output: string };

export type AptClient = {
  readonly directory: string;
  /** Replaces the client's one `.sources` file. */
  readonly use: (sources: string) => Promise<void>;
  /** Runs `apt-get` (or another program of apt) in `directory`. */
  readonly run: (program: 'apt-get' | 'apt-cache' | 'apt-file', ...parameters: readonly string[]) => Promise<AptResult>;
  readonly close: () => Promise<void>;
};

export async function aptClient(): Promise<AptClient> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-apt-'));
  for (const name of [
    'etc/apt/sources.list.d',
    'etc/apt/apt.conf.d',
    'etc/apt/preferences.d',
    'etc/apt/preferences.d',
    'etc/apt/trusted.gpg.d',
    'state/lists/partial',
    'cache/archives/partial',
    'work',
  ]) {
    await mkdir(join(directory, name), { recursive: true });
  }
  const settings: Record<string, string> = {
    'Dir::Etc': join(directory, 'etc/apt'),
    'Dir::State': join(directory, 'state'),
    'Dir::State::status': '/var/lib/dpkg/status',
    'Dir::Cache': join(directory, 'cache'),
    'APT::Sandbox::User': '',
    'APT::Architecture': 'amd64',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '0',
    'Acquire::http::Proxy': 'DIRECT',
    'Debug::NoLocking': 'true',
  };
  // Read before all else, so that the host's own settings are never looked at.
  const config = join(directory, 'apt.conf');
  await writeFile(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  const work = join(directory, 'work');
  return {
    directory: work,
    use: (sources) => writeFile(join(directory, 'etc/apt/sources.list.d/toy.sources'), sources),
    run: (program, ...parameters) =>
      new Promise((resolve) => {
        const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', APT_CONFIG: config };
        execFile(program, [...parameters], { cwd: work, env, timeout: 60_000 }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? 255), output: stdout + stderr });
        });
      }),
    close: () => rm(directory, { recursive: true }),
  };
}
