import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Hono } from 'hono';

import { refuseWrongMethods } from './wrong-method.ts';

const part = new Hono();
part.get('/api/v1/job/:id', (c) => (c.req.param('id') === '1' ? c.json({ id: 1 }) : c.json({ error: {} }, 404)));
part.post('/api/v1/job/:id', (c) => c.json({ id: 1 }));
part.get('/jobs', (c) => c.text('jobs'));
part.all('*', (c) => c.text('no such page', 404));
const app = new Hono();
refuseWrongMethods(app);
app.route('/', part);

async function ask(method: string, path: string): Promise<readonly [number, string | null]> {
  const { status, headers } = await app.request(path, { method });
  return [status, headers.get('allow')];
}

test('an address that is there says which methods it has', async () => {
  assert.deepEqual(await ask('DELETE', '/api/v1/job/1'), [405, 'GET, HEAD, POST']);
  assert.deepEqual(await ask('POST', '/jobs'), [405, 'GET, HEAD']);
  const { error } = (await (await app.request('/api/v1/job/7', { method: 'PUT' })).json()) as {
    error: { code: string; message: string };
  };
  assert.equal(error.code, 'method-not-allowed');
  assert.match(error.message, /this address takes GET, HEAD, POST/);
});

test('what is there is answered, and what is not there is not found, whatever the method', async () => {
  assert.deepEqual(await ask('GET', '/api/v1/job/1'), [200, null]);
  assert.deepEqual(await ask('HEAD', '/jobs'), [200, null]);
  assert.deepEqual(await ask('GET', '/api/v1/job/2'), [404, null]);
  assert.deepEqual(await ask('POST', '/nothing'), [404, null]);
});
