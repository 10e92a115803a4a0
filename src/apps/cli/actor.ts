/** Who acts, as events say it: a name of sheaf.toml is a person, this is whoever has the distribution's folder. */
import { userInfo } from 'node:os';

export function commandLineActor(): string {
  return `${userInfo().username} on the command line`;
}
