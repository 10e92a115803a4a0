/** Adding a repository and its suites to sheaf.toml. */
import type { ReleaseFields } from '../model/distribution.ts';
import { appendTables, type NewTable } from './append-table.ts';

/** Settings as they are written; those that are undefined are left to their defaults. */
export type SuiteSettings = {
  readonly repository: string;
  readonly description?: string | undefined;
  readonly codename?: string | undefined;
  readonly upstream?: string | undefined;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly versions?: 'all' | undefined;
  readonly translation?: true | undefined;
  readonly releaseFields?: ReleaseFields | undefined;
};

/**
 * Writes `[repository.NAME]`, unless it is undefined, and each `[suite.NAME]`: all or nothing, and with `check` nothing.
 * Throws `repository-exists`, `suite-exists`, `bad-settings` (nothing is written then), `no-distribution`.
 */
export async function addSuites(
  directory: string,
  repository: string | undefined,
  suites: readonly (readonly [name: string, settings: SuiteSettings])[],
  options: { readonly check?: boolean } = {},
) {
  const tables = suites.map(([name, settings]) => suiteTable(name, settings));
  const all = repository === undefined ? tables : [repositoryTable(repository), ...tables];
  return appendTables(directory, all, options);
}

/** `[repository.NAME]`. */
function repositoryTable(name: string): NewTable {
  return {
    kind: 'repository',
    name,
    settings: [],
    taken: ({ repositories }) => repositories,
    hint: (message) =>
      /(?:suite|mirror)\.[^:]*\.repository: missing/.test(message)
        ? 'With several repositories, each [suite.NAME] must say which one it is in: write repository = "NAME" there first.'
        : undefined,
  };
}

/** `[suite.NAME]`. */
function suiteTable(name: string, settings: SuiteSettings): NewTable {
  const { repository, description, codename, upstream, components, architectures } = settings;
  return {
    kind: 'suite',
    name,
    settings: [
      ...Object.entries({ repository, description, codename, upstream, components, architectures }),
      ['versions', settings.versions],
      ['translation', settings.translation],
      ['release-fields', settings.releaseFields && writtenFields(settings.releaseFields)],
    ],
    taken: ({ suites }) => suites,
    hint: (message) => {
      if (/suite\.[^:]*\.upstream: missing/.test(message)) {
        return 'Say which upstream its packages are built with: --upstream NAME.';
      }
      return /webhook\.[^:]*\.suite: missing/.test(message)
        ? 'With several suites, each [webhook.NAME] must say which one its tags are meant for: write suite = "NAME" there first.'
        : undefined;
    },
  };
}

/** As sheaf.toml has it. */
function writtenFields(fields: ReleaseFields): Readonly<Record<string, string | boolean | undefined>> {
  const { notAutomatic, butAutomaticUpgrades, ...texts } = fields;
  return { ...texts, 'not-automatic': notAutomatic, 'but-automatic-upgrades': butAutomaticUpgrades };
}
