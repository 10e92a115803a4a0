/** Two tags that must not get in: one without a signature, one signed by a key that may not release the package. */
import type { DemoPerson } from './people.ts';
import { pushTag, type PackagingRepository } from './packaging.ts';
import type { Progress } from './progress.ts';
import { waitForTag, type Api, type WatchedTagBuild } from './watch.ts';
import { SheafError } from '../../kit/error.ts';

export type DemoRefusal = { readonly title: string; readonly tag: string; readonly codes: readonly string[] };

export async function showRefusals(
  progress: Progress,
  api: Api,
  repository: PackagingRepository,
  version: string,
  outsider: DemoPerson,
): Promise<DemoRefusal[]> {
  const cases = [
    { title: 'Refuse a tag without a signature', suffix: 'unsigned', signer: undefined, code: 'unsigned-tag' },
    {
      title: `Refuse a tag of ${outsider.fullName}, who may not release it`,
      suffix: 'outsider',
      signer: outsider,
      code: 'no-permission',
    },
  ];
  const shown: DemoRefusal[] = [];
  for (const { title, suffix, signer, code } of cases) {
    const tag = `debian/${version}${suffix}`;
    const refused = await progress.step(title, async (say) => {
      await pushTag(repository, tag, signer);
      const tagBuild = await waitForTag(api, repository.bare, tag, say);
      expectRefusal(tagBuild, code);
      for (const refusal of tagBuild.refusals) say.evidence(`${refusal.code}: ${refusal.message}`);
      return tagBuild;
    });
    shown.push({ title, tag, codes: refused.refusals.map((refusal) => refusal.code) });
  }
  return shown;
}

function expectRefusal(tagBuild: WatchedTagBuild, code: string): void {
  const codes = tagBuild.refusals.map((refusal) => refusal.code);
  if (tagBuild.state === 'REJECTED' && codes.includes(code)) return;
  throw new SheafError(
    'not-refused',
    `Cannot show the refusal "${code}": tag "${tagBuild.tag}" is ${tagBuild.state} with [${codes.join(', ')}]`,
  );
}
