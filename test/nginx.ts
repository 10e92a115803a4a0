/** nginx over a folder, on a port of its own: what people serve an exported tree or a mirror with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './free-port.ts';
import { findProgram } from '../src/plumbing/process.ts';

export type Nginx = {
  readonly url: string;
  /** At once, with all its connections, as when the machine is lost. */
  readonly close: () => Promise<void>;
};

/** `host`: an address of this machine. Throws when nginx is not there or does not answer. */
export async function startNginx(root: string, host = '127.0.0.1'): Promise<Nginx> {
  const state = await mkdtemp(join(tmpdir(), 'sheaf-nginx-'));
  const port = await freePort(host);
  const config = join(state, 'nginx.conf');
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    config,
    `daemon off;
master_process off;
pid ${state}/pid;
error_log ${state}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  access_log off;
  ${folders.map((name) => `${name}_temp_path ${state}/${name};`).join('\n  ')}
  server { listen ${host}:${port}; root ${root}; }
}
`,
  );
  // An ordinary user's PATH lacks /usr/sbin.
  const child = spawn((await findProgram('nginx')) ?? 'nginx', ['-c', config, '-e', join(state, 'error.log')], {
    stdio: 'ignore',
  });
  const gone = once(child, 'exit').catch(() => {});
  const url = `http://${host}:${port}`;
  const close = async () => {
    child.kill('SIGKILL');
    await gone;
    await rm(state, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt++) {
    const answers = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answers) return { url, close };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await close();
  throw new Error('nginx does not answer');
}
