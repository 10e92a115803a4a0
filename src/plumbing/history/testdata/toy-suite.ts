/** A made-up Packages index that changes from version to version as real ones do; the same for the same seed. */
import { createHash } from 'node:crypto';

import { sha256, type Sha256 } from '../../../kit/digest.ts';

export type ToyVersion = { readonly bytes: Buffer; readonly sha256: Sha256 };

export class ToySuite {
  readonly #versions = new Map<string, number>();
  #state: number;

  constructor(seed: number, packages: number) {
    this.#state = seed;
    for (let index = 0; index < packages; index++) this.#versions.set(`package-${String(index).padStart(5, '0')}`, 1);
  }

  /** Some packages get a new version, one goes, one comes. */
  change(count: number): ToyVersion {
    const names = [...this.#versions.keys()];
    for (let index = 0; index < count; index++) {
      const name = names[this.#random(names.length)]!;
      this.#versions.set(name, (this.#versions.get(name) ?? 0) + 1);
    }
    this.#versions.delete(names[this.#random(names.length)]!);
    this.#versions.set(`new-${this.#random(1e6)}`, 1);
    return this.now();
  }

  now(): ToyVersion {
    const stanzas = [...this.#versions].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(stanza);
    const bytes = Buffer.from(stanzas.join(''));
    return { bytes, sha256: sha256(bytes) };
  }

  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }
}

function stanza([name, version]: readonly [string, number]): string {
  const hash = createHash('sha256').update(`${name} ${version}`).digest('hex');
  return [
    `Package: ${name}`,
    `Version: 1.${version}-1`,
    `Architecture: amd64`,
    `Maintainer: Somebody <somebody@example.org>`,
    `Depends: libc6 (>= 2.36), lib${name} (= 1.${version}-1)`,
    `Description: what ${name} is for, in a few words`,
    `Filename: pool/main/${name}_1.${version}-1_amd64.deb`,
    `Size: ${Number.parseInt(hash.slice(0, 5), 16)}`,
    `SHA256: ${hash}`,
    '',
    '',
  ].join('\n');
}
