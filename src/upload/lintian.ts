/** What a suite makes of lintian's tags. */
import type { LintianReport, LintianTag } from '../model/lintian.ts';
import type { Suite } from '../model/distribution.ts';

/** Of a long list of reasons nobody reads the end. */
const mostReasons = 50;

/**
 * Those that refuse an upload. `error` in the settings means every tag of that severity that the package does not
 * override; a tag that is named there may not be overridden.
 */
export function fatalTags({ lintianFatal = [] }: Pick<Suite, 'lintianFatal'>, report: LintianReport): LintianTag[] {
  const errors = lintianFatal.includes('error');
  return report.tags.filter(
    (tag) => lintianFatal.includes(tag.tag) || (errors && tag.severity === 'error' && !tag.overridden),
  );
}

/** One reason for each, as lintian's users know its lines. */
export function lintianReasons(tags: readonly LintianTag[]): string[] {
  const shown = tags.slice(0, mostReasons).map(formatLintianTag);
  return tags.length > mostReasons ? [...shown, `lintian: and ${tags.length - mostReasons} more`] : shown;
}

/** `lintian: E hello_1_amd64.deb: no-copyright-file` */
export function formatLintianTag({ severity, file, tag, context, overridden }: LintianTag): string {
  const letter = overridden ? 'O' : severity[0]!.toUpperCase();
  return `lintian: ${letter} ${file}: ${tag}${context === '' ? '' : ` ${context}`}`;
}

/** `lintian: 2 errors, 1 warning` */
export function summariseLintian(tags: readonly LintianTag[]): string {
  const parts = (['error', 'warning'] as const).flatMap((severity) => {
    const count = tags.filter((tag) => tag.severity === severity && !tag.overridden).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`];
  });
  return `lintian: ${parts.length === 0 ? 'no errors, no warnings' : parts.join(', ')}`;
}
