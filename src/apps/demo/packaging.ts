/** A packaging repository as DEP-14 has it: upstream's tree, then debian/, in a bare repository with the hook. */
import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { signingConfig, type DemoPerson } from './people.ts';
import type { FetchedSource } from './source.ts';
import { runTool } from './tool.ts';

export type PackagingRepository = {
  readonly source: string;
  /** What a maintainer works in. */
  readonly work: string;
  /** What the server fetches from; a push here runs the hook. */
  readonly bare: string;
};

export type HookSettings = { readonly url: string; readonly secretFile: string; readonly script: string };

/** Starts over: a repository is cheap to make, and a half-made one is worse than none. */
export async function makeRepository(
  directory: string,
  fetched: FetchedSource,
  author: DemoPerson,
  hook: HookSettings,
): Promise<PackagingRepository> {
  const work = join(directory, 'work', fetched.name);
  const bare = join(directory, 'git', `${fetched.name}.git`);
  await rm(work, { recursive: true, force: true });
  await rm(bare, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await runTool(['git', 'init', '--quiet', '--bare', '--initial-branch=debian/latest', '--', bare]);
  await runTool(['git', 'init', '--quiet', '--initial-branch=debian/latest', '--', work]);
  await runTool(['git', 'remote', 'add', 'origin', bare], { cwd: work });
  await installHook(bare, hook);

  const upstream = fetched.version.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
  if (!(await isNative(fetched))) {
    await cp(fetched.tree, work, { recursive: true, filter: (path) => path !== join(fetched.tree, 'debian') });
    await commit(work, author, `Import upstream version ${upstream}`);
    await runTool(['git', ...signingConfig(author).args, 'tag', '-m', `Upstream ${upstream}`, `upstream/${upstream}`], {
      cwd: work,
    });
  }
  await cp(fetched.tree, work, { recursive: true });
  await commit(work, author, `Import Debian version ${fetched.version}`);
  return { source: fetched.name, work, bare };
}

/** A changelog entry on top, committed: what a maintainer does before a release. */
export async function addRelease(
  repository: PackagingRepository,
  author: DemoPerson,
  release: { readonly version: string; readonly distribution: string; readonly change: string; readonly date: Date },
): Promise<void> {
  const file = join(repository.work, 'debian/changelog');
  const date = release.date.toUTCString().replace('GMT', '+0000');
  const entry = [
    `${repository.source} (${release.version}) ${release.distribution}; urgency=medium`,
    '',
    `  * ${release.change}`,
    '',
    ` -- ${author.fullName} <${author.email}>  ${date}`,
    '',
    '',
  ];
  await writeFile(file, entry.join('\n') + (await readFile(file, 'utf8')));
  await commit(repository.work, author, `Release ${release.version}`);
}

/** `git tag` and `git push`; returns what the push printed, the hook's words included. */
export async function pushTag(
  repository: PackagingRepository,
  tag: string,
  signer: DemoPerson | undefined,
): Promise<string> {
  const { args, env } = signer === undefined ? unsignedConfig : signingConfig(signer);
  const kind = signer === undefined ? '--annotate' : '--sign';
  const cwd = repository.work;
  await runTool(['git', ...args, 'tag', '--force', kind, '-m', `${repository.source} ${tag}`, '--', tag], { cwd, env });
  const push = ['git', 'push', '--quiet', '--force', 'origin', 'debian/latest', '--tags'] as const;
  return runTool([...push], { cwd });
}

const unsignedConfig = { args: ['-c', 'user.name=Nobody', '-c', 'user.email=nobody@demo.invalid'], env: {} };

async function commit(work: string, author: DemoPerson, message: string): Promise<void> {
  await runTool(['git', 'add', '--all', '--force'], { cwd: work });
  const { args } = signingConfig(author);
  await runTool(['git', ...args, 'commit', '--quiet', '--allow-empty', '-m', message], { cwd: work });
}

async function isNative(fetched: FetchedSource): Promise<boolean> {
  const format = await readFile(join(fetched.tree, 'debian/source/format'), 'utf8').catch(() => '1.0');
  return format.includes('native') || !fetched.version.includes('-');
}

async function installHook(bare: string, hook: HookSettings): Promise<void> {
  const target = join(bare, 'hooks/post-receive');
  for (const sample of await readdir(join(bare, 'hooks'))) await rm(join(bare, 'hooks', sample));
  await copyFile(hook.script, target);
  await chmod(target, 0o755);
  await runTool(['git', 'config', 'sheaf.hook', hook.url], { cwd: bare });
  await runTool(['git', 'config', 'sheaf.secretFile', hook.secretFile], { cwd: bare });
}
