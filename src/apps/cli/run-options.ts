/** What a command that runs in a root sees and may do: the options that all such commands share. */
import type { Command, OptionValues } from '@commander-js/extra-typings';

/** `over` says what becomes of a command that goes over its limits: the words are put into it. */
export function withRunOptions<A extends unknown[], O extends OptionValues, G extends OptionValues>(
  command: Command<A, O, G>,
  over: (limits: string) => string,
) {
  return command
    .option(
      '--bind <src:dst>',
      'a file or folder of this machine to be seen there; SRC:DST:ro to be read only',
      collect,
    )
    .option('--network', 'with this machine’s network (default: none but the loopback device)')
    .option('--user <name>', 'a user of the root, by name or number (default: root)')
    .option('--cwd <dir>', 'where to start (default: /)')
    .option('--env <name=value>', 'set a variable; nothing is inherited', collect)
    .option('--limit <name=value>', over('wall=10m, memory=2G, disk=1G or processes=100'), collect);
}

/** For options that can be given several times. */
export function collect(word: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), word];
}
