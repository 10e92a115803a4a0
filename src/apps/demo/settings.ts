/** The demonstration's sheaf.toml: the smallest one that shows every idea. */
import type { DemoPerson } from './people.ts';
import { debianKeyring } from './source.ts';

export type DemoSettings = {
  readonly port: number;
  readonly architecture: string;
  /** Folder of the bare git repositories. */
  readonly git: string;
  /** OpenPGP; may release hello. */
  readonly maintainer: DemoPerson;
  /** SSH; may release libtry-tiny-perl. */
  readonly second: DemoPerson;
  /** OpenPGP; may release nothing that the demonstration tags. */
  readonly outsider: DemoPerson;
};

export const demoSuite = 'stable';
export const demoRepository = 'main';
export const demoWebhook = 'git';

export function demoSettings(settings: DemoSettings): string {
  const quote = JSON.stringify;
  return `# The distribution of the demonstration. docs/write-a-policy.md explains every setting.
name = "Demo"
title = "A demonstration distribution"
url = "http://127.0.0.1:${settings.port}"
listen = "127.0.0.1:${settings.port}"

[git]
tag-format = "debian/%(version)s"
upstream-tag-format = "upstream/%(version)s"
directories = [${quote(settings.git)}]

[upstream.bookworm]
url = "http://deb.debian.org/debian"
suites = ["bookworm"]
components = ["main"]
keyring = ${quote(debianKeyring)}

[repository.${demoRepository}]
title = "Packages of the demonstration"

[suite.${demoSuite}]
repository = "${demoRepository}"
description = "What devices install"
upstream = "bookworm"
components = ["main"]
architectures = [${quote(settings.architecture)}]
rebuild = true

[webhook.${demoWebhook}]
kind = "generic"
secret-file = "secrets/webhook-${demoWebhook}"
suite = "${demoSuite}"

${personTable(settings.maintainer, ['hello'])}
${personTable(settings.second, ['libtry-tiny-perl'])}
${personTable(settings.outsider, ['something-else'])}`;
}

function personTable(person: DemoPerson, packages: readonly string[]): string {
  const key =
    person.publicKey.kind === 'openpgp'
      ? `openpgp = [${JSON.stringify(person.publicKey.file)}]`
      : `ssh = [${JSON.stringify(person.publicKey.line)}]`;
  return `[person.${person.name}]
full-name = ${JSON.stringify(person.fullName)}
email = ${JSON.stringify(person.email)}
${key}
[[person.${person.name}.may-release]]
packages = ${JSON.stringify(packages)}
suites = ["${demoSuite}"]
`;
}
