/** Sizes in bytes as people write them: `512 MiB`, `2G`, `65536`. Binary prefixes only. */
const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, or undefined when the text is not a size. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*$/i.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * (units[match[2]!.toLowerCase()] ?? 1));
}

/** `1.5 MiB`; whole bytes below 1024. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const prefixes = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let prefix = '';
  for (const next of prefixes) {
    if (value < 1024) break;
    value /= 1024;
    prefix = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${prefix}`;
}
