/** Help that teaches: every command has examples, and says what to read next. */
export type Lesson = {
  /** A command line and what it is for. */
  readonly examples: readonly (readonly [string, string])[];
  readonly notes?: readonly string[];
  /** Other commands or documents. */
  readonly seeAlso?: readonly string[];
};

type Teachable = { readonly addHelpText: (position: 'after', text: string) => unknown };

export function teach(command: Teachable, lesson: Lesson): void {
  const width = Math.max(...lesson.examples.map(([line]) => line.length));
  const long = width > 48;
  const examples = lesson.examples.map(([line, purpose]) =>
    long ? `  # ${purpose}\n  ${line}` : `  ${line.padEnd(width)}  # ${purpose}`,
  );
  const parts = [
    ['', 'Examples:', ...examples],
    ...(lesson.notes === undefined ? [] : [['', ...lesson.notes]]),
    ...(lesson.seeAlso === undefined ? [] : [['', `See also: ${lesson.seeAlso.join(', ')}`]]),
  ];
  command.addHelpText('after', parts.flat().join('\n'));
}
