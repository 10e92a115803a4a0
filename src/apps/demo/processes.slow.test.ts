import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { until } from '../../../test/until.ts';
import { freePort } from '../../../test/free-port.ts';
import { runTool } from './tool.ts';
import { sheafCommand } from './processes.ts';

test('a service ends by itself when whoever started it is killed', { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sheaf-services-'));
  try {
    const grove = join(directory, 'grove');
    await runTool([sheafCommand, 'init', grove, '--listen', `127.0.0.1:${await freePort()}`]);
    const logFile = join(directory, 'server.log');
    const starter = join(directory, 'start.ts');
    const [processes, args] = [join(import.meta.dirname, 'processes.ts'), ['-C', grove, 'serve']];
    await writeFile(
      starter,
      `import { startService } from ${JSON.stringify(processes)};
      await startService('server', ${JSON.stringify(args)}, ${JSON.stringify(logFile)});`,
    );
    const child = spawn(process.execPath, [starter], { stdio: 'ignore' });
    const said = () => readFile(logFile, 'utf8').catch(() => '');
    await until(async () => /serving/.test(await said()));
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until(async () => /stopped/.test(await said()));
    assert.doesNotMatch(await said(), /error/);
  } finally {
    // PostgreSQL ends a moment later.
    await rm(directory, { recursive: true, force: true, maxRetries: 50 });
  }
});
