/** Package sets that people really install, chosen so that what is known to make roots differ is among them. */
import type { Variant } from '../../src/model/lock.ts';

export type PackageSet = { readonly variant: Variant; readonly packages: readonly string[] };

/** Beside the packages a set has all that they depend on, and no recommendations. */
export const packageSets: Readonly<Record<string, PackageSet>> = {
  minbase: { variant: 'minbase', packages: [] },
  standard: { variant: 'standard', packages: [] },
  build: { variant: 'buildd', packages: ['debhelper', 'fakeroot', 'ccache'] },
  web: { variant: 'minbase', packages: ['nginx', 'apache2', 'php-fpm', 'ssl-cert', 'ca-certificates', 'logrotate'] },
  database: { variant: 'minbase', packages: ['postgresql', 'redis-server', 'mariadb-server', 'cron'] },
  desktop: {
    variant: 'minbase',
    packages: [
      'xorg',
      'lightdm',
      'xfce4-session',
      'xfwm4',
      'xfce4-panel',
      'thunar',
      'network-manager',
      'gnome-keyring',
    ],
  },
  boot: {
    variant: 'minbase',
    packages: ['linux-image-amd64', 'systemd-sysv', 'initramfs-tools', 'dbus', 'zstd', 'console-setup', 'locales'],
  },
  python: { variant: 'minbase', packages: ['python3-django', 'python3-numpy', 'python3-venv', 'gunicorn'] },
  java: { variant: 'minbase', packages: ['default-jre-headless', 'ca-certificates-java', 'tomcat10'] },
  tex: { variant: 'minbase', packages: ['texlive-latex-base', 'lmodern'] },
  server: {
    variant: 'minbase',
    packages: [
      ...['openssh-server', 'postfix', 'dovecot-imapd', 'popularity-contest', 'unattended-upgrades'],
      ...['apt-listchanges', 'emacs-nox', 'wamerican', 'aspell-en', 'munin-node', 'locales'],
    ],
  },
};
