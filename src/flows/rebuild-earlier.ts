/**
 * Rebuilds in the environment of another time, or of an earlier release: what has not been built since is published with
 * the code that the compiler and the C library of then gave it, and with the pages that its makers of documentation did.
 */
import type { Experiment as Tried } from '../model/rebuild.ts';
import { confirmSteps, type Experiment, type Step } from '../rebuild/mod.ts';
import { compareAll, filesOf, isNearer, type Compared, type ComparedPart, type MadePart } from './rebuild-compared.ts';
import type { Explained } from './rebuild-explain.ts';
import type { Part } from './rebuild-plan.ts';
import type { RebuildDeps } from './rebuild.ts';

export type ByEnvironment = {
  /** Places as they were when it was built, the nearest first: `debian/sid@20221020T084012Z`. */
  readonly ofTime: readonly string[];
  /** Places of earlier releases, the nearest first: `debian/bullseye`. */
  readonly releases: readonly string[];
  /** Undefined where it cannot be built there. */
  readonly planIn: (place: string) => Promise<Part | undefined>;
  /** As `explain`. */
  readonly explain: (made: ComparedPart, most: number) => Promise<Explained>;
  /** Seconds since the epoch, as in the plan. */
  readonly builtAt: number;
  /** How many builds there may be. */
  readonly most: number;
};

/**
 * What differs, explained: first in the environments of the time that it was built at, then in those of earlier releases,
 * as long as the compiler is younger than the build and each brings it nearer, and then as it came out there.
 */
export async function explainByEnvironment(
  deps: RebuildDeps,
  first: MadePart,
  { ofTime, releases, planIn, explain, builtAt, most }: ByEnvironment,
): Promise<Explained> {
  const tried: Tried[] = [];
  const steps: Step[] = [];
  const begun = await compareAll(deps, first.part.files, filesOf(first.built));
  let [made, best] = [first, begun];
  const places = isMoreThanChangelogs(begun) ? [...ofTime, ...releases] : [];
  for (const [index, place] of places.entries()) {
    const isOfTime = index < ofTime.length;
    if (tried.length === most) break;
    if (!isOfTime && (await deps.compilers(made.part.spec.lock, builtAt)).length > 0) break;
    const part = await planIn(place);
    if (part === undefined || part.spec.lock === first.part.spec.lock) continue;
    const step = environmentOf(place);
    deps.report({ kind: 'step', text: `Building again with ${step.restored}` });
    const built = await deps.run(part.spec, 0);
    const compared = built.outcome === 'built' ? await compareAll(deps, part.files, built.files) : undefined;
    const verdict = compared === undefined ? 'failed' : compared.files === 0 ? 'reproduced' : 'differs';
    tried.push({ restored: step.restored, verdict, seconds: built.seconds });
    deps.report({ kind: 'experiment', restored: step.restored, verdict });
    if (compared === undefined || !isNearer(compared, best) || !isWithin(compared, best)) {
      if (isOfTime) continue;
      break;
    }
    // One environment takes the place of another.
    steps.splice(0, 1, { all: [step], added: [step], places: compared.places });
    [made, best] = [{ part, built }, compared];
    if (compared.files === 0) break;
  }
  const isEqual = best.files === 0;
  const rest = isEqual ? nothingLeft(made) : await explain({ ...made, compared: best }, most - tried.length);
  const causes = confirmSteps(begun.places, steps, steps).map((cause) => {
    const { explains: _, ...whole } = cause;
    return rest.equal === undefined ? cause : { ...whole, confirmed: true };
  });
  return {
    ...{ causes: [...causes, ...rest.causes], experiments: [...tried, ...rest.experiments], equal: rest.equal },
    difference: documentsOf(begun),
  };
}

/** What debhelper has left of a changelog shows its own version, which is restored alone. */
function isMoreThanChangelogs({ places }: Compared): boolean {
  return [...(places ?? [])].some((place) => !/\/changelog\b[^/]*$/.test(place));
}

/** Whether all that agreed still does: an environment that mends one thing and spoils another is not that of the build. */
function isWithin({ places: now }: Compared, { places: before }: Compared): boolean {
  return now !== undefined && before !== undefined && [...now].every((place) => before.has(place));
}

function nothingLeft(made: MadePart): Explained {
  return { causes: [], experiments: [], equal: made, difference: {} };
}

function documentsOf({ differences }: Compared): Explained['difference'] {
  return Object.fromEntries([...differences].map(([name, { document }]) => [name, document]));
}

function environmentOf(place: string): Experiment {
  const restored = `environment of ${place}`;
  return { kind: 'dependency', thing: 'release', restored, conditions: {}, older: [] };
}
