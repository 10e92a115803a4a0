/** Reasons against accepting files: collected, so that a person sees all of them at once. */
import { describeError, SheafError } from '../kit/error.ts';

/** Why a file cannot be taken, which `otherwise` says of those that are for nobody. */
export function whyNotTaken(name: string, otherwise: string): string {
  return name.endsWith('.udeb')
    ? `${name}: packages for the installer are not taken: build without them, by "Build-Profiles: <!noudeb>" in debian/control and DEB_BUILD_PROFILES=noudeb`
    : `${name}: ${otherwise}`;
}

export class Reasons {
  readonly list: string[] = [];

  add(reason: string): void {
    this.list.push(reason);
  }

  /** Adds the reason unless the condition holds. */
  require(condition: boolean, reason: string): void {
    if (!condition) this.add(reason);
  }

  get any(): boolean {
    return this.list.length > 0;
  }

  /** Runs a reader of foreign bytes: what it throws about them is a reason, anything else is our own fault. */
  async read<T>(work: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof SheafError) || error.kind === 'environment') throw error;
      this.add(describeError(error));
      return undefined;
    }
  }
}
