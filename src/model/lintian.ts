/** What lintian says of a package. */
export type LintianTag = {
  readonly severity: 'error' | 'warning' | 'info' | 'pedantic' | 'classification';
  /** The file of the upload that it is about. */
  readonly file: string;
  readonly tag: string;
  readonly context: string;
  /** The package says itself that this one does not count. */
  readonly overridden: boolean;
};

export type LintianReport = { readonly version: string; readonly tags: readonly LintianTag[] };
