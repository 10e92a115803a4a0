/**
 * debhelper signs what it adds: `Automatically added by dh_installsystemd/13.9.1`. Answers the version in a text's first
 * signature; dh_apparmor has versions of its own. Pure.
 */
export function debhelperOf(text: string): string | undefined {
  return /\bdh_(?!apparmor)\w+\/(\d[\w.~+-]{0,60})/.exec(text)?.[1];
}

/** The last one that did not trim changelogs. */
export const withWholeChangelogs = '13.9.1';

/** From 13.11 on, some old entries of a changelog stay: dh_installchangelogs(1). */
export const withoutOldEntries = '13.10.1';
