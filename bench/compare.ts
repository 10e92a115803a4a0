/**
 * What two packages of some 46 MB differ in, by `sheaf rebuild compare` and by diffoscope: two builds of one package of
 * bookworm, and one of them packed again with one line changed.
 *
 *     ./run bench compare [--json] [--write] [--runs 3] [--timeout 300] [--left FILE.deb --right FILE.deb]
 */
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

import { sha256 } from '../src/kit/digest.ts';
import { hostEnvironment, run, runChecked } from '../src/plumbing/process.ts';
import { benchCorpus } from './corpus.ts';
import { childrenCpu, median, progress as say, type Spent } from './measure.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    ...{ runs: { type: 'string', default: '3' }, timeout: { type: 'string', default: '300' } },
    ...{ left: { type: 'string' }, right: { type: 'string' } },
  },
});
const runs = Number(options.runs);
const timeout = Number(options.timeout);
const reportLimit = 16 * 2 ** 20;
const checkout = join(import.meta.dirname, '..');

/** Of bookworm-security and of bookworm: another upstream release, and the same files but for one. */
const debs = [
  {
    url: 'http://deb.debian.org/debian-security/pool/updates/main/q/qemu/qemu-system-misc_7.2+dfsg-7+deb12u15_amd64.deb',
    sha256: 'a85b8b807a0e6e1276e762143dfabf8306b9bff34a2e8347e29b8dd0b149b2ba',
  },
  {
    url: 'http://deb.debian.org/debian/pool/main/q/qemu/qemu-system-misc_7.2+dfsg-7+deb12u18+b3_amd64.deb',
    sha256: 'e09b30a9b2e39030c9cf91fc02e3f17d94e5dbe36f78b647a7d4fd83c2062156',
  },
] as const;

type Pair = { readonly what: string; readonly left: string; readonly right: string };

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  try {
    const [left, right] = [options.left ?? (await fetchDeb(debs[0])), options.right ?? (await fetchDeb(debs[1]))];
    const pairs: readonly Pair[] = [
      { what: 'two builds', left, right },
      { what: 'one line changed', left, right: await repack(left) },
    ];
    const version = await diffoscopeVersion();
    const rows: ReportRow[] = [];
    const ended: string[] = [];
    for (const pair of pairs) {
      say(`${pair.what}: ours`);
      const ours: Spent[] = [];
      // The first is to warm up.
      for (let count = 0; count <= runs; count++) {
        const spent = await compare(pair);
        if (count > 0) ours.push(spent);
      }
      const peer = version === undefined ? undefined : await diffoscope(pair, directory);
      if (peer?.cut === true) ended.push(pair.what);
      const of = (what: keyof Spent) => median(ours.map((spent) => spent[what]));
      rows.push(
        { what: `${pair.what}: wall`, ours: of('wall'), peer: peer?.wall, unit: 's', aim: '≤ 1/50' },
        { what: `${pair.what}: CPU`, ours: of('cpu'), peer: peer?.cpu, unit: 's' },
      );
    }
    const size = ((await stat(left)).size / 1e6).toFixed(0);
    await publishReport(
      {
        bench: 'compare',
        title: `What two packages of ${size} MB differ in: median of ${runs} runs after one to warm up; the peer once.`,
        peer: 'diffoscope',
        rows,
        notes: [
          `Two builds: ${basename(left)} and ${basename(right)}; one line changed: the first, packed again by dpkg-deb.`,
          `Ours: \`sheaf rebuild compare\`, its start included. Nearly all of its CPU time is that of xz (here ${await xzVersion()}), which decompresses several blocks at the same time: wall time falls with processors, up to four.`,
          'One line changed: seven of nine blocks are the same, byte for byte, and are decompressed once; the paths of what changed are only known by what stands before, so that none can be left out.',
          version === undefined
            ? 'diffoscope is not installed: no figures of the peer.'
            : `diffoscope ${version}: \`--timeout ${timeout} --max-text-report-size ${reportLimit} --text\`, which also disassembles.`,
          ...ended.map(
            (what) =>
              `${what}: diffoscope looked into nothing more after its time was over, so its figures are a lower bound.`,
          ),
        ],
      },
      options,
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

// --- what is compared ---

function cacheFolder(): string {
  return join(dirname(benchCorpus(say).directory), 'bench');
}

async function fetchDeb({ url, sha256: expected }: (typeof debs)[number]): Promise<string> {
  const path = join(cacheFolder(), basename(url));
  const kept = await readFile(path).catch(() => undefined);
  if (kept !== undefined && sha256(kept) === expected) return path;
  say(`fetching ${url}`);
  const response = await fetch(url);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (sha256(bytes) !== expected) {
    throw new Error(`Cannot fetch ${url} (${response.status}): name two packages by --left and --right`);
  }
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** The package with one line more in its copyright file, which is kept for the next time. */
async function repack(deb: string): Promise<string> {
  const path = join(cacheFolder(), `repacked-${basename(deb)}`);
  if (await stat(path).catch(() => undefined)) return path;
  say(`packing ${basename(deb)} again`);
  const tree = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  try {
    await runChecked(['dpkg-deb', '--raw-extract', deb, join(tree, 'x')]);
    const name = basename(deb).split('_')[0]!;
    await appendFile(join(tree, 'x/usr/share/doc', name, 'copyright'), 'Built on 2026-11-21.\n');
    const built = join(tree, 'built.deb');
    await runChecked(['dpkg-deb', '--root-owner-group', '--build', join(tree, 'x'), built], { timeout: 30 * 60_000 });
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.part`, await readFile(built));
    await rename(`${path}.part`, path);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
  return path;
}

// --- the stopwatch ---

async function spend(argv: readonly [string, ...string[]], milliseconds: number): Promise<Spent> {
  const cpu = childrenCpu();
  const started = performance.now();
  const env = { ...hostEnvironment, PATH: `${process.env['PATH']}:${hostEnvironment['PATH']}`, TMPDIR: tmpdir() };
  const { code, stderr } = await run(argv, { timeout: milliseconds, limit: 2 ** 28, env });
  // Both say 1 for a difference.
  if (code !== 1) throw new Error(`${argv.join(' ')}: exit code ${code}: ${stderr.slice(-500)}`);
  return { wall: (performance.now() - started) / 1000, cpu: childrenCpu() - cpu };
}

async function compare({ left, right }: Pair): Promise<Spent> {
  return spend([join(checkout, 'sheaf'), 'rebuild', 'compare', left, right], 10 * 60_000);
}

async function diffoscope({ what, left, right }: Pair, directory: string): Promise<Spent & { readonly cut: boolean }> {
  say(`${what}: diffoscope, for some ${timeout} s at most`);
  const report = join(directory, 'report');
  const limits = ['--no-progress', '--timeout', String(timeout), '--max-text-report-size', String(reportLimit)];
  const spent = await spend(['diffoscope', ...limits, '--text', report, left, right], 10 * timeout * 1000);
  const cut = (await readFile(report, 'latin1')).includes('Timeout exceeded') || spent.wall >= timeout;
  return { ...spent, cut };
}

async function diffoscopeVersion(): Promise<string | undefined> {
  const result = await run(['diffoscope', '--version']).catch(() => undefined);
  return result?.stdout.toString().trim().split(' ')[1];
}

async function xzVersion(): Promise<string> {
  const [first] = (await runChecked(['xz', '--version'])).split('\n');
  return first!.split(' ').at(-1)!;
}

await main();
