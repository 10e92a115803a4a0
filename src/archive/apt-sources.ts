/** What a user puts into /etc/apt/sources.list.d: sources.list(5), "DEB822-STYLE FORMAT". */
import { formatStanza } from '../formats/deb/deb822.ts';
import type { Distribution, Suite } from '../model/distribution.ts';

/** The text of a `.sources` file with the key inside it (apt ≥ 2.4). */
export function aptSources(
  distribution: Pick<Distribution, 'url'>,
  suite: Pick<Suite, 'name' | 'repository' | 'components'>,
  publicKeyArmored: string,
): string {
  return formatStanza([
    ['Types', 'deb deb-src'],
    ['URIs', `${distribution.url}/${suite.repository}/`],
    ['Suites', suite.name],
    ['Components', suite.components.join(' ')],
    ['Signed-By', `\n${publicKeyArmored.trimEnd()}`],
  ]);
}
