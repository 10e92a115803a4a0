/**
 * Six real packages from a signed tag to what apt can install, by us and by sbuild + reprepro, in turns and warm. The five
 * beside hello are small ones that most systems know, chosen before anything was measured.
 *
 *     ./run bench packages [--runs N] [--source NAME]... [--json] [--write]
 */
import { parseArgs } from 'node:util';

import { median, sumStages, withInterrupt } from './measure.ts';
import { publishReport, reportFlags, type ReportRow } from './report.ts';
import { measurePackage, medianSpent, peerNotes, type Results } from './turns.ts';

const { values: options } = parseArgs({
  options: {
    ...reportFlags,
    runs: { type: 'string', default: '1' },
    source: { type: 'string', multiple: true, default: ['hello', 'dos2unix', 'ed', 'figlet', 'pv', 'tree'] },
  },
});
const runs = Math.max(1, Math.min(50, Math.trunc(Number(options.runs)) || 1));

await withInterrupt(async (signal) => {
  const rows: ReportRow[] = [];
  const ratios: number[] = [];
  for (const source of options.source) {
    const results = await measurePackage({ source, runs, withPeer: true, signal });
    const { ours, peer, bare } = totals(results);
    ratios.push(ours.wall / peer.wall);
    rows.push(
      { what: `${source}, wall`, ours: ours.wall, peer: peer.wall, unit: 's' },
      { what: `${source}, CPU`, ours: ours.cpu, peer: peer.cpu, unit: 's' },
      { what: `${source}, wall over bare`, ours: ours.wall - bare.wall, peer: peer.wall - bare.wall, unit: 's' },
    );
  }
  rows.push({ what: 'median of wall', ours: median(ratios), peer: 1, unit: 'of peer', aim: '≤ 1/3' });
  await publishReport(
    {
      bench: 'packages',
      title: `From a signed tag to installable by apt, warm: ${options.source.length} real packages, median of ${runs} runs in turns.`,
      peer: 'sbuild + reprepro',
      rows,
      notes: [
        'Bare: `dpkg-buildpackage -us -uc -b` of the same tree in the same prepared root and sandbox.',
        ...(await peerNotes()),
      ],
    },
    options,
  );
});

function totals(results: Results) {
  return {
    ours: medianSpent(results.ours.map(({ total }) => total)),
    peer: medianSpent(results.peer.map((stages) => sumStages(stages.values()))),
    bare: medianSpent(results.bare),
  };
}
