import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { shellWord } from './shell-word.ts';

test('shellWord gives a shell back what it was given', () => {
  for (const text of ['grove', '/srv/my grove', "Ada's", '', '$HOME', 'größe', '~/x', 'a\nb']) {
    assert.equal(execFileSync('sh', ['-c', `printf %s ${shellWord(text)}`], { encoding: 'utf8' }), text);
  }
  assert.equal(shellWord('/srv/grove-1.0'), '/srv/grove-1.0');
});
