/** By code units: the same on every machine, whatever its language. For ASCII, by bytes. */
export function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
