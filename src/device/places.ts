/** Where a package's file is looked for: diverted ones lie elsewhere, and some were never to be unpacked. */
import { parseDiversions, parsePathRules } from '../formats/deb/status-lists.ts';
import { matchesGlob } from '../kit/glob.ts';
import type { DeviceFiles } from './ports.ts';
import { readText } from './text.ts';

export type Places = {
  /** The place of a package's file. */
  readonly of: (path: string, owner: string) => string;
  /** dpkg was told not to unpack it. */
  readonly isLeftOut: (path: string) => boolean;
};

export async function readPlaces(root: DeviceFiles): Promise<Places> {
  const file = 'var/lib/dpkg/diversions';
  const diversions = new Map(
    parseDiversions((await readText(root, file, 2 ** 24)) ?? '', file).map((each) => [each.from, each]),
  );
  const folder = 'etc/dpkg/dpkg.cfg.d';
  // dpkg reads files named like programs of cron.d, in order, and its own file after them.
  const parts = (await root.list(folder)).filter((name) => /^[\w-]+$/.test(name)).map((name) => `${folder}/${name}`);
  const texts: string[] = [];
  for (const part of [...parts, 'etc/dpkg/dpkg.cfg']) texts.push((await readText(root, part, 2 ** 20)) ?? '');
  const rules = texts.flatMap(parsePathRules);
  return {
    of: (path, owner) => {
      const diverted = diversions.get(path);
      return diverted === undefined || diverted.by === owner ? path : diverted.to;
    },
    isLeftOut: (path) => rules.findLast(({ pattern }) => matchesGlob(pattern, path))?.excludes === true,
  };
}
