/** Shapes of the JSON API. `api.ts` checks at compile time that the read models have them. */
import { z } from '@hono/zod-openapi';

const time = z.iso.datetime({ offset: true });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const gitObject = z.string();
/** The database takes no NUL, and no name that we know has another control character. */
export const boundedText = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'it has control characters');
const sentence = z.string().meta({ description: 'One plain sentence.' });

export const errorSchema = z
  .object({
    error: z.object({
      code: z.string().meta({ description: 'Stable, kebab-case.' }),
      message: z.string(),
      hint: z.string().optional(),
    }),
  })
  .openapi('Error');

export const refusalSchema = z.object({ code: z.string(), message: z.string(), hint: z.string() }).openapi('Refusal');

export const tagBuildState = z.enum(['RECEIVED', 'REJECTED', 'ACCEPTED', 'DONE', 'DUPLICATE']);

export const tagBuildSchema = z
  .object({
    id: z.int(),
    repository: z.string(),
    tag: z.string(),
    suite: z.string(),
    origin: z.string(),
    state: tagBuildState,
    sentence,
    receivedAt: time,
    judgedAt: time.optional(),
    doneAt: time.optional(),
    refusals: z.array(refusalSchema),
    obstacle: z.string().optional(),
    repeats: z.int(),
    duplicateOf: z.int().optional(),
    source: z.string().optional(),
    version: z.string().optional(),
    tagObject: gitObject.optional(),
    commit: gitObject.optional(),
    tree: gitObject.optional(),
    signer: z.string().optional(),
    signature: z.object({ kind: z.enum(['openpgp', 'ssh']), fingerprint: z.string(), created: time }).optional(),
  })
  .openapi('TagBuild');

export const jobState = z.enum([
  'Needs-Build',
  'BD-Uninstallable',
  'Building',
  'Built',
  'Uploaded',
  'Installed',
  'Build-Attempted',
  'Failed',
  'Cancelled',
]);

const file = z.object({ name: z.string(), sha256, size: z.int() });

export const jobSchema = z
  .object({
    id: z.int(),
    tagBuild: z.int().optional(),
    kind: z.enum(['source', 'binary']),
    builds: z.string(),
    purpose: z.string(),
    source: z.string(),
    version: z.string(),
    suite: z.string().optional().meta({ description: 'Absent for rebuilds: they enter none.' }),
    rebuild: z.object({ task: z.int(), place: z.string(), recorded: z.int().optional() }).optional(),
    architecture: z.string(),
    pool: z.string(),
    state: jobState,
    sentence,
    attempt: z.int(),
    maxAttempts: z.int(),
    worker: z.string().optional(),
    leaseExpiresAt: time.optional(),
    createdAt: time,
    finishedAt: time.optional(),
    lock: sha256.optional(),
  })
  .openapi('Job');

export const attemptSchema = z
  .object({
    number: z.int(),
    worker: z.string(),
    startedAt: time,
    finishedAt: time.optional(),
    outcome: z.enum(['built', 'failed', 'expired', 'cancelled', 'refused']).optional(),
    sentence,
    logBytes: z.int(),
    timings: z.record(z.string(), z.number()).meta({ description: 'Milliseconds by step.' }),
    files: z.array(file),
    provenance: sha256.optional(),
  })
  .openapi('Attempt');

export const statementSchema = z
  .object({
    sha256: sha256.meta({ description: 'Hash of the DSSE envelope.' }),
    subject: z.object({ name: z.string(), sha256 }),
    predicateType: z.string(),
    signer: z.string(),
    job: z.int().optional(),
    createdAt: time,
  })
  .openapi('Statement');

export const jobDetailSchema = jobSchema
  .extend({
    attempts: z.array(attemptSchema),
    inputs: z.array(file),
    statements: z.array(statementSchema),
    baseLock: sha256.optional(),
    commit: gitObject.optional(),
  })
  .openapi('JobDetail');

const evidence = z.object({
  label: z.string(),
  value: z.string(),
  kind: z.enum(['text', 'sha256', 'git', 'key']),
  at: z
    .union([
      z.object({ kind: z.literal('evidence'), job: z.int(), sha256 }),
      z.object({ kind: z.literal('snapshot'), suite: z.string(), number: z.int() }),
    ])
    .optional(),
});

const stepCommon = z.object({
  state: z.enum(['done', 'running', 'waiting', 'failed', 'skipped']),
  at: time.optional(),
  until: time.optional(),
  title: z.string(),
  sentence,
  evidence: z.array(evidence),
});

export const stepSchema = z
  .union([
    stepCommon.extend({ kind: z.enum(['received', 'verified', 'admitted', 'accepted', 'published']) }),
    stepCommon.extend({ kind: z.literal('refused'), refusals: z.array(refusalSchema) }),
    stepCommon.extend({
      kind: z.literal('job'),
      job: z.int().optional(),
      jobState: jobState.optional(),
      attempts: z.array(attemptSchema),
      files: z.array(file),
    }),
  ])
  .openapi('Step');

export const timelineSchema = tagBuildSchema.extend({ steps: z.array(stepSchema) }).openapi('Timeline');

export const packageStatusSchema = z
  .object({
    source: z.string(),
    suite: z.string(),
    architecture: z.string(),
    state: z.string().meta({ description: "wanna-build's, upload and publication states." }),
    sentence,
    version: z.string().optional(),
    published: z.string().optional().meta({ description: 'What clients of the suite get now.' }),
    since: time.optional(),
    job: z.int().optional(),
    tagBuild: z.int().optional(),
  })
  .openapi('PackageStatus');

export const packageListItemSchema = z
  .object({ source: z.string(), statuses: z.array(packageStatusSchema) })
  .openapi('Package');

export const snapshotSchema = z
  .object({
    suite: z.string(),
    repository: z.string(),
    number: z.int(),
    id: z.string(),
    createdAt: time,
    validUntil: time,
    inRelease: sha256.optional(),
    packages: z.int(),
  })
  .openapi('Snapshot');

export const suiteSchema = z
  .object({
    name: z.string(),
    repository: z.string(),
    codename: z.string(),
    description: z.string(),
    upstream: z.string(),
    components: z.array(z.string()),
    architectures: z.array(z.string()),
    frozen: z.boolean().meta({ description: 'By sheaf.toml or by a person.' }),
    freeze: z
      .object({ since: time, by: z.string(), reason: z.string().optional() })
      .optional()
      .meta({ description: 'When a person has frozen it.' }),
    endOfLife: time.optional().meta({ description: 'From then on it is neither published nor renewed.' }),
    versions: z.enum(['latest', 'all']).meta({ description: 'Which versions of a package its indexes list.' }),
    sources: z.int(),
    binaries: z.int(),
    snapshot: snapshotSchema.optional(),
    sentence,
  })
  .openapi('Suite');

export const suitePackageSchema = z
  .object({
    name: z.string(),
    version: z.string(),
    component: z.string(),
    state: z.enum(['PENDING', 'PUBLISHED']),
    publishedAt: time.optional(),
    firstSnapshot: z.int().optional(),
    versions: z.array(z.string()).meta({ description: 'All that are there, the highest first.' }),
    binaries: z.array(z.object({ name: z.string(), version: z.string(), architecture: z.string(), sha256 })),
  })
  .openapi('SuitePackage');

export const workerSchema = z
  .object({
    name: z.string(),
    state: z.enum(['pending', 'approved', 'disabled']),
    activity: z.enum(['pending', 'disabled', 'busy', 'idle', 'silent']),
    sentence,
    architectures: z.array(z.string()),
    pool: z.string(),
    fingerprint: sha256.meta({ description: 'SHA-256 of the Ed25519 public key.' }),
    enrolledAt: time,
    lastSeenAt: time.optional(),
    jobs: z.array(jobSchema),
  })
  .openapi('Worker');

export const eventSchema = z
  .object({
    id: z.int(),
    at: time,
    kind: z.string(),
    message: z.string(),
    tagBuild: z.int().optional(),
    job: z.int().optional(),
    suite: z.string().optional(),
    source: z.string().optional(),
    actor: z.string().optional().meta({ description: 'Whose doing it is, when a person’s.' }),
    upload: z.int().optional().meta({ description: 'The upload of the NEW queue that it is about.' }),
  })
  .openapi('Event');

const moving = tagBuildSchema.extend({ jobs: z.array(jobSchema) });

export const statusSchema = z
  .object({
    moving: z.array(moving),
    stuck: z.array(moving),
    running: z.array(jobSchema),
    waiting: z.array(z.object({ architecture: z.string(), count: z.int() })),
    workers: z.object({
      pending: z.int(),
      disabled: z.int(),
      busy: z.int(),
      idle: z.int(),
      silent: z.int(),
    }),
    events: z.array(eventSchema),
  })
  .openapi('Status');

export const pageQuery = z.object({
  after: boundedText(300).optional().meta({ description: 'The `next` of the page before.' }),
  limit: z.coerce.number().int().min(1).max(200).optional(),
});
/** Of lists in the order of a number. Any other position would be the first page once more, and a client would go round. */
export const numberPageQuery = pageQuery.extend({
  after: z
    .string()
    .regex(/^\d{0,15}$/, 'it is not the `next` of a page')
    .optional()
    .meta({ description: 'The `next` of the page before.' }),
});

export const idParam = z.object({ id: z.coerce.number().int().positive() });
export const nameParam = z.object({ name: boundedText(300) });
export const digestParam = z.object({ sha256 });

/** A page of a list. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.string().optional() });
}

export const textSchema = z.string();

export const packageSchema = packageListItemSchema
  .extend({ tagBuilds: pageOf(timelineSchema) })
  .openapi('PackageDetail');

export const suiteDetailSchema = suiteSchema.extend({ packages: pageOf(suitePackageSchema) }).openapi('SuiteDetail');

/** What lists may be narrowed by. */
export const tagBuildFilters = { source: boundedText(300).optional(), state: tagBuildState.optional() };
export const packageFilters = { contains: boundedText(300).optional() };
export const jobFilters = {
  state: jobState.optional(),
  architecture: boundedText(40).optional(),
  source: boundedText(300).optional(),
  worker: boundedText(100).optional(),
  tagBuild: z.coerce.number().int().positive().optional(),
};
export const eventFilters = {
  source: boundedText(300).optional(),
  tagBuild: z.coerce.number().int().positive().optional(),
  suite: boundedText(300).optional(),
  actor: boundedText(300).optional().meta({ description: 'What this person did; `*`: what any person did.' }),
};
export const logQuery = z.object({
  attempt: z.coerce.number().int().positive().max(2_147_483_647).optional(),
  from: z.coerce.number().int().min(0).optional(),
});
