/** Pushing to mirrors: one after the other, and one that fails does not keep the others waiting. */
import { pushMirror, type MirrorPush } from '../../../flows/push-mirror.ts';
import { formatSize } from '../../../kit/bytes.ts';
import { describeError, SheafError } from '../../../kit/error.ts';
import type { House } from '../../house.ts';
import { clean } from '../clean.ts';
import { interruptible } from '../interrupt.ts';
import { startProgress } from '../progress.ts';
import { chooseMirrors, mirrorDeps } from './deps.ts';
import { checkPlace } from './place.ts';

export type PushOutcome =
  | ({ readonly outcome: 'pushed' } & MirrorPush)
  | {
      readonly outcome: 'failed';
      readonly mirror: string;
      readonly repository: string;
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    };

export type PushFlags = {
  readonly verify?: true | undefined;
  readonly delete?: true | undefined;
  readonly json: boolean;
};

/** Throws `unknown-mirror`, `no-mirror`. */
export async function push(
  house: Pick<House, 'db' | 'paths' | 'clock' | 'distribution' | 'storage'>,
  names: readonly string[],
  flags: PushFlags,
): Promise<PushOutcome[]> {
  const mirrors = chooseMirrors(house.distribution, names);
  if (mirrors.length === 0) {
    throw new SheafError('no-mirror', 'Cannot push: sheaf.toml has no mirror', {
      kind: 'usage',
      hint: 'Add one: sheaf mirror add NAME --folder DIR',
    });
  }
  const progress = startProgress({ json: flags.json });
  const outcomes: PushOutcome[] = [];
  try {
    await interruptible(async (signal) => {
      for (const mirror of mirrors) {
        const onProgress = (now: { readonly phase: string; readonly done: number; readonly total: number }) =>
          progress.at(`${mirror.name}: ${now.phase}`, now.done, now.total);
        const settings = { verify: flags.verify === true, delete: flags.delete === true, signal, onProgress };
        try {
          await checkPlace(mirror, house);
          await house.storage?.recallAll(mirror.repository);
          outcomes.push({ outcome: 'pushed', ...(await pushMirror(mirrorDeps(house), mirror, settings)) });
        } catch (error) {
          if (!(error instanceof SheafError) || error.code === 'aborted') throw error;
          const { code, hint } = error;
          const { name, repository } = mirror;
          outcomes.push({ outcome: 'failed', mirror: name, repository, code, message: describeError(error), hint });
        }
      }
    });
  } finally {
    progress.end();
  }
  return outcomes;
}

export function formatPushes(pushes: readonly PushOutcome[]): string[] {
  return pushes.flatMap((push) => {
    if (push.outcome === 'failed') {
      return [
        clean(`${push.mirror}: ${push.message}`),
        ...(push.hint === undefined ? [] : [clean(`  hint: ${push.hint}`)]),
      ];
    }
    const parts = [
      push.brought === 0
        ? 'nothing was missing'
        : `${push.brought} of ${push.names} names brought (${formatSize(push.bytes)})`,
      ...(push.checked === 0 ? [] : [`${push.checked} read and found right`]),
      ...(push.removed === 0 ? [] : [`${push.removed} removed`]),
    ];
    const suites = push.suites.map(({ name, snapshot }) => `${name}@${snapshot}`).join(', ');
    return [clean(`${push.mirror}: ${parts.join(', ')}; it shows ${suites}`)];
  });
}
