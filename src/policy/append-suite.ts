/** Adding a repository and its suites to sheaf.toml. */
import type { ReleaseFields } from '../model/distribution.ts';
import { appendTable, type Appended } from './append-table.ts';

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

/** Writes `[repository.NAME]`. Throws `repository-exists`, `bad-settings` (nothing is written then), `no-distribution`. */
export async function addRepository(directory: string, name: string): Promise<Appended> {
  return appendTable(directory, {
    kind: 'repository',
    name,
    settings: [],
    taken: ({ repositories }) => repositories,
    hint: (message) =>
      /(?:suite|mirror)\.[^:]*\.repository: missing/.test(message)
        ? 'With several repositories, each [suite.NAME] must say which one it is in: write repository = "NAME" there first.'
        : undefined,
  });
}

/** Writes `[suite.NAME]`. Throws `suite-exists`, `bad-settings` (nothing is written then), `no-distribution`. */
export async function addSuite(directory: string, name: string, settings: SuiteSettings): Promise<Appended> {
  const { repository, description, codename, upstream, components, architectures } = settings;
  return appendTable(directory, {
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
  });
}

/** As sheaf.toml has it. */
function writtenFields(fields: ReleaseFields): Readonly<Record<string, string | boolean | undefined>> {
  const { notAutomatic, butAutomaticUpgrades, ...texts } = fields;
  return { ...texts, 'not-automatic': notAutomatic, 'but-automatic-upgrades': butAutomaticUpgrades };
}
