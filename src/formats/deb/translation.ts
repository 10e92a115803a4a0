/**
 * `Translation-LANG` indexes: descriptions of packages in a language. Debian's RepositoryFormat, "Translation indices":
 * stanzas of `Package`, `Description-md5` (of the English description, which tells versions of it apart) and
 * `Description-LANG`.
 */
import { SheafError } from '../../kit/error.ts';
import { formatStanza, parseStanza, requireField, type Field, type Stanza } from './deb822.ts';
import { scanStanzas } from './index-scan.ts';
import { badField, checkPackageName, shown } from './words.ts';

export type Translation = {
  readonly package: string;
  /** Hexadecimal, lower case. */
  readonly descriptionMd5: string;
  /** `en`, `pt_BR`, `de`. */
  readonly language: string;
  /** The synopsis, and behind it LF and the long text where there is one; see `Field.value`. */
  readonly description: string;
  readonly stanza: Stanza;
};

const lf = 0x0a;

/**
 * Every stanza in its order, one at a time. Throws `bad-control-file`, `missing-field` or `bad-field` with file and line.
 */
export function* readTranslations(bytes: Uint8Array, file = 'Translation'): Generator<Translation, void, undefined> {
  let line = 1;
  for (const { start, end } of scanStanzas(bytes)) {
    const piece = bytes.subarray(start, end);
    // Blank lines too many make pieces of their own.
    if (piece.some((byte) => byte !== lf)) yield readTranslation(decode(piece, line, file), line, file);
    for (let at = piece.indexOf(lf); at !== -1; at = piece.indexOf(lf, at + 1)) line++;
  }
}

/**
 * What `Description-md5` is the MD5 of: the text behind the colon and its spaces as it stands in the file, with LF at
 * its end. Only the English text has the sum of itself; a translation has that of the text it was made from.
 */
export function hashedDescription({ stanza, language }: Translation): Uint8Array {
  const own = stanza.fields.findIndex((each) => each.name.toLowerCase() === nameOf(language));
  const first = stanza.fields[0]!.line;
  const lines = stanza.text.split('\n');
  // Comment lines may stand before the first field.
  const before = lines.findIndex((each) => /^[^#\s]/.test(each));
  const at = before + stanza.fields[own]!.line - first;
  const rest = lines.slice(at + 1);
  const stop = rest.findIndex((each) => !/^[ \t]+\S/.test(each));
  const text = [lines[at]!.replace(/^[^:]*:[ \t]*/, ''), ...rest.slice(0, stop === -1 ? rest.length : stop)];
  return new TextEncoder().encode(`${text.join('\n')}\n`);
}

/** Whether an English description has the sum it says; `md5` gives the sum in hexadecimal. */
export function isOwnDescription(translation: Translation, md5: (bytes: Uint8Array) => string): boolean {
  return translation.language === 'en' && md5(hashedDescription(translation)) === translation.descriptionMd5;
}

/** What a `Packages` index says of a description when `Translation-en` has all of it: the synopsis, and which text it is. */
export function shortDescription(description: string, md5: (text: string) => string): (readonly [string, string])[] {
  return [
    ['Description', description.split('\n', 1)[0]!],
    ['Description-md5', md5(hashedText(description))],
  ];
}

/** The stanza of `Translation-en` for a control file, ending in LF; undefined when it describes nothing. */
export function formatTranslation(control: string, md5: (text: string) => string): string | undefined {
  const { fields } = parseStanza(control);
  const value = (name: string) => fields.find((each) => each.name.toLowerCase() === name)?.value;
  const [name, description] = [value('package'), value('description')];
  if (name === undefined || description === undefined) return undefined;
  return formatStanza([
    ['Package', name],
    ['Description-md5', md5(hashedText(description))],
    [english, description],
  ]);
}

const english = 'Description-en';

/** As `hashedDescription`, for a value that is yet to be written. */
function hashedText(description: string): string {
  return formatStanza([[english, description]]).replace(/^[^:]*:[ \t]*/, '');
}

function readTranslation(text: string, line: number, file: string): Translation {
  const stanza = parseStanza(text, file, line);
  const name = checkPackageName(requireField(stanza, 'Package', file), 'Package', stanza, file);
  const descriptionMd5 = requireField(stanza, 'Description-md5', file);
  if (!/^[0-9a-f]{32}$/.test(descriptionMd5)) {
    throw badField(stanza, 'Description-md5', file, `${shown(descriptionMd5)} is not an MD5`);
  }
  const own = stanza.fields.filter(isDescription);
  const [field] = own;
  if (field === undefined || own.length > 1) {
    const state = `a stanza has ${own.length} descriptions instead of one`;
    throw new SheafError('missing-field', `Cannot read ${file}: ${state}`, {
      place: { file, line: own[1]?.line ?? stanza.fields[0]!.line },
    });
  }
  const language = field.name.slice('description-'.length);
  return { package: name, descriptionMd5, language, description: field.value, stanza };
}

function isDescription({ name }: Field): boolean {
  return /^description-[a-z]{2,3}(?:[_@-][a-z0-9@_]{1,20})?$/i.test(name) && name.toLowerCase() !== 'description-md5';
}

const nameOf = (language: string) => `description-${language.toLowerCase()}`;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, line: number, file: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new SheafError('bad-control-file', `Cannot read ${file}: a stanza is not UTF-8`, {
      place: { file, line },
      cause,
    });
  }
}
