/**
 * What libraries called themselves when something was built. A program that records which ones it was built with asks
 * pkg-config, or a header; where nothing else of the library has changed, its version is all that differs. Pure.
 */
import { withoutRevision } from '../formats/deb/version.ts';
import type { LibraryName } from '../model/job.ts';
import type { LockedSource } from './ports.ts';

/** Those of which a hint shows another version in the published file than the environment has. */
export function calledLibraries(details: readonly string[], sources: readonly LockedSource[]): LibraryName[] {
  const called = new Map(
    details.flatMap((detail) => changedVersions(detail).map(([before, now]) => [now, before] as const)),
  );
  return sources.flatMap(({ source, version: whole, packages }) => {
    // What is added for Debian, `+dfsg`, stands in no header.
    const version = withoutRevision(whole).replace(/[+~].*$/, '');
    const [before, headers] = [called.get(version), packages.filter((name) => name.endsWith('-dev'))];
    return before === undefined || headers.length === 0 ? [] : [{ source, packages: headers, version, called: before }];
  });
}

const versions = /(?<![\w.])\d+(?:\.\d+)+(?![\w.])/g;

/** Of `usr/bin/a-1.2 in .text: b 1.1.0 → b 1.1.2` the last pair, for what comes before may be of the place. */
function changedVersions(detail: string): (readonly [string, string])[] {
  const [left, right, ...more] = detail.split(' → ').map((text) => text.match(versions) ?? []);
  if (left === undefined || right === undefined || more.length > 0 || right.length > left.length) return [];
  const before = left.slice(left.length - right.length);
  return right.flatMap((now, index) => (now === before[index] ? [] : [[before[index]!, now] as const]));
}
