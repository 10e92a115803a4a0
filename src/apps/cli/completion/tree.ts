/** The commands as the completion scripts need them. */
export type CommandWords = {
  /** Words after `sheaf`. */
  readonly path: readonly string[];
  readonly commands: readonly Word[];
  readonly options: readonly OptionWords[];
  /** Fixed values of its first argument. */
  readonly choices: readonly string[];
};

export type Word = { readonly word: string; readonly purpose: string };
export type OptionWords = {
  readonly flags: readonly string[];
  readonly takesValue: boolean;
  readonly purpose: string;
};

type OptionLike = {
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly required: boolean;
  readonly optional: boolean;
  readonly description: string;
};
type CommandLike = {
  readonly name: () => string;
  readonly summary: () => string;
  readonly commands: readonly CommandLike[];
  readonly options: readonly OptionLike[];
  readonly registeredArguments: readonly { readonly argChoices?: readonly string[] | undefined }[];
};

/** Every command, the root first. Global options belong to each. */
export function describeCommands(root: unknown): CommandWords[] {
  const command = root as CommandLike;
  const common = [
    ...command.options.map(toWords),
    { flags: ['-h', '--help'], takesValue: false, purpose: 'explain the command' },
  ];
  return walk(command, [], common);
}

function walk(command: CommandLike, path: readonly string[], common: readonly OptionWords[]): CommandWords[] {
  const own = path.length === 0 ? [] : command.options.map(toWords);
  return [
    {
      path,
      commands: command.commands.map((each) => ({ word: each.name(), purpose: each.summary() })),
      options: [...own, ...common],
      choices: command.registeredArguments[0]?.argChoices ?? [],
    },
    ...command.commands.flatMap((each) => walk(each, [...path, each.name()], common)),
  ];
}

function toWords(option: OptionLike): OptionWords {
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined),
    takesValue: option.required || option.optional,
    purpose: option.description,
  };
}
