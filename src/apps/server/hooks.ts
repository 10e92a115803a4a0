/** `POST /hooks/NAME`: git hosts report pushed tags here, each proving that it knows the webhook's secret. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import { versionOfTagName } from '../../formats/git/mod.ts';
import type { Distribution, Webhook } from '../../model/distribution.ts';
import type { TagBuildId, TagRequest } from '../../model/tag-build.ts';
import { sha256 } from '../../kit/digest.ts';
import { matchesAnyGlob } from '../../kit/glob.ts';
import { apiError } from './api.ts';
import { readPayload } from './hook-payload.ts';

/** Hosts cut their payloads long before. */
const mostBytes = 2 ** 20;

const asJson = 'Set application/json as the content type of the webhook at the git host.';

type GitFormats = Pick<Distribution['git'], 'tagFormat' | 'upstreamTagFormat'>;
type GitSettings = GitFormats & Pick<Distribution['git'], 'addresses'>;

export type HookDeps = {
  readonly distribution: Pick<Distribution, 'url' | 'webhooks'> & { readonly git: GitSettings };
  /** Records the notification; the flow goes on from there. */
  readonly receive: (request: TagRequest) => Promise<{ readonly id: TagBuildId; readonly already: boolean }>;
  readonly report: (error: unknown) => void;
};

export function hooks(deps: HookDeps): Hono {
  const app = new Hono();
  app.post(
    '/hooks/:name',
    bodyLimit({
      maxSize: mostBytes,
      onError: (c) =>
        c.json(apiError('too-large', `Cannot read the payload: it is larger than ${mostBytes} bytes`), 413),
    }),
    (c) => receive(c, deps),
  );
  app.all('/hooks/*', (c) => c.json(apiError('not-found', 'A webhook is reported to by POST /hooks/NAME'), 404));
  return app;
}

async function receive(c: Context, deps: HookDeps): Promise<Response> {
  const webhook = [...deps.distribution.webhooks.values()].find((each) => each.name === c.req.param('name'));
  const body = Buffer.from(await c.req.arrayBuffer());
  const secret = webhook === undefined ? undefined : await readSecret(webhook, deps);
  // Whether the name exists is not told to whoever does not know the secret.
  if (webhook === undefined || secret === undefined || !isAuthentic(webhook, secret, c, body)) {
    return c.json(
      apiError(
        'wrong-secret',
        'Cannot accept the notification: it does not prove that its sender knows the secret of a webhook of this name',
        'Set the same secret at the git host as in the file that sheaf.toml names.',
      ),
      401,
    );
  }
  const document = parseBody(body);
  if (document === undefined) {
    return c.json(apiError('bad-payload', 'Cannot read the notification: the body is not JSON', asJson), 400);
  }
  const reading = readPayload(webhook.kind, eventOf(webhook, c), document);
  switch (reading.kind) {
    case 'bad':
      return c.json(apiError('bad-payload', `Cannot read the notification: ${reading.why}`), 400);
    case 'ignored':
      return c.json({ ignored: reading.why }, 202);
    case 'tag': {
      const { addresses, tag, object } = reading.report;
      const { git } = deps.distribution;
      if (isUpstreamTag(git, tag)) {
        return c.json({ ignored: `Tag ${tag} marks an upstream version; only release tags are built.` }, 202);
      }
      const { id, already } = await deps.receive({
        // Hosts tell the addresses for https and for ssh; which one is meant, the policy says.
        repository: addresses.find((each) => matchesAnyGlob(git.addresses, each)) ?? addresses[0],
        tag,
        suite: webhook.suite,
        origin: webhook.kind,
        ...(object === undefined ? {} : { claimedObject: object }),
      });
      return c.json({ tagBuild: id, already, page: `${deps.distribution.url}/tag-build/${id}` }, 202);
    }
  }
}

/** A tag that the release of a source package is made against, and no release itself. */
function isUpstreamTag({ tagFormat, upstreamTagFormat }: GitFormats, tag: string): boolean {
  return versionOfTagName(tagFormat, tag) === undefined && versionOfTagName(upstreamTagFormat, tag) !== undefined;
}

/** The file's first line. An empty secret is none. */
async function readSecret(webhook: Webhook, deps: HookDeps): Promise<string | undefined> {
  try {
    const [secret] = (await readFile(webhook.secretFile, 'utf8')).split(/\r?\n/, 1);
    if (secret !== undefined && secret !== '') return secret;
    deps.report(new Error(`Cannot check webhook ${webhook.name}: ${webhook.secretFile} is empty`));
  } catch (error) {
    deps.report(
      Object.assign(new Error(`Cannot check webhook ${webhook.name}: ${webhook.secretFile} cannot be read`), {
        cause: error,
      }),
    );
  }
  return undefined;
}

function isAuthentic(webhook: Webhook, secret: string, c: Context, body: Uint8Array): boolean {
  const header = (name: string) => c.req.header(name);
  switch (webhook.kind) {
    case 'generic':
      return isSignature(header('X-Sheaf-Signature-256'), secret, body);
    case 'github':
      return isSignature(header('X-Hub-Signature-256'), secret, body);
    case 'forgejo':
      return isSignature(header('X-Forgejo-Signature') ?? header('X-Gitea-Signature'), secret, body);
    case 'gitlab':
      return isSame(header('X-Gitlab-Token') ?? '', secret);
  }
}

/** HMAC-SHA256 of the body in hex; GitHub, and we, put `sha256=` before it. */
function isSignature(given: string | undefined, secret: string, body: Uint8Array): boolean {
  return isSame((given ?? '').replace(/^sha256=/, ''), createHmac('sha256', secret).update(body).digest('hex'));
}

/** Takes the same time whatever differs, the length too. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(given), 'hex'), Buffer.from(sha256(expected), 'hex'));
}

function eventOf(webhook: Webhook, c: Context): string | undefined {
  return webhook.kind === 'forgejo'
    ? (c.req.header('X-Forgejo-Event') ?? c.req.header('X-Gitea-Event'))
    : c.req.header('X-GitHub-Event');
}

/** Forges also send it as `payload` of a form, GitHub unless told otherwise. Undefined: it is no JSON. */
function parseBody(body: Uint8Array): unknown {
  const text = Buffer.from(body).toString('utf8');
  const payload = text.startsWith('payload=') ? new URLSearchParams(text).get('payload') : null;
  try {
    return JSON.parse(payload ?? text);
  } catch {
    return undefined;
  }
}
