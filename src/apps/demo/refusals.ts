/** Two tags that must not get in: one without a signature, one signed by a key that may not release the package. */
import type { DemoPerson } from './people.ts';
import { addRelease, pushTag, type PackagingRepository } from './packaging.ts';
import { demoSuite } from './settings.ts';
import type { Progress } from './progress.ts';
import { waitForTag, type Api, type WatchedTagBuild } from './watch.ts';
import { SheafError } from '../../kit/error.ts';

export type DemoRefusal = { readonly title: string; readonly tag: string; readonly codes: readonly string[] };

export async function showRefusals(
  progress: Progress,
  api: Api,
  repository: PackagingRepository,
  version: string,
  people: { readonly maintainer: DemoPerson; readonly outsider: DemoPerson },
): Promise<DemoRefusal[]> {
  const cases = [
    { title: 'Refuse a tag without a signature', suffix: '.1', signer: undefined, code: 'unsigned-tag' },
    {
      title: `Refuse a tag of ${people.outsider.fullName}, who may not release it`,
      suffix: '.2',
      signer: people.outsider,
      code: 'no-permission',
    },
  ];
  const shown: DemoRefusal[] = [];
  for (const { title, suffix, signer, code } of cases) {
    const next = `${version}${suffix}`;
    const tag = `debian/${next}`;
    const refused = await progress.step(title, async (say) => {
      const change = 'A release that is refused.';
      await addRelease(repository, people.maintainer, {
        version: next,
        distribution: demoSuite,
        change,
        date: new Date(),
      });
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
