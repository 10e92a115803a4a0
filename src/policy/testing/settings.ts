/** For tests: every setting that the schema knows. */
import type { z } from 'zod';

import { unwrap } from '../issues.ts';
import { settingsSchema } from '../schema.ts';

export type SettingLeaf = {
  /** `''` at the top, `git`, `person`, `person.may-release`, … */
  readonly section: string;
  readonly key: string;
  readonly schema: z.core.$ZodType;
};

export function settingLeaves(): SettingLeaf[] {
  return walk(settingsSchema, '');
}

function walk(object: z.ZodObject, section: string): SettingLeaf[] {
  return Object.entries(object.shape).flatMap(([key, schema]) => {
    const inside = sectionsIn(unwrap(schema as z.core.$ZodType));
    if (inside.length === 0) return [{ section, key, schema: schema as z.core.$ZodType }];
    const name = section === '' ? key : `${section}.${key}`;
    return inside.flatMap((member) => walk(member, name));
  });
}

/** The objects that a section is made of: itself, each of a record's or list's, each of a union's. */
function sectionsIn(schema: z.core.$ZodType): z.ZodObject[] {
  const { type } = schema._zod.def;
  if (type === 'object') return [schema as z.ZodObject];
  if (type === 'record') return sectionsIn(unwrap((schema as z.ZodRecord).valueType));
  if (type === 'union') return (schema as z.ZodUnion<z.ZodObject[]>).options.flatMap(sectionsIn);
  // An SSH key is one value, written on one line.
  if (type === 'array') {
    const element = unwrap((schema as z.ZodArray).element);
    return element._zod.def.type === 'object' && 'key' in (element as z.ZodObject).shape ? [] : sectionsIn(element);
  }
  return [];
}
