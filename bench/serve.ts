/**
 * Index and pool downloads by many clients at once: our server, and nginx over the exported tree, asked by wrk.
 *
 *     ./run bench serve [--seconds 3] [--clients 64] [--json] [--write]
 *
 * Needs wrk and nginx.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { serve } from '@hono/node-server';

import { archiveFiles } from '../src/apps/server/archive-files.ts';
import { publishSuite } from '../src/archive/mod.ts';
import { exportArchive } from '../src/flows/export-archive.ts';
import { exportTree } from '../src/plumbing/export-tree.ts';
import { runChecked } from '../src/plumbing/process.ts';
import { addQuickPackages } from '../test/quick-packages.ts';
import { toyArchive } from '../test/toy-archive.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    seconds: { type: 'string', default: '3' },
    clients: { type: 'string', default: '64' },
  },
});
const aim = '≥ 0.5';
const smallFiles = 200;

type Question = {
  readonly what: string;
  /** Asked for in turn. */
  readonly paths: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
};

const directory = await mkdtemp(join(tmpdir(), 'sheaf-serve-'));
const toy = await toyArchive();
const children: ChildProcess[] = [];
try {
  const questions = await prepare();
  const ours = serve({ fetch: archiveFiles(toy.deps).fetch, hostname: '127.0.0.1', port: 0 });
  await once(ours, 'listening');
  const port = (ours.address() as AddressInfo).port;
  const nginx = await startNginx();
  const rows: ReportRow[] = [];
  // Nobody is measured while it starts up.
  for (const each of [nginx, port]) for (const question of questions) await ask(each, question, '1');
  for (const question of questions) {
    const peer = await ask(nginx, question);
    rows.push({ what: question.what, ours: await ask(port, question), peer, unit: 'requests/s', aim });
  }
  ours.close();
  await publishReport(
    {
      bench: 'serve',
      title: 'Serving a published archive to many clients at once.',
      peer: 'nginx',
      rows,
      notes: [
        `${options.clients} connections kept alive, ${options.seconds} s for each number, on loopback, files in the page cache; wrk, both servers and all else share the machine.`,
        'nginx serves the tree that `sheaf archive export` made, with as many workers as there are cores, sendfile and no log; ours is one Node process.',
      ],
    },
    options,
  );
} finally {
  for (const child of children) child.kill();
  await toy.close();
  await rm(directory, { recursive: true });
}

/** An archive with a large index, small and large packages, and its export. */
async function prepare(): Promise<Question[]> {
  const { deps } = toy;
  const binaries = Array.from({ length: 4000 }, (_, number) => ({
    name: `package-${number}`,
    version: '1.0',
    architecture: 'amd64',
  }));
  const now = new Date();
  await addQuickPackages(deps, 'stable', { name: 'many', version: '1.0', component: 'main', binaries }, now);
  await publishSuite(deps, 'stable', now);
  const target = join(directory, 'export');
  const gunzip = deps.compression.gunzip;
  await exportArchive({ distribution: deps.distribution, directory: deps.directory, tree: exportTree, gunzip }, target);
  // The quick packages are a few bytes each: these are of the sizes that matter.
  const small = Array.from({ length: smallFiles }, (_, number) => `main/pool/bench/small_${number}_amd64.deb`);
  const large = 'main/pool/bench/large_1_amd64.deb';
  for (const root of [deps.directory, target]) {
    await mkdir(join(root, 'main/pool/bench'), { recursive: true });
    for (const path of small) await writeFile(join(root, path), Buffer.alloc(53_080, path));
    await writeFile(join(root, large), Buffer.alloc(8_000_000, large));
  }
  const release = await readFile(join(target, 'main/dists/stable/InRelease'), 'utf8');
  const hash = / ([0-9a-f]{64}) +\d+ main\/binary-amd64\/Packages\.gz\n/.exec(release)![1]!;
  const modified = /^Date: (.*)$/m.exec(release)![1]!.replace(/UTC|\+0000/, 'GMT');
  return [
    { what: 'InRelease', paths: ['/main/dists/stable/InRelease'] },
    {
      what: 'InRelease that has not changed (304)',
      paths: ['/main/dists/stable/InRelease'],
      headers: { 'If-Modified-Since': modified },
    },
    { what: 'index by its hash', paths: [`/main/dists/stable/main/binary-amd64/by-hash/SHA256/${hash}`] },
    { what: `package of 53 kB, ${smallFiles} of them`, paths: small.map((path) => `/${path}`) },
    { what: 'package of 8 MB', paths: [`/${large}`] },
  ];
}

async function startNginx(): Promise<number> {
  const port = await freePort();
  const config = join(directory, 'nginx.conf');
  await mkdir(join(directory, 'nginx'));
  await writeFile(
    config,
    `daemon off;
worker_processes auto;
pid ${directory}/nginx/pid;
error_log ${directory}/nginx/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_body_temp_path ${directory}/nginx/body;
  proxy_temp_path ${directory}/nginx/proxy;
  fastcgi_temp_path ${directory}/nginx/fastcgi;
  uwsgi_temp_path ${directory}/nginx/uwsgi;
  scgi_temp_path ${directory}/nginx/scgi;
  server { listen 127.0.0.1:${port}; root ${directory}/export; }
}
`,
  );
  const child = spawn('nginx', ['-c', config, '-e', join(directory, 'nginx/error.log')], { stdio: 'inherit' });
  children.push(child);
  for (let attempt = 0; attempt < 50; attempt++) {
    const ready = await fetch(`http://127.0.0.1:${port}/main/key.asc`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return port;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('nginx does not answer');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Requests per second. Throws when one is answered with an error. */
async function ask(port: number, { paths, headers = {} }: Question, seconds = options.seconds): Promise<number> {
  const script = join(directory, 'wrk.lua');
  const set = Object.entries(headers).map(([name, value]) => `  wrk.headers["${name}"] = "${value}"\n`);
  await writeFile(
    script,
    `local paths = {${paths.map((path) => JSON.stringify(path)).join(', ')}}
local at = 0
function init(args)
${set.join('')}end
function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
`,
  );
  const wrk: [string, ...string[]] = [
    'wrk',
    '-t1',
    `-c${options.clients}`,
    `-d${seconds}s`,
    '--script',
    script,
    `http://127.0.0.1:${port}/`,
  ];
  const said = await runChecked(wrk);
  if (/Non-2xx|Socket errors/.test(said)) throw new Error(said);
  return Number(/^Requests\/sec:\s+([\d.]+)/m.exec(said)![1]);
}
