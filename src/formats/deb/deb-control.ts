/** What the control file of a `.deb` says. deb-control(5). */
import { field, parseStanza, requireField, type Stanza } from './deb822.ts';
import { badDeb } from './deb-members.ts';
import { badField, checkPackageName, requireSource, requireVersion, shown } from './words.ts';

export type DebControl = {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The source package, which is of the same name and version where the control file does not say. */
  readonly source: string;
  readonly sourceVersion: string;
  /** The text of the control file. */
  readonly control: string;
  readonly stanza: Stanza;
};

/** Throws `bad-deb`, `bad-control-file`, `missing-field` or `bad-field`; `offset` is that of the member it came from. */
export function parseDebControl(bytes: Uint8Array, file: string, offset: number): DebControl {
  const control = decodeUtf8(bytes, file, offset, 'control');
  const place = `${file}: control`;
  const stanza = parseStanza(control, place);
  const name = checkPackageName(requireField(stanza, 'Package', place), 'Package', stanza, place);
  const version = requireVersion(stanza, place);
  const architecture = requireField(stanza, 'Architecture', place);
  if (!/^[a-z0-9][a-z0-9-]{1,39}$/.test(architecture)) {
    throw badField(stanza, 'Architecture', place, `${shown(architecture)} is not an architecture`);
  }
  const source = field(stanza, 'Source') === undefined ? undefined : requireSource(stanza, place);
  return {
    name,
    version,
    architecture,
    source: source?.name ?? name,
    sourceVersion: source?.version ?? version,
    control,
    stanza,
  };
}

/** Policy 5.1: control files are UTF-8. */
export function decodeUtf8(bytes: Uint8Array, file: string, offset: number, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw badDeb(file, offset, `its ${name} file is not UTF-8`, cause);
  }
}
