/** Durations as people write them: `90s`, `15m`, `2h`, `30d`. */
const seconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Milliseconds, or undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(ms|[smhd])\s*$/.exec(text);
  if (match === null) return undefined;
  return match[2] === 'ms' ? Number(match[1]) : Number(match[1]) * seconds[match[2]!]! * 1000;
}

/** `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  const total = Math.round(milliseconds / 1000);
  if (total < 3600) return `${Math.floor(total / 60)} min ${total % 60} s`;
  if (total < 86_400) return `${Math.floor(total / 3600)} h ${Math.floor((total % 3600) / 60)} min`;
  return `${Math.floor(total / 86_400)} d`;
}
