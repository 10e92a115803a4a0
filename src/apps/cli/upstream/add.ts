/** Writing an upstream to sheaf.toml. */
import type { Upstream } from '../../../model/distribution.ts';
import { addUpstream } from '../../../policy/append.ts';
import { formatAddedTable, nameFrom } from '../settings-table.ts';

export type AddOptions = {
  readonly suite: readonly string[];
  readonly component?: readonly string[] | undefined;
  readonly arch?: readonly string[] | undefined;
  readonly keyring?: string | undefined;
  /** False with --no-sources. */
  readonly sources: boolean;
  readonly contents?: true | undefined;
  readonly translation?: readonly string[] | undefined;
  readonly expired?: 'refuse' | 'accept' | undefined;
  readonly every?: string | undefined;
};

export type AddedDocument = { readonly file: string; readonly table: string; readonly upstream: Upstream };

/** Throws what `addUpstream` does. */
export async function add(directory: string, name: string, url: string, options: AddOptions): Promise<AddedDocument> {
  const { suite, component, arch, keyring, sources, contents, translation, expired, every } = options;
  return addUpstream(directory, name, {
    ...{ url, suites: suite, components: component, architectures: arch, contents, translations: translation },
    ...{ expired, every },
    sources: sources ? undefined : false,
    keyring: keyring === undefined ? undefined : nameFrom(directory, keyring),
  });
}

export function formatAdded({ file, table, upstream }: AddedDocument): string[] {
  const restart = 'restart the server: it reads sheaf.toml when it starts, and looks by itself from then on';
  return formatAddedTable(file, table, [
    `sheaf upstream update ${upstream.name}`,
    ...(upstream.every === undefined ? [] : [restart]),
  ]);
}
