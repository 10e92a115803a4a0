/**
 * Index and pool downloads by many clients at once: our server, and nginx over the exported tree, asked by wrk; and
 * nginx over the exported tree beside nginx over a tree of plain files.
 *
 *     ./run bench serve [--seconds 2] [--runs 3] [--clients 64] [--json] [--write]
 *
 * Needs wrk and nginx.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { freePort } from '../test/free-port.ts';
import { archiveFiles } from '../src/apps/server/archive-files.ts';
import { publishSuite } from '../src/archive/mod.ts';
import { exportArchive } from '../src/flows/export-archive.ts';
import { exportTree } from '../src/plumbing/export-tree.ts';
import { runChecked } from '../src/plumbing/process.ts';
import { addQuickPackages } from '../test/quick-packages.ts';
import { toyArchive } from '../test/toy-archive.ts';
import { median, treeCpu } from './measure.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    seconds: { type: 'string', default: '2' },
    runs: { type: 'string', default: '3' },
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

/** A server and how to learn the CPU seconds that it has used. */
type Server = { readonly port: number; readonly cpu: () => number };

const directory = await mkdtemp(join(tmpdir(), 'sheaf-serve-'));
const toy = await toyArchive();
const children: ChildProcess[] = [];
try {
  const questions = await prepare();
  const listener = createHttpServer(
    archiveFiles(toy.deps, (_, response) => {
      response.writeHead(404).end();
    }),
  );
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  const ours: Server = {
    port: (listener.address() as AddressInfo).port,
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  };
  const nginx = await startNginx('export');
  const plain = await startNginx('plain');
  const rows: ReportRow[] = [];
  for (const question of questions) rows.push(...(await compare(question.what, question, ours, nginx)));
  for (const question of questions.filter(({ what }) => /hash|53 kB/.test(what))) {
    const what = `nginx over the export, over plain files: ${question.what}`;
    rows.push((await compare(what, question, nginx, plain))[0]!);
  }
  listener.close();
  await publishReport(
    {
      bench: 'serve',
      title: 'Serving a published archive to many clients at once.',
      peer: 'nginx',
      rows,
      notes: [
        `${options.clients} connections kept alive, medians of ${options.runs} runs of ${options.seconds} s in turns, on loopback, files in the page cache; wrk, both servers and all else share the machine.`,
        'nginx serves the tree that `sheaf archive export` made, with as many workers as there are cores, sendfile and no log; ours is one Node process, as `sheaf serve` is, which uses one core.',
        'CPU is user and system time of the server alone, for each request; other work on the machine changes it least.',
        'Of the last two rows the first number is nginx over the export, the peer is nginx over a copy of it without any link.',
      ],
    },
    options,
  );
} finally {
  for (const child of children) child.kill();
  await toy.close();
  await rm(directory, { recursive: true });
}

/** Requests per second, and CPU for each; nobody is measured while it starts up. */
async function compare(what: string, question: Question, ours: Server, peer: Server): Promise<ReportRow[]> {
  const servers = [peer, ours];
  const runs = servers.map((): Asked[] => []);
  for (const server of servers) await ask(server, question, '1');
  for (let run = 0; run < Number(options.runs); run++) {
    for (const [index, server] of servers.entries()) runs[index]!.push(await ask(server, question));
  }
  const of = (index: number, key: keyof Asked) => median(runs[index]!.map((asked) => asked[key]));
  return [
    { what, ours: of(1, 'perSecond'), peer: of(0, 'perSecond'), unit: 'requests/s', aim },
    { what: '· CPU for one', ours: of(1, 'cpu'), peer: of(0, 'cpu'), unit: 'µs' },
  ];
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
  const middle = Array.from({ length: 40 }, (_, number) => `main/pool/bench/middle_${number}_amd64.deb`);
  const large = 'main/pool/bench/large_1_amd64.deb';
  for (const root of [deps.directory, target]) {
    await mkdir(join(root, 'main/pool/bench'), { recursive: true });
    for (const path of small) await writeFile(join(root, path), Buffer.alloc(53_080, path));
    for (const path of middle) await writeFile(join(root, path), Buffer.alloc(500_000, path));
    await writeFile(join(root, large), Buffer.alloc(8_000_000, large));
  }
  await cp(target, join(directory, 'plain'), { recursive: true, dereference: true });
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
    { what: `package of 500 kB, ${middle.length} of them`, paths: middle.map((path) => `/${path}`) },
    { what: 'package of 8 MB', paths: [`/${large}`] },
  ];
}

async function startNginx(tree: string): Promise<Server> {
  const port = await freePort();
  const state = join(directory, `nginx-${tree}`);
  const config = join(state, 'nginx.conf');
  await mkdir(state);
  await writeFile(
    config,
    `daemon off;
worker_processes auto;
pid ${state}/pid;
error_log ${state}/error.log;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  client_body_temp_path ${state}/body;
  proxy_temp_path ${state}/proxy;
  fastcgi_temp_path ${state}/fastcgi;
  uwsgi_temp_path ${state}/uwsgi;
  scgi_temp_path ${state}/scgi;
  server { listen 127.0.0.1:${port}; root ${directory}/${tree}; }
}
`,
  );
  const child = spawn('nginx', ['-c', config, '-e', join(state, 'error.log')], { stdio: 'inherit' });
  children.push(child);
  for (let attempt = 0; attempt < 50; attempt++) {
    const ready = await fetch(`http://127.0.0.1:${port}/main/key.asc`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return { port, cpu: () => treeCpu([child.pid!]) };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('nginx does not answer');
}

/** Requests per second, and microseconds of the server's CPU for each. */
type Asked = { readonly perSecond: number; readonly cpu: number };

/** Throws when a request is answered with an error. */
async function ask(server: Server, { paths, headers = {} }: Question, seconds = options.seconds): Promise<Asked> {
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
    `http://127.0.0.1:${server.port}/`,
  ];
  const before = server.cpu();
  const said = await runChecked(wrk);
  if (/Non-2xx|Socket errors/.test(said)) throw new Error(said);
  const cpu = server.cpu() - before;
  const [, requests] = /^\s*(\d+) requests in /m.exec(said)!;
  const [, perSecond] = /^Requests\/sec:\s+([\d.]+)/m.exec(said)!;
  return { perSecond: Number(perSecond), cpu: (cpu * 1e6) / Number(requests) };
}
