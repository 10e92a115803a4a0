/** A schema's issues as sentences: what was found and what was expected. */
import type { z } from 'zod';

import { suggestion } from '../kit/spelling.ts';
import { formatFound, type Path } from '../kit/toml.ts';
import { at, type Raw } from './raw.ts';
import { settingsSchema } from './schema.ts';

export type Finding = { readonly path: Path; readonly at: 'key' | 'value'; readonly message: string };

export function toFindings(issue: z.core.$ZodIssue, raw: Raw): Finding[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    const known = settingsBelow(path, raw);
    return issue.keys.map((key) => ({
      path: [...path, key],
      at: 'key',
      message: `unknown setting${suggestion(key, known) || `, expected one of ${known.join(', ')}`}`,
    }));
  }
  const expected = expectedBy(issue);
  const found = at(raw, ...path);
  // A text in place of a table has no member of its own: the text itself is what was found.
  const parent = at(raw, ...path.slice(0, -1));
  const shown = found === undefined && typeof parent === 'string' ? parent : found;
  return [
    {
      path,
      at: 'value',
      message:
        shown === undefined ? `missing, expected ${expected}` : `found ${formatFound(shown)}, expected ${expected}`,
    },
  ];
}

function expectedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union') return `one of ${optionsOf(issue)}`;
  // The one kind of value whose schema has no words of its own.
  if (issue.code === 'invalid_type' && issue.expected === 'object' && issue.message.startsWith('Invalid input')) {
    return 'a section with settings of its own';
  }
  return issue.message;
}

function optionsOf(issue: z.core.$ZodIssueInvalidUnion): string {
  const options = 'options' in issue && Array.isArray(issue.options) ? (issue.options as unknown[]) : [];
  return options.map((option) => JSON.stringify(option)).join(', ');
}

/** Names of the settings that a section can have. */
function settingsBelow(path: Path, raw: Raw): string[] {
  let schema: z.core.$ZodType = settingsSchema;
  for (const [index, part] of path.entries()) {
    schema = memberOf(unwrap(schema), part, at(raw, ...path.slice(0, index)));
  }
  const found = choose(unwrap(schema), at(raw, ...path));
  return found._zod.def.type === 'object' ? Object.keys((found as z.ZodObject).shape) : [];
}

function memberOf(schema: z.core.$ZodType, part: string | number, value: unknown): z.core.$ZodType {
  const chosen = choose(schema, value);
  const { type } = chosen._zod.def;
  if (type === 'object') return (chosen as z.ZodObject).shape[part] as z.core.$ZodType;
  if (type === 'record') return (chosen as z.ZodRecord).valueType;
  if (type === 'array') return (chosen as z.ZodArray).element;
  return chosen;
}

/** The member of a union whose `kind` fits. */
function choose(schema: z.core.$ZodType, value: unknown): z.core.$ZodType {
  if (schema._zod.def.type !== 'union') return schema;
  const { options } = schema as z.ZodUnion<z.ZodObject[]>;
  const kind = at({ value }, 'value', 'kind');
  return options.find((option) => option.shape['kind']?.safeParse(kind).success) ?? options[0]!;
}

/** Without defaults, optionality and preprocessing around it. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const def = schema._zod.def as {
    type: string;
    innerType?: z.core.$ZodType;
    in?: z.core.$ZodType;
    out?: z.core.$ZodType;
  };
  if (def.innerType !== undefined) return unwrap(def.innerType);
  if (def.type === 'pipe' && def.in?._zod.def.type === 'transform' && def.out !== undefined) return unwrap(def.out);
  return schema;
}
