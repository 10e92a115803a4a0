/** User namespaces: what the kernel, the distribution's rules and the user's ids allow. */
import { readFile } from 'node:fs/promises';

import { parseSubordinateIds, subordinateIdsFix, userName } from '../../../plumbing/sandbox/ids.ts';
import { asRoot, missing, ok, warning, type Check, type Finding, type Role } from './finding.ts';

const roles: readonly Role[] = ['worker'];

export const namespaceChecks: readonly Check[] = [
  { roles, run: checkKernel },
  { roles, run: checkAppArmor },
  { roles, run: checkSubordinateIds },
  { roles, run: checkOverlay },
];

async function readSetting(name: string): Promise<string | undefined> {
  const text = await readFile(`/proc/sys/${name}`, 'utf8').catch(() => undefined);
  return text?.trim();
}

async function checkKernel(): Promise<Finding> {
  const name = 'user namespaces';
  if ((await readSetting('user/max_user_namespaces')) === '0') {
    return missing(
      name,
      'switched off: user.max_user_namespaces is 0',
      asRoot('sysctl -w user.max_user_namespaces=15000'),
    );
  }
  // Debian's kernels have this switch; root is not held by it.
  if ((await readSetting('kernel/unprivileged_userns_clone')) === '0' && process.getuid?.() !== 0) {
    return missing(
      name,
      'not for ordinary users: kernel.unprivileged_userns_clone is 0',
      asRoot('sysctl -w kernel.unprivileged_userns_clone=1'),
    );
  }
  return ok(name, 'allowed');
}

const profileFile = '/etc/apparmor.d/sheaf';

/**
 * Ubuntu 23.10 and later: a user namespace made by an ordinary user's unconfined program has no capabilities, so that
 * nothing can be mounted in it. A profile lifts that for the programs it is attached to and for those they start: for
 * the Node of this checkout, and so for nothing else on the machine.
 */
async function checkAppArmor(): Promise<Finding> {
  const name = 'apparmor';
  if ((await readSetting('kernel/apparmor_restrict_unprivileged_userns')) !== '1') {
    return ok(name, 'does not restrict user namespaces');
  }
  if (process.getuid?.() === 0) return ok(name, 'restricts user namespaces of ordinary users, not of root');
  const label = await readFile('/proc/self/attr/current', 'utf8').catch(() => '');
  if (/^sheaf\b/.test(label))
    return ok(name, `restricts user namespaces; the profile in ${profileFile} lifts that for Sheaf`);
  return missing(
    name,
    'kernel.apparmor_restrict_unprivileged_userns is 1: sandboxes of ordinary users may mount nothing. The command adds ' +
      'a profile that lifts this for Sheaf alone; "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" would ' +
      'lift it for all programs until the next start',
    profileCommand(process.execPath),
  );
}

export function profileCommand(program: string): string {
  const lines = [
    'abi <abi/4.0>,',
    'include <tunables/global>',
    `profile sheaf "${program}" flags=(unconfined) {`,
    '  userns,',
    '}',
  ];
  const text = lines.map((line) => `'${line}'`).join(' ');
  return `printf '%s\\n' ${text} | sudo tee ${profileFile} && sudo apparmor_parser -r ${profileFile}`;
}

async function checkSubordinateIds(): Promise<Finding> {
  const name = 'subordinate ids';
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return ok(name, 'not needed by root');
  const user = userName(uid);
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const text = await readFile(file, 'utf8').catch(() => '');
    if (parseSubordinateIds(text, user, uid) === undefined) {
      return missing(name, `${file} gives the user ${user} no range of 65536 ids`, subordinateIdsFix(user));
    }
  }
  return ok(name, `${user} has ranges in /etc/subuid and /etc/subgid`);
}

async function checkOverlay(): Promise<Finding> {
  const filesystems = await readFile('/proc/filesystems', 'utf8').catch(() => '');
  if (/\boverlay$/m.test(filesystems)) return ok('overlay', 'known to the kernel');
  return warning(
    'overlay',
    'not loaded; the kernel may load it by itself when it is needed',
    asRoot('modprobe overlay'),
  );
}
