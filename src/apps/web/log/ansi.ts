/**
 * One line of a build log as HTML: colours of ECMA-48 SGR become spans, every other control function is dropped,
 * all else is text. A line's look never depends on the lines before it, so a tail looks the same as the whole.
 */

/** ECMA-48 5.4 CSI sequences, OSC and other strings with their terminator, and two-character escapes. */
const controlFunctions =
  // oxlint-disable-next-line no-control-regex
  /\u001B\[([0-?]*)[ -/]*([@-~])|\u001B[\]PX^_][^\u0007\u001B]*(?:\u0007|\u001B\\)|\u001B[ -/]*[0-~]?/g;

/** C0 and C1 except tab, and the direction marks that make text look like other text. */
// oxlint-disable-next-line no-control-regex
const invisible = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F]/g;
const direction = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

type Style = { readonly colour: string | undefined; readonly bold: boolean; readonly dim: boolean };
const plain: Style = { colour: undefined, bold: false, dim: false };

/** HTML of a line without its end. Of carriage returns only what stands last is shown, as on a terminal. */
export function renderLine(line: string): string {
  const text = afterLastReturn(line);
  let style = plain;
  let html = '';
  let end = 0;
  for (const match of text.matchAll(controlFunctions)) {
    html += styled(text.slice(end, match.index), style);
    if (match[2] === 'm') style = applySgr(style, match[1]!);
    end = match.index + match[0].length;
  }
  return html + styled(text.slice(end), style);
}

/** A progress display overwrites itself: the last thing written that is not empty stays. */
function afterLastReturn(line: string): string {
  if (!line.includes('\r')) return line;
  return line.split('\r').findLast((part) => part !== '') ?? '';
}

/** SGR parameters (ECMA-48 8.3.117): foreground colours, bold, faint and their ends. Others change nothing. */
function applySgr(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let next = style;
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index]!;
    if (code === 0) next = plain;
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 39) next = { ...next, colour: undefined };
    else if (code >= 30 && code <= 37) next = { ...next, colour: colours[code - 30] };
    else if (code >= 90 && code <= 97) next = { ...next, colour: colours[code - 90] };
    // 38 and 48 take further parameters: 5;N or 2;R;G;B.
    else if (code === 38 || code === 48) index += codes[index + 1] === 5 ? 2 : 4;
  }
  return next;
}

function styled(text: string, style: Style): string {
  const escaped = escapeText(text.replaceAll(invisible, '').replaceAll(direction, '\u{FFFD}'));
  if (escaped === '') return '';
  const names = [
    ...(style.colour === undefined ? [] : [`ansi-${style.colour}`]),
    ...(style.bold ? ['ansi-bold'] : []),
    ...(style.dim ? ['ansi-dim'] : []),
  ];
  return names.length === 0 ? escaped : `<span class="${names.join(' ')}">${escaped}</span>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeText(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!);
}
