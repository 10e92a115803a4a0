/** How much of a system comes beside the packages that are named. The names are mmdebstrap's, mmdebstrap(1) "VARIANTS". */

import type { Variant } from '../model/lock.ts';

/** What an index says of a package that can put it into a variant. */
export type PackageClass = 'essential' | 'required' | 'important' | 'standard';

type Contents = { readonly classes: readonly PackageClass[]; readonly packages: readonly string[] };

const contents = {
  essential: { classes: ['essential'], packages: [] },
  apt: { classes: ['essential'], packages: ['apt'] },
  required: { classes: ['essential', 'required'], packages: ['apt'] },
  minbase: { classes: ['essential', 'required'], packages: ['apt'] },
  buildd: { classes: ['essential', 'required'], packages: ['apt', 'build-essential'] },
  important: { classes: ['essential', 'required', 'important'], packages: ['apt'] },
  debootstrap: { classes: ['essential', 'required', 'important'], packages: ['apt'] },
  standard: { classes: ['essential', 'required', 'important', 'standard'], packages: ['apt'] },
} as const satisfies Record<Variant, Contents>;

export const variants = Object.keys(contents) as readonly Variant[];

export function isVariant(text: string): text is Variant {
  return Object.hasOwn(contents, text);
}

export function contentsOf(variant: Variant): Contents {
  return contents[variant];
}
