/** Adding one mirror to sheaf.toml. */
import type { Mirror } from '../model/distribution.ts';
import { parseLabel } from '../model/names.ts';
import { appendTable } from './append-table.ts';

/** Settings as they are written; those that are undefined are left to their defaults. */
export type MirrorSettings = {
  readonly repository?: string | undefined;
  readonly folder?: string | undefined;
  readonly rsync?: string | undefined;
  readonly sshKey?: string | undefined;
  readonly s3?: string | undefined;
  readonly region?: string | undefined;
  readonly accessKey?: string | undefined;
  readonly secretFile?: string | undefined;
  readonly parallel?: number | undefined;
};

export type AddedMirror = { readonly mirror: Mirror; readonly file: string; readonly table: string };

/** Writes `[mirror.NAME]`. Throws `mirror-exists`, `bad-settings` (nothing is written then), `no-distribution`. */
export async function addMirror(directory: string, name: string, settings: MirrorSettings): Promise<AddedMirror> {
  const { repository, folder, rsync, sshKey, s3, region, accessKey, secretFile, parallel } = settings;
  const { distribution, file, table } = await appendTable(directory, {
    kind: 'mirror',
    name,
    settings: Object.entries({
      ...{ repository, folder, rsync, 'ssh-key': sshKey, s3, region },
      ...{ 'access-key': accessKey, 'secret-file': secretFile, parallel },
    }),
    taken: ({ mirrors }) => mirrors ?? new Map(),
  });
  return { mirror: distribution.mirrors!.get(parseLabel(name))!, file, table };
}
