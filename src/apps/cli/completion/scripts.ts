/**
 * Completion scripts. All three find the words of the command before the cursor, leave out options and their values,
 * and offer what may follow; where nothing is known to follow, files.
 */
import type { CommandWords, OptionWords } from './tree.ts';

type Script = (commands: readonly CommandWords[]) => string;

/** Safe in any of the shells: the words are ours and hold no quotes. */
const quote = (text: string) => `'${text.replaceAll("'", '’').replaceAll('\\', '')}'`;

function flagsOf(options: readonly OptionWords[]): string[] {
  return options.flatMap(({ flags }) => flags);
}

function valueFlags(commands: readonly CommandWords[]): string[] {
  return [...new Set(commands.flatMap(({ options }) => flagsOf(options.filter(({ takesValue }) => takesValue))))];
}

const bash: Script = (commands) => `# bash completion for sheaf
_sheaf() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path='' word i words='' options=''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${valueFlags(commands).join(' | ')}) ((i++)) ;;
      -*) ;;
      *) path="$path $word" ;;
    esac
  done
  case $prev in
    -C | --dir) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    ${valueFlags(commands)
      .filter((flag) => flag !== '-C' && flag !== '--dir')
      .join(' | ')}) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  esac
  case $path in
${commands
  .map(
    ({ path, commands: below, options, choices }) =>
      `    ${quote(path.map((word) => ` ${word}`).join(''))}) words=${quote([...below.map(({ word }) => word), ...choices].join(' '))} options=${quote(flagsOf(options).join(' '))} ;;`,
  )
  .join('\n')}
  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
  elif [[ -n $words ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  fi
}
complete -F _sheaf sheaf
`;

const zsh: Script = (commands) => `#compdef sheaf
# zsh completion for sheaf
_sheaf() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT-1]} sofar='' i
  local -a below flags
  for ((i = 2; i < CURRENT; i++)); do
    case \${words[i]} in
      ${valueFlags(commands).join('|')}) ((i++)) ;;
      -*) ;;
      *) sofar="$sofar \${words[i]}" ;;
    esac
  done
  case $prev in
    -C|--dir) _files -/; return ;;
    ${valueFlags(commands)
      .filter((flag) => flag !== '-C' && flag !== '--dir')
      .join('|')}) _files; return ;;
  esac
  case $sofar in
${commands
  .map(({ path, commands: below, options, choices }) => {
    const described = below.map(({ word, purpose }) => quote(`${word}:${purpose.replaceAll(':', '')}`));
    const plain = choices.map(quote);
    const flags = options.flatMap((option) =>
      option.flags.map((flag) => quote(`${flag}:${option.purpose.replaceAll(':', '')}`)),
    );
    return `    ${quote(path.map((word) => ` ${word}`).join(''))}) below=(${[...described, ...plain].join(' ')}) flags=(${flags.join(' ')}) ;;`;
  })
  .join('\n')}
  esac
  if [[ $cur == -* ]]; then
    _describe option flags
  elif (( \${#below} )); then
    _describe command below
  else
    _files
  fi
}
if [[ \${funcstack[1]} == _sheaf ]]; then _sheaf "$@"; else compdef _sheaf sheaf; fi
`;

const fish: Script = (commands) => `# fish completion for sheaf
function __sheaf_at
    set -l words (commandline -opc)
    set -l path
    set -l skip 0
    for word in $words[2..-1]
        if test $skip = 1
            set skip 0
        else if contains -- $word ${valueFlags(commands).join(' ')}
            set skip 1
        else if not string match -q -- '-*' $word
            set -a path $word
        end
    end
    test "$path" = "$argv"
end
${commands.flatMap(fishLines).join('\n')}
`;

function fishLines({ path, commands: below, options, choices }: CommandWords): string[] {
  const here = `complete -c sheaf -n ${quote(`__sheaf_at ${path.join(' ')}`.trim())}`;
  return [
    ...below.map(({ word, purpose }) => `${here} -f -a ${word} -d ${quote(purpose)}`),
    ...choices.map((choice) => `${here} -f -a ${choice}`),
    ...options.map(({ flags, takesValue, purpose }) => {
      const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      return `${here} ${names.join(' ')}${takesValue ? ' -r' : ''} -d ${quote(purpose)}`;
    }),
  ];
}

export const scripts: Readonly<Record<'bash' | 'zsh' | 'fish', Script>> = { bash, zsh, fish };
