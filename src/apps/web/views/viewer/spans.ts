/** Versions over time: one line for each suite, one bar for each version. */
import { html } from 'hono/html';

import type { Sighting } from '../../../../history/mod.ts';
import { formatSuiteRef } from '../../../../model/index-history.ts';
import { snapshotTime, type SnapshotId } from '../../../../model/names.ts';
import { foreign } from '../../parts/foreign.ts';
import type { Html } from '../../parts/html.ts';
import { suiteRefPath, viewerPath } from '../../path.ts';
import type { Kind } from './choice.ts';

const mostSuites = 12;
const mostBars = 60;
const laneHeight = 22;
/** In percent: what lasted a moment is seen all the same. */
const leastWidth = 0.8;
const day = 86_400_000;

type Bar = { readonly sighting: Sighting; readonly from: number; readonly until: number; readonly lane: number };

/** A drawing that says the same as the table below it: eyes that cannot see it lose nothing. */
export function spanChart(kind: Kind, sightings: readonly Sighting[], now: Date): Html {
  const shown = sightings.slice(0, mostSuites * mostBars);
  if (shown.length === 0) return html``;
  const starts = shown.map((each) => timeOf(each.since));
  const to = Math.max(now.getTime(), ...starts);
  // A history of one moment is drawn as wide as a day.
  const from = Math.min(Math.min(...starts), to - day);
  const colours = new Map<string, number>();
  for (const each of shown.toReversed()) {
    const { version } = each.entry;
    if (!colours.has(version)) colours.set(version, colours.size % 6);
  }
  const scale = (time: number) => (100 * (time - from)) / (to - from);
  return html`<figure class="spans" aria-hidden="true">
    ${[...suitesOf(shown)].slice(0, mostSuites).map(
      ([suite, own]) =>
        html`<div class="lane">
          <span class="lane-name"><a href="${suiteRefPath(own[0]!)}" tabindex="-1">${foreign(suite, 60)}</a></span>
          ${lane(kind, own, to, scale, colours)}
        </div>`,
    )}
    <figcaption class="lane">
      <span class="lane-name"></span><span class="axis"><span>${dayOf(from)}</span><span>${dayOf(to)}</span></span>
    </figcaption>
  </figure>`;
}

function suitesOf(sightings: readonly Sighting[]): Map<string, Sighting[]> {
  const suites = new Map<string, Sighting[]>();
  for (const each of sightings) {
    const name = formatSuiteRef(each);
    suites.set(name, [...(suites.get(name) ?? []), each]);
  }
  return suites;
}

function lane(
  kind: Kind,
  sightings: readonly Sighting[],
  to: number,
  scale: (time: number) => number,
  colours: ReadonlyMap<string, number>,
): Html {
  const bars = stack(sightings.slice(0, mostBars), to);
  const height = laneHeight * (1 + Math.max(...bars.map((bar) => bar.lane)));
  return html`<svg class="bars" width="100%" height="${height}" focusable="false">
    ${bars.map(({ sighting, from, until, lane: row }) => {
      const version = foreign(sighting.entry.version, 60);
      const place = { in: `${formatSuiteRef(sighting)}@${sighting.since}`, arch: sighting.entry.architecture };
      const width = Math.max(scale(until) - scale(from), leastWidth);
      const x = Math.min(scale(from), 100 - width);
      return html`<a
        href="${viewerPath({ kind, name: sighting.entry.name, ...place }, { version: sighting.entry.version })}"
        tabindex="-1"
      >
        <svg x="${x.toFixed(2)}%" y="${row * laneHeight}" width="${width.toFixed(2)}%" height="${laneHeight - 3}">
          <title>${version}, ${dayOf(from)} – ${sighting.until === undefined ? 'now' : dayOf(until)}</title>
          <rect class="bar v${colours.get(sighting.entry.version) ?? 0}" width="100%" height="100%" rx="3" />
          <text x="6" y="14">${version}</text>
        </svg>
      </a>`;
    })}
  </svg>`;
}

/** Bars of one suite; those that stood beside each other get lines of their own. */
function stack(sightings: readonly Sighting[], to: number): Bar[] {
  const ends: number[] = [];
  return sightings
    .map((sighting) => ({
      sighting,
      from: timeOf(sighting.since),
      until: sighting.until === undefined ? to : timeOf(sighting.until),
    }))
    .toSorted((a, b) => a.from - b.from || a.until - b.until)
    .map((bar) => {
      const free = ends.findIndex((end) => end <= bar.from);
      const lane_ = free === -1 ? ends.length : free;
      ends[lane_] = bar.until;
      return { ...bar, lane: lane_ };
    });
}

const timeOf = (id: SnapshotId) => snapshotTime(id).getTime();

/** `2026-09-12`. */
export function dayOf(time: number | SnapshotId): string {
  return (typeof time === 'number' ? new Date(time) : snapshotTime(time)).toISOString().slice(0, 10);
}
