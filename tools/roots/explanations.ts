/** Why a root may differ from what mmdebstrap makes of the same packages. The same table is in the documents. */
import type { Aspect, Difference } from './compare.ts';

export type Explanation = {
  /** As the documents name it. */
  readonly what: string;
  readonly paths: RegExp;
  /** Default: all. */
  readonly aspects?: readonly Aspect[];
  /** What mmdebstrap's has; default: anything. */
  readonly there?: RegExp;
  /** What the root has. */
  readonly root: string;
  readonly why: string;
};

const texmf = String.raw`^var\/lib\/texmf\/`;

/** The first that fits a difference is its explanation. */
export const explanations: readonly Explanation[] = [
  {
    what: '`/dev`',
    paths: /^dev\//,
    aspects: ['only there'],
    root: 'empty',
    why: 'whoever starts the root makes the devices',
  },
  {
    what: '`/etc/hostname`, `/etc/resolv.conf`',
    paths: /^etc\/(?:hostname|resolv\.conf)$/,
    aspects: ['mode', 'content', 'only here'],
    root: '`localhost`, empty',
    why: "mmdebstrap copies the host's",
  },
  {
    what: '`/etc/apt/sources.list`, `/etc/fstab`',
    paths: /^etc\/(?:apt\/sources\.list|fstab)$/,
    aspects: ['only there'],
    root: 'not there',
    why: 'the lock says where packages come from',
  },
  {
    what: '`/var/lib/apt`, `/var/cache/apt`',
    paths: /^var\/(?:lib|cache)\/apt\//,
    root: 'empty of lists, indexes and marks',
    why: 'apt made no part of the root',
  },
  {
    what: '`/var/lib/dpkg/arch`',
    paths: /^var\/lib\/dpkg\/arch$/,
    aspects: ['only there'],
    root: 'not there for one architecture',
    why: 'dpkg needs it for several only',
  },
  {
    what: '`/var/cache/debconf/*.dat`',
    paths: /^var\/cache\/debconf\/(?:config|templates)\.dat$/,
    aspects: ['order'],
    root: 'says that man-db keeps no index, and that postfix is at `localhost`',
    why: 'making the index of manual pages takes longer than everything else; a root has no name yet',
  },
  {
    what: '`/var/cache/man`, `/var/lib/man-db/auto-update`',
    paths: /^var\/(?:cache\/man(?:\/|$)|lib\/man-db\/auto-update$)/,
    aspects: ['only there'],
    root: 'without an index, not there',
    why: '`mandb --create` makes it; without it `man` works, `apropos` does not',
  },
  {
    what: '`*-old` of dpkg and debconf',
    paths: /^var\/(?:lib\/dpkg|cache\/debconf)\/[^/]+-old$/,
    root: 'not there',
    why: 'what a database was before depends on the steps',
  },
  {
    what: '`/etc/passwd-`, `/etc/group-` and their like',
    paths: /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
    aspects: ['content', 'mode', 'owner', 'only here', 'only there'],
    root: 'another state before the last',
    why: 'the same',
  },
  {
    what: "`passwd`, `group`, `shadow`, `shells`, dpkg's lists of triggers and diversions",
    paths:
      /^(?:etc\/shells|etc\/g?shadow-?|etc\/(?:passwd|group|subuid|subgid)-?|var\/lib\/dpkg\/(?:diversions|statoverride|triggers\/File))$/,
    aspects: ['order'],
    root: 'the same lines, in another order',
    why: 'they are in the order in which packages were configured',
  },
  {
    what: 'numbers of system users and groups',
    paths: /^/,
    aspects: ['number'],
    root: 'may be others, for the same names',
    why: 'the next free one is taken, in the order in which packages were configured',
  },
  {
    what: '`/run`',
    paths: /^run\//,
    aspects: ['only here'],
    root: 'directories that scripts of packages made, no files',
    why: 'mmdebstrap empties it: an init makes them, but a sandbox has none',
  },
  {
    what: '`/var/log`',
    paths: /^var\/log\//,
    root: '`wtmp`, `btmp`, `lastlog` empty, all other logs removed',
    why: 'they have dates',
  },
  {
    what: '`/etc/ssh/ssh_host_*`',
    paths: /^etc\/ssh\/ssh_host_/,
    aspects: ['only there'],
    root: 'removed',
    why: 'each copy would have the same keys: run `ssh-keygen -A` at first boot',
  },
  {
    what: '`ssl-cert-snakeoil` key and certificate',
    paths: /^etc\/ssl\/(?:private\/ssl-cert-snakeoil\.key|certs\/(?:ssl-cert-snakeoil\.pem|[0-9a-f]{8}\.\d+))$/,
    aspects: ['only there'],
    there: /^file|^symlink ssl-cert-snakeoil/,
    root: 'removed',
    why: 'the same; `make-ssl-cert generate-default-snakeoil` makes them',
  },
  {
    what: '`/var/lib/postgresql`',
    paths: /^(?:var\/lib|etc)\/postgresql\//,
    aspects: ['only there'],
    root: 'no cluster',
    why: 'it has a random identity: `pg_createcluster VERSION main`',
  },
  {
    what: '`/etc/apt/apt.conf.d/02autoremove-postgresql`',
    paths: /^etc\/apt\/apt\.conf\.d\/02autoremove-postgresql$/,
    aspects: ['content'],
    root: 'as where there is no cluster',
    why: 'it keeps apt from removing the versions that have one',
  },
  {
    what: '`/var/lib/mysql`',
    paths: /^var\/lib\/mysql\//,
    aspects: ['only there'],
    root: 'empty',
    why: 'its tables have times and random numbers in them: `mariadb-install-db --user=mysql`',
  },
  {
    what: 'popularity-contest',
    paths: /^etc\/(?:popularity-contest\.conf|cron\.d\/popularity-contest)$/,
    root: 'no `MY_HOSTID`, no `DAY`, no `/etc/cron.d` file',
    why: 'they are random: `dpkg-reconfigure popularity-contest` chooses them',
  },
  {
    what: '`/etc/machine-id`',
    paths: /^(?:etc|var\/lib\/dbus)\/machine-id$/,
    root: 'empty',
    why: 'systemd fills it at first boot',
  },
  {
    what: 'random seeds of systemd',
    paths: /^var\/lib\/systemd\/(?:random-seed|credential\.secret)$/,
    aspects: ['only there'],
    root: 'removed',
    why: 'the same',
  },
  {
    what: '`/etc/aliases.db`',
    paths: /^etc\/aliases\.db$/,
    aspects: ['content'],
    root: 'the same aliases, made on the first day of 2020',
    why: 'Berkeley DB gives each file a random name, postalias adds the time',
  },
  {
    what: '`/etc/ssl/certs/java/cacerts`',
    paths: /^etc\/ssl\/certs\/java\/cacerts$/,
    aspects: ['order'],
    root: 'the same authorities, taken in on the first day of 2020',
    why: 'it has the time of each import',
  },
  {
    what: '`/etc/postfix/main.cf`',
    paths: /^etc\/postfix\/main\.cf$/,
    aspects: ['content'],
    root: '`localhost` is its name',
    why: "mmdebstrap's has the name of the machine that made it",
  },
  {
    what: '`/etc/munin/plugins/if_*`',
    paths: /^etc\/munin\/plugins\/if_[^/]+$/,
    aspects: ['only there'],
    root: 'not there: run `munin-node-configure --shell` at first boot',
    why: "mmdebstrap's are of the network devices of the machine that made it",
  },
  {
    what: '`/var/lib/aspell`',
    paths: /^var\/lib\/aspell\//,
    aspects: ['time'],
    root: 'of the time of the newest package',
    why: 'aspell makes its dictionaries again, over files of their packages',
  },
  {
    what: '`/usr/share/info/dir`',
    paths: /^usr\/share\/info\/dir(?:\.old)?$/,
    aspects: ['order', 'only there'],
    root: 'menus in the order of their file names',
    why: 'update-info-dir takes the order that the disk has',
  },
  {
    what: '`ls-R`, `updmap.cfg-*`, `fmtutil.cnf-*` of TeX',
    paths: new RegExp(`${texmf}(?:ls-R[^/]*|(?:updmap\\.cfg|fmtutil\\.cnf)-[A-Z]+)$`),
    aspects: ['order', 'content'],
    root: 'sorted, without empty lines',
    why: 'the same',
  },
  {
    what: '`*.fmt`, `mf.base` of TeX',
    paths: new RegExp(`${texmf}web2c/.*\\.(?:fmt|base)$`),
    aspects: ['content'],
    root: 'made on the first day of 2020, words with hyphens sorted',
    why: 'TeX and METAFONT write the time into them, LuaTeX has the words in a random order',
  },
  {
    what: 'logs of TeX',
    paths: new RegExp(`${texmf}.*\\.log$`),
    aspects: ['only there'],
    root: 'removed',
    why: 'they have dates',
  },
];

export function explain(difference: Difference): Explanation | undefined {
  return explanations.find(
    ({ paths, aspects, there }) =>
      paths.test(difference.path) &&
      (aspects?.includes(difference.aspect) ?? true) &&
      (there?.test(difference.there) ?? true),
  );
}

/** As a row of the table in docs/roots-are-reproducible.md. */
export function formatRow({ what, root, why }: Explanation): string {
  return `| ${what} | ${root} | ${why} |`;
}
