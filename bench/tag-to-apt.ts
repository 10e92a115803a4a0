/**
 * From a signed tag to a package that apt can install: the same real hello by us and by sbuild + reprepro, in turns and
 * warm, and by nothing but dpkg-buildpackage.
 *
 *     ./run bench tag-to-apt [--runs N] [--json] [--write] [--without-peer]
 */
import { parseArgs } from 'node:util';

import { median, medianStages, sumStages, withInterrupt, type Spent } from './measure.ts';
import { measurePackage, medianSpent, peerNotes, type Results } from './turns.ts';
import { publishReport, reportFlags, type Report, type ReportRow } from './report.ts';

const stageTitles = {
  intake: 'tag pushed, fetched, verified',
  source: 'source package',
  binary: 'binary packages',
  publish: 'into the archive, published',
  apt: 'apt-get update sees it',
};

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    runs: { type: 'string', default: '3' },
    'without-peer': { type: 'boolean', default: false },
  },
});
const runs = Math.max(1, Math.min(50, Math.trunc(Number(options.runs)) || 1));

await withInterrupt(async (signal) => {
  const withPeer = !options['without-peer'];
  const results = await measurePackage({ source: 'hello', runs, withPeer, signal });
  await publishReport(await makeReport(results, withPeer), options);
});

async function makeReport(results: Results, withPeer: boolean): Promise<Report> {
  const ours = medianStages(results.ours.map(({ stages }) => stages));
  const peer = medianStages(results.peer);
  const oursTotal = medianSpent(results.ours.map(({ total }) => total));
  const peerTotal = withPeer ? medianSpent(results.peer.map((stages) => sumStages(stages.values()))) : undefined;
  const bare = medianSpent(results.bare);
  const stages = Object.entries(stageTitles);
  const inside = [...results.ours[0]!.inside.keys()].map((what): ReportRow => {
    return { what: `· ${what}`, ours: median(results.ours.map((run) => run.inside.get(what) ?? 0)), unit: 's' };
  });
  const over = (of: keyof Spent, what: string, aim?: string): ReportRow => ({
    what,
    ours: oursTotal[of] - bare[of],
    peer: peerTotal && peerTotal[of] - bare[of],
    unit: 's',
    ...(aim === undefined ? {} : { aim }),
  });
  return {
    bench: 'tag-to-apt',
    title: `From a signed tag of hello to installable by apt, warm: median of ${runs} runs in turns.`,
    peer: 'sbuild + reprepro',
    rows: [
      { what: 'wall time', ours: oursTotal.wall, peer: peerTotal?.wall, unit: 's', aim: '≤ 1/3' },
      { what: 'CPU time', ours: oursTotal.cpu, peer: peerTotal?.cpu, unit: 's' },
      over('wall', 'wall time over bare dpkg-buildpackage', '≤ 3 s'),
      over('cpu', 'CPU time over bare dpkg-buildpackage'),
      ...stages.map(([key, title]) => ({
        what: `wall: ${title}`,
        ours: ours.get(key)!.wall,
        peer: peer.get(key)?.wall,
        unit: 's',
      })),
      ...stages.map(([key, title]) => ({
        what: `CPU: ${title}`,
        ours: ours.get(key)!.cpu,
        peer: peer.get(key)?.cpu,
        unit: 's',
      })),
      { what: 'bare dpkg-buildpackage, wall', ours: bare.wall, unit: 's' },
      { what: 'bare dpkg-buildpackage, CPU', ours: bare.cpu, unit: 's' },
      ...inside,
    ],
    notes: [
      'Bare: `dpkg-buildpackage -us -uc -b` of the same tree in the same prepared root and sandbox; nothing can be quicker without building less.',
      ...(withPeer ? await peerNotes() : []),
      'Ours: `sheaf serve` and `sheaf worker run` as processes on this machine, from `git push` (the hook reports the tag) on; CPU of both, of PostgreSQL, the push and apt. The lines with a dot are what server and worker wrote down about the inside of the stages.',
    ],
  };
}
