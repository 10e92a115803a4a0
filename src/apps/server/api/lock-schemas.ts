/** Shapes of locks in the JSON API. */
import { z } from '@hono/zod-openapi';

import { jobSchema } from '../api-schemas.ts';
import { changeSchema, comparedCounts } from './history-schemas.ts';

const time = z.iso.datetime({ offset: true });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const lockUseSchema = z
  .object({
    sha256,
    job: z.int().meta({ description: 'The newest job that it was the environment of.' }),
    source: z.string(),
    version: z.string(),
    architecture: z.string(),
    usedAt: time,
    jobs: z.int().meta({ description: 'How many of the newest jobs had it.' }),
    packages: z.int().optional(),
    size: z.int().optional().meta({ description: 'Of all its packages, in bytes.' }),
  })
  .openapi('LockUse');

const requestSchema = z.object({
  packages: z.array(z.string()),
  variant: z.string().optional(),
  recommends: z.boolean(),
  exclude: z.array(z.string()),
});

export const lockSchema = z
  .object({
    sha256,
    architecture: z.string(),
    size: z.int(),
    request: requestSchema.optional(),
    sources: z.array(
      z.object({
        url: z.string(),
        suite: z.string(),
        components: z.array(z.string()).optional(),
        snapshot: z.string().optional(),
        inRelease: sha256,
        keys: z.array(z.string()).optional(),
        date: z.string(),
      }),
    ),
    packages: z.array(
      z.object({
        name: z.string(),
        version: z.string(),
        architecture: z.string(),
        sha256,
        size: z.int(),
        url: z.string(),
      }),
    ),
    jobs: z.array(jobSchema).meta({ description: 'What uses it: the newest first.' }),
  })
  .openapi('Lock');

const sizesSchema = z.object({ download: z.int(), installed: z.int() });
const lockChangeSchema = changeSchema.extend({ sizes: sizesSchema }).openapi('LockChange');
const sides = <T extends z.ZodType>(item: T) => z.object({ left: z.array(item), right: z.array(item) });

export const lockComparisonSchema = z
  .object({
    left: sha256,
    right: sha256,
    architectures: z.array(
      z.object({
        architecture: z.string(),
        only: z.enum(['left', 'right']).optional(),
        counts: comparedCounts,
        same: z.int(),
        sizes: z.object({ left: sizesSchema, right: sizesSchema }),
        sources: z.array(
          z.object({
            source: z.string(),
            oldVersion: z.string().optional(),
            newVersion: z.string().optional(),
            changes: z.array(lockChangeSchema),
          }),
        ),
      }),
    ),
    alarms: z.array(lockChangeSchema).meta({ description: 'The same version with other bytes.' }),
    places: sides(z.string()).optional(),
    requests: sides(requestSchema).optional(),
  })
  .openapi('LockComparison');

export const fromQuery = z.object({ from: sha256.meta({ description: 'The lock to compare with: the older one.' }) });
