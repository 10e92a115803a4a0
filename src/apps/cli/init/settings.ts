/** The sheaf.toml that `sheaf init` writes: what must be there, and the rest as comments that teach. */
export type FirstSettings = {
  readonly name: string;
  readonly repository: string;
  readonly webhook: string;
  readonly url: string | undefined;
  readonly listen: string | undefined;
  readonly codename: string;
  readonly architecture: string;
};

export function settingsText(first: FirstSettings): string {
  const quote = JSON.stringify;
  const { repository, webhook, codename } = first;
  const setting = (key: string, value: string | undefined, instead: string) =>
    value === undefined ? `# ${key} = ${quote(instead)}` : `${key} = ${quote(value)}`;
  const line = first.name.replaceAll(/\p{Cc}+/gu, ' ');
  return `# ${line}: everything that Sheaf knows about this distribution.
# docs/write-a-policy.md describes every setting. Sizes look like "4 GiB", durations like "15m".

name = ${quote(first.name)}
# The address that clients use, and where the server listens.
${setting('url', first.url, 'http://127.0.0.1:8080')}
${setting('listen', first.listen, '127.0.0.1:8080')}

# Where tags may come from. Nothing is fetched from anywhere else.
[git]
# addresses = ["https://git.example.org/packages/*"]
# directories = ["/srv/git"]
# tag-format = "debian/%(version)s"

# The archive that build dependencies come from.
[upstream.debian]
url = "http://deb.debian.org/debian"
suites = [${quote(codename)}]
components = ["main"]
keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

# An archive of our own: one signing key, one address (URL/${repository}/).
[repository.${repository}]

[suite.stable]
repository = ${quote(repository)}
upstream = "debian"
description = "What devices install"
architectures = [${quote(first.architecture)}]
# Distribution names in debian/changelog that fit this suite.
distributions = ["stable", "unstable"]

# Who may release what. Each person's tags are checked against these keys, and no others.
# "sheaf key show FILE" prints what belongs here.
#
# [person.ada]
# full-name = "Ada Byron"
# email = "ada@example.org"
# openpgp = ["keys/ada.asc"]
# ssh = ["ssh-ed25519 AAAA… ada@desk"]
#
# [[person.ada.may-release]]
# packages = ["hello", "grove-*"]
# suites = ["stable"]

# The address /hooks/${webhook} takes reports of new tags. The secret is in secrets/webhook-${webhook}.
[webhook.${webhook}]
kind = "generic"
suite = "stable"

# Who is told of refusals, failures and publications.
#
# [notifier.chat]
# kind = "matrix"
# on = ["refusal", "failure"]
# url = "https://matrix.example.org"
# room = "!abcdef:example.org"
# token-file = "secrets/notifier-chat"

# Bounds on one build.
#
# [build]
# wall = "4h"
# memory = "4 GiB"
`;
}
