/** Where things lie below a distribution's folder. See ARCHITECTURE.md, "What is on disk". */
import { join } from 'node:path';

export type Paths = {
  readonly directory: string;
  readonly settings: string;
  readonly keys: string;
  readonly secrets: string;
  readonly state: string;
  readonly postgres: string;
  readonly blobs: string;
  readonly git: string;
  readonly apt: string;
  readonly archive: string;
  /** Every version of every index. */
  readonly history: string;
  /** Downloads that have begun. */
  readonly partial: string;
  /** Files of uploads until their .changes comes. */
  readonly incoming: string;
  /** Who may upload: lines NAME:PASSWORD. */
  readonly uploaders: string;
};

export function pathsOf(directory: string): Paths {
  const state = join(directory, 'state');
  return {
    directory,
    settings: join(directory, 'sheaf.toml'),
    keys: join(directory, 'keys'),
    secrets: join(directory, 'secrets'),
    state,
    postgres: join(state, 'postgres'),
    blobs: join(state, 'blobs'),
    git: join(state, 'git'),
    apt: join(state, 'apt'),
    archive: join(state, 'archive'),
    history: join(state, 'history'),
    partial: join(state, 'partial'),
    incoming: join(state, 'incoming'),
    uploaders: join(directory, 'secrets', 'uploaders'),
  };
}

/** The file of the key that signs a repository's Release files. */
export function signingKeyFile(paths: Paths, repository: string): string {
  return join(paths.secrets, `${repository}.asc`);
}
