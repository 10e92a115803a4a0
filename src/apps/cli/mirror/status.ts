/** What is known of mirrors, each in one plain sentence. */
import { mirrorStatus, type MirrorStatus } from '../../../flows/push-mirror.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { formatTable, text } from '../table.ts';
import { chooseMirrors, mirrorDeps } from './deps.ts';
import { addressOf } from './place.ts';

export type MirrorDocument = {
  readonly name: string;
  readonly kind: 'folder' | 'rsync' | 's3';
  readonly address: string;
  readonly repository: string;
  readonly state: 'never' | 'running' | 'failed' | 'behind' | 'current';
  readonly sentence: string;
  readonly suites: MirrorStatus['suites'];
  readonly pushedAt?: string;
  readonly error?: string;
};

/** Throws `unknown-mirror`. */
export async function readStatus(
  house: Pick<House, 'db' | 'paths' | 'clock' | 'distribution'>,
  names: readonly string[],
): Promise<MirrorDocument[]> {
  const deps = mirrorDeps(house);
  return Promise.all(
    chooseMirrors(house.distribution, names).map(async (mirror): Promise<MirrorDocument> => {
      const status = await mirrorStatus(deps, mirror);
      const { name, repository, place } = mirror;
      return {
        ...{ name, kind: place.kind, address: addressOf(mirror), repository },
        state: stateOf(status),
        sentence: describe(status),
        suites: status.suites,
        ...(status.last?.pushed === undefined ? {} : { pushedAt: status.last.pushed }),
        ...(status.last?.error === undefined ? {} : { error: status.last.error }),
      };
    }),
  );
}

function stateOf({ last, suites }: MirrorStatus): MirrorDocument['state'] {
  if (last === undefined) return 'never';
  if (last.outcome !== 'pushed') return last.outcome;
  return suites.some(({ behind }) => behind > 0) ? 'behind' : 'current';
}

function describe({ last, suites }: MirrorStatus): string {
  if (last === undefined) return 'Nothing was pushed to it yet.';
  const behind = suites.filter((suite) => suite.behind > 0);
  const where =
    behind.length === 0
      ? 'It shows what is published here'
      : `It is behind: ${behind
          .map((suite) =>
            suite.shown === undefined
              ? `${suite.suite} is not there yet`
              : `${suite.suite} by ${suite.behind} snapshot${suite.behind === 1 ? '' : 's'}`,
          )
          .join(', ')}`;
  if (last.outcome === 'pushed') return `${where}.`;
  if (last.outcome === 'running') return `${where}; a push began at ${last.started} and has not ended.`;
  return `${where}; the last push failed: ${last.error ?? 'for an unknown reason'}.`;
}

export function formatMirrors(mirrors: readonly MirrorDocument[]): string[] {
  if (mirrors.length === 0) return ['No mirrors: sheaf mirror add NAME --folder DIR'];
  return formatTable(mirrors, [
    text('mirror', ({ name }) => name),
    text('kind', ({ kind }) => kind),
    text('repository', ({ repository }) => repository),
    text('state', ({ state }) => state),
    text('where', ({ address }) => address),
  ]);
}

export function formatStatus(mirrors: readonly MirrorDocument[]): string[] {
  if (mirrors.length === 0) return formatMirrors(mirrors);
  return mirrors.flatMap(({ name, address, sentence, suites, pushedAt }) => [
    clean(`${name} (${address}): ${sentence}`),
    ...suites.map(({ suite, shown, newest }) =>
      clean(`  ${suite}: ${shown ?? 'nothing'}${shown === newest ? '' : `, here ${newest}`}`),
    ),
    ...(pushedAt === undefined ? [] : [`  last good push: ${pushedAt}`]),
  ]);
}
