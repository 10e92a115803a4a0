/** Writing a mirror to sheaf.toml. */
import { addMirror, type AddedMirror, type MirrorSettings } from '../../../policy/append-mirror.ts';
import { formatAddedTable, nameFrom } from '../settings-table.ts';

/** Throws what `addMirror` does. */
export async function add(directory: string, name: string, options: MirrorSettings): Promise<AddedMirror> {
  const file = (given: string | undefined) => (given === undefined ? undefined : nameFrom(directory, given));
  return addMirror(directory, name, {
    ...options,
    folder: file(options.folder),
    sshKey: file(options.sshKey),
    secretFile: file(options.secretFile),
  });
}

export function formatAdded({ file, table, mirror: { name, place } }: AddedMirror): string[] {
  const secret = place.kind === 's3' && place.accessKey !== undefined ? [`(umask 077; cat > ${place.secretFile})`] : [];
  return formatAddedTable(file, table, [...secret, `sheaf mirror push ${name}`]);
}
