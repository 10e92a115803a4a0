/** Writing a mirror to sheaf.toml. */
import { isAbsolute, relative, resolve } from 'node:path';

import { addMirror, type AddedMirror, type MirrorSettings } from '../../../policy/append-mirror.ts';

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

/** The shell's file names begin from where the shell is; those of sheaf.toml from its folder. */
function nameFrom(directory: string, file: string): string {
  const below = relative(resolve(directory), resolve(file));
  return below.startsWith('..') || isAbsolute(below) || below === '' ? resolve(file) : below;
}

export function formatAdded({ file, table, mirror: { name, place } }: AddedMirror): string[] {
  const secret =
    place.kind === 's3' && place.accessKey !== undefined ? [`  (umask 077; cat > ${place.secretFile})`] : [];
  return [
    `Added to ${file}:`,
    '',
    ...table
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    '',
    'Next:',
    ...secret,
    `  sheaf mirror push ${name}`,
  ];
}
