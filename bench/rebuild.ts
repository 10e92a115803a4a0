/**
 * How much of Debian can be reproduced: 40 source packages of bookworm, chosen beforehand, once plainly and once with what
 * the published files tell of their build restored; what our own demonstration built; and what a rebuild costs beside the
 * build itself. Its distribution is kept in the cache, and so is every build: stopped at any time, it goes on.
 *
 *     ./run bench rebuild [--packages FILE] [--experiments N] [--no-plain] [--no-cost] [--runs N] [--json] [--write]
 *
 * With --write the report of the packages goes beside the list, with its date and causes.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

import { fetchSources } from '../src/apps/demo/source.ts';
import { runTool } from '../src/apps/demo/tool.ts';
import { parseDsc } from '../src/formats/deb/dsc.ts';
import type { Verdict } from '../src/model/rebuild.ts';
import { parseNameList } from '../src/rebuild/selection.ts';
import { makeBareRoot } from './bare.ts';
import { benchCorpus, debianMirror } from './corpus.ts';
import { childrenCpu, median, progress, withInterrupt, type Spent } from './measure.ts';
import { makeSbuild } from './peers/sbuild.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';

const wholeList = join(import.meta.dirname, 'rebuild/packages.txt');
const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    packages: { type: 'string', default: wholeList },
    experiments: { type: 'string', default: '3' },
    runs: { type: 'string', default: '3' },
    /** Leaves out the rebuilds that restore nothing. */
    'no-plain': { type: 'boolean', default: false },
    /** Leaves out what is measured by the clock. */
    'no-cost': { type: 'boolean', default: false },
  },
});
const checkout = join(import.meta.dirname, '..');
const cache = join(dirname(benchCorpus(progress).directory), 'bench');
const home = join(cache, 'rebuild');
/** Of its own, so that no rebuild that looks for causes has its last word from one that does not. */
const plainHome = join(cache, 'rebuild-plain');
const place = 'debian/bookworm';
/** A small program in C: what it costs is nearly all overhead. */
const small = 'hostname';

type Queue = {
  readonly place: string;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly selected: number;
  readonly done: readonly Done[];
};

type Done = {
  readonly source: string;
  readonly causes: readonly { readonly confirmed: boolean; readonly explains?: string }[];
  readonly verdict: Verdict;
};

await withInterrupt(async (signal) => {
  const sheafIn =
    (directory: string) =>
    async (...argv: readonly string[]) =>
      runHere(['sheaf', '-C', directory, ...argv], signal);
  const sheaf = sheafIn(home);
  const listed = parseNameList(await readFile(options.packages, 'utf8'), options.packages).length;
  const queueIn = async (directory: string, ...flags: readonly string[]) => {
    await prepare(directory, sheafIn(directory), signal);
    const allow = ['--from', place, '--allow', options.packages, '--nocheck'];
    return JSON.parse(await sheafIn(directory)('--json', 'rebuild', 'queue', ...allow, ...flags)) as Queue;
  };
  progress('plain rebuilds');
  const plain = options['no-plain'] ? undefined : await queueIn(plainHome, '--plain', '--no-explain');
  progress('with what the published files tell');
  const ours = await queueIn(home, '--experiments', options.experiments);
  const last: Done[] = [];
  for (const each of ours.done) last.push(each.verdict === 'reproduced' ? each : await newest(sheaf, each));
  const agreed = last.filter(({ verdict }) => verdict === 'reproduced');
  const rest = last.filter(({ verdict }) => verdict !== 'reproduced');
  const isExplained = ({ causes }: Done) => causes.some(({ confirmed }) => confirmed);
  const isWhole = ({ causes }: Done) =>
    causes.length > 0 && causes.every(({ confirmed, explains }) => confirmed && explains === undefined);
  const percent = (count: number, of: number) => (100 * count) / of;
  progress('the demonstration, whose packages are rebuilt exactly');
  const demo = await demonstration(signal);
  const rows: ReportRow[] = [
    {
      what: `reproduced, of ${ours.selected}`,
      ours: percent(agreed.length, ours.selected),
      peer: plain && percent(plain.counts.reproduced, plain.selected),
      unit: '%',
      aim: '≥ 72 %',
    },
    {
      what: 'reproduced by the first rebuild',
      ours: percent(agreed.length - agreed.filter(isExplained).length, ours.selected),
      unit: '%',
    },
    {
      what: 'the rest with a confirmed cause',
      ours: rest.filter(isExplained).length,
      unit: `of ${rest.length}`,
      aim: 'all',
    },
    { what: '… of all that differs', ours: rest.filter(isWhole).length, unit: `of ${rest.length}` },
    { what: 'exactly, of what we built', ours: percent(demo.reproduced, demo.of), unit: '%', aim: '100 %' },
    ...(options['no-cost'] ? [] : await measureCost(sheaf, signal)),
  ];
  await publishReport(
    {
      bench: 'rebuild',
      title: `Rebuilds of ${ours.selected} source packages of ${ours.place}, and what one costs.`,
      peer: 'plain',
      rows,
      notes: [
        `The list and its rule: bench/rebuild/packages.txt, fixed beforehand; ${listed - ours.selected} of ${listed} packages are not in that place any more. Causes: bench/rebuild/REPORT.md.`,
        ...(options.packages === wholeList
          ? []
          : [`Not the whole list yet, but these: ${ours.done.map(({ source }) => source).join(', ')}.`]),
        'Without the packages’ own tests. Plain: the same sources in the build dependencies of today by dpkg-buildpackage, with nothing restored.',
        'Ours restores what published files tell: build path, day, the names that gcc and debhelper gave themselves, a changelog entry. What differs then is tried with older packages of bookworm’s security archive, above all the C library, with headers of libraries without their later patches, with other names of gcc and of libraries, and in the environment of bullseye.',
        ...(options['no-cost']
          ? []
          : [
              `Cost: a rebuild of ${small}, warm, and the same by sbuild, each without the time of dpkg-buildpackage itself. sbuild stands for debrebuild, which runs it after asking services of the network that are not reached from here for the environment.`,
            ]),
      ],
    },
    options,
  );
  if (options.write) {
    const report = await sheaf('rebuild', 'report', '--place', place, '--markdown');
    await writeFile(join(import.meta.dirname, 'rebuild/REPORT.md'), report);
  }
});

/** Standard output; how far it is goes to standard error. Exit code 1 says that something differs: no failure here. */
async function runHere(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<string> {
  const [program, ...rest] = argv;
  const child = spawn(join(checkout, program), rest, { stdio: ['ignore', 'pipe', 'inherit'], signal });
  const [output, [code]] = await Promise.all([readAll(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0 && code !== 1) throw new Error(`Cannot go on: ${argv.join(' ')} ended with ${code}`);
  return output;
}

async function prepare(
  directory: string,
  sheaf: (...argv: readonly string[]) => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  if (await stat(join(directory, 'sheaf.toml')).catch(() => undefined)) return;
  await mkdir(dirname(directory), { recursive: true });
  progress(`making a distribution in ${directory}`);
  await runHere(['sheaf', 'init', directory], signal);
  await sheaf('upstream', 'add', 'security', `${debianMirror}-security`, '--suite', 'bookworm-security');
  // Some of it has not been built since.
  await sheaf('upstream', 'add', 'earlier', debianMirror, '--suite', 'bullseye');
  await sheaf('upstream', 'update');
}

/** What was tried again since by `sheaf rebuild run` counts, as in the report. */
async function newest(sheaf: (...argv: readonly string[]) => Promise<string>, { source }: Done): Promise<Done> {
  const { rebuilds } = JSON.parse(await sheaf('--json', 'rebuild', 'show', source)) as {
    rebuilds: readonly [{ readonly result: Omit<Done, 'source'> }];
  };
  return { source, ...rebuilds[0].result };
}

async function demonstration(signal: AbortSignal): Promise<{ readonly reproduced: number; readonly of: number }> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  try {
    const text = await runHere(['run', 'demo', '--once', '--json', '--dir', join(directory, 'demo')], signal);
    const { rebuilds } = JSON.parse(text) as { rebuilds: readonly { verdict: Verdict }[] };
    return { reproduced: rebuilds.filter(({ verdict }) => verdict === 'reproduced').length, of: rebuilds.length };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

// --- what a rebuild costs ---

async function measureCost(
  sheaf: (...argv: readonly string[]) => Promise<string>,
  signal: AbortSignal,
): Promise<ReportRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-bench-'));
  const closing: (() => Promise<void>)[] = [];
  try {
    // The peer works as another user.
    await chmod(directory, 0o755);
    const architecture = (await runTool(['dpkg', '--print-architecture'])).trim();
    const [fetched] = await fetchSources(join(directory, 'debian'), [small]);
    const folder = dirname(fetched!.tree);
    const dscName = `${small}_${fetched!.version}.dsc`;
    const dsc = parseDsc(await readFile(join(folder, dscName), 'utf8'), dscName);
    const buildDepends = ['debhelper'];
    const common = { architecture, signal };
    const bare = await makeBareRoot({
      ...common,
      ...{ directory: join(directory, 'bare'), environment: ['build-essential', 'fakeroot'] },
      buildDepends: buildDepends.join(', '),
    });
    closing.push(bare.close);
    const sbuild = await makeSbuild({
      ...common,
      ...{ directory: join(directory, 'peer'), suite: 'bookworm', packages: buildDepends },
    });
    closing.push(sbuild.close);
    const spent = { ours: [] as Spent[], peer: [] as Spent[], bare: [] as Spent[] };
    // The first is to warm up.
    for (let run = 0; run <= Number(options.runs); run++) {
      progress(`what a rebuild costs, ${run} of ${options.runs}`);
      const one = {
        ours: await timed(() => sheaf('rebuild', 'run', small, '--from', place, '--again', '--no-explain')),
        peer: await timed(async () => buildByPeer(sbuild, folder, [dscName, ...dsc.files.map(({ name }) => name)])),
        bare: await bare.build('tree', (path) => runTool(['tar', '-C', folder, '-cf', path, 'tree'])),
      };
      if (run > 0) for (const who of ['ours', 'peer', 'bare'] as const) spent[who].push(one[who]);
    }
    // What was measured looked for no cause: that is not to be the last word on it.
    await sheaf('rebuild', 'run', small, '--from', place, '--nocheck');
    const of = (who: keyof typeof spent, what: keyof Spent) => median(spent[who].map((each) => each[what]));
    const over = (who: 'ours' | 'peer', what: keyof Spent) => of(who, what) - of('bare', what);
    return [
      {
        what: `${small}: wall over bare`,
        ours: over('ours', 'wall'),
        peer: over('peer', 'wall'),
        unit: 's',
        aim: '≤ 1/4',
      },
      { what: `${small}: CPU over bare`, ours: over('ours', 'cpu'), peer: over('peer', 'cpu'), unit: 's' },
    ];
  } finally {
    for (const close of closing.toReversed()) await close().catch((error: unknown) => progress(String(error)));
    await rm(directory, { recursive: true, force: true });
  }
}

async function timed(run: () => Promise<unknown>): Promise<Spent> {
  const [cpu, started] = [childrenCpu(), performance.now()];
  await run();
  return { wall: (performance.now() - started) / 1000, cpu: childrenCpu() - cpu };
}

async function buildByPeer(
  { build, user, env }: Awaited<ReturnType<typeof makeSbuild>>,
  from: string,
  files: readonly string[],
): Promise<void> {
  const folder = await mkdtemp(join(env['HOME']!, 'build-'));
  await user.own(folder);
  for (const name of files) {
    await copyFile(join(from, name), join(folder, name));
    await user.own(join(folder, name));
  }
  await build(files[0]!, folder);
}
