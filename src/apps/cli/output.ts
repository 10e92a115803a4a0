/** What a command prints: text for people, or with --json one document with the same facts. */
export type Output = {
  readonly json: boolean;
  /** The result. `lines` is only asked for when people read it. */
  readonly result: (document: object, lines: () => readonly string[]) => void;
};

export function createOutput(json: boolean): Output {
  return {
    json,
    result: (document, lines) => {
      process.stdout.write(
        json
          ? `${JSON.stringify(document, null, 2)}\n`
          : lines()
              .map((line) => `${line}\n`)
              .join(''),
      );
    },
  };
}

/** `2026-11-21 10:00:03`, UTC. */
export function formatTime(time: Date | undefined): string | undefined {
  return time?.toISOString().slice(0, 19).replace('T', ' ');
}
