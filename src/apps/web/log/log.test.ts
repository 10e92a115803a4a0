import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { renderLine } from './ansi.ts';
import { renderLines, tailStart } from './lines.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const lines: readonly (readonly [string, string, string])[] = [
  ['plain text', 'gcc -O2 hello.c', 'gcc -O2 hello.c'],
  ['markup', '<b onclick="x">&\'', '&lt;b onclick=&quot;x&quot;&gt;&amp;&#39;'],
  ['a colour', '\u001b[31mFAIL\u001b[0m: x', '<span class="ansi-red">FAIL</span>: x'],
  ['a bright bold colour', '\u001b[1;92mok\u001b[m', '<span class="ansi-green ansi-bold">ok</span>'],
  ['256 colours', '\u001b[38;5;1mx\u001b[38;2;1;1;31my', 'xy'],
  ['cursor movement', 'a\u001b[2K\u001b[1Gb', 'ab'],
  ['a window title', '\u001b]0;title\u0007text', 'text'],
  ['a hyperlink', '\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\', 'link'],
  ['an unfinished title', '\u001b]0;text stays', '0;text stays'],
  ['a lone escape', 'a\u001b', 'a'],
  ['progress', ' 1%\r50%\r100%', '100%'],
  ['a line end of DOS', 'text\r', 'text'],
  ['control characters', 'a\u0000b\u0008c\u007f\td', 'abc\td'],
  ['text that turns around', 'a\u202eb', 'a\u{FFFD}b'],
  ['markup inside a colour', '\u001b[31m<script>\u001b[0m', '<span class="ansi-red">&lt;script&gt;</span>'],
];
for (const [what, line, html] of lines) {
  test(`renderLine shows ${what}`, () => assert.equal(renderLine(line), html));
}

const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u001b[', '\u001b]', '31m', ';', '<', '>', '"', '&', '\r', '\n', '\u0007', '</span>'),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

test('renderLine makes nothing but text and its own spans, whatever a build prints', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const html = renderLine(text.replaceAll('\n', ''));
      const rest = html.replaceAll(/<span class="ansi-[a-z]+(?: ansi-[a-z]+)*">([^<>"]*)<\/span>/g, '$1');
      assert.doesNotMatch(rest, /[<>"']/);
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(html, /[\u0000-\u0008\u000a-\u001f\u007f]/u);
    }),
    { numRuns: 500 },
  );
});

test('renderLines shows the same however the bytes are cut on their way', () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 6 }), (texts, cuts) => {
      const log = bytes(texts.join('\n'));
      const whole = renderLines(log, true).html;
      let shown = '';
      let position = 0;
      for (const end of [...cuts.map((cut) => Math.min(cut, log.length)).toSorted((a, b) => a - b), log.length]) {
        if (end < position) continue;
        const part = renderLines(log.subarray(position, end));
        shown += part.html;
        position += part.consumed;
      }
      shown += renderLines(log.subarray(position), true).html;
      assert.equal(shown, whole);
    }),
    { numRuns: 300 },
  );
});

test('renderLines is total over any bytes and never shows half a character', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (log) => {
      const { html, consumed } = renderLines(log, true);
      assert.equal(consumed, log.length);
      assert.equal(html.split('\n').length - 1, lineCount(log));
    }),
  );
});

function lineCount(log: Uint8Array): number {
  const ends = log.filter((byte) => byte === 0x0a).length;
  return log.length > 0 && log.at(-1) !== 0x0a ? ends + 1 : ends;
}

test('renderLines keeps an unfinished line back, and shows it as partial', () => {
  assert.deepEqual(renderLines(bytes('one\ntwo')), { html: 'one\n', partial: 'two', consumed: 4 });
  assert.deepEqual(renderLines(bytes('one\ntwo'), true), { html: 'one\ntwo\n', partial: '', consumed: 7 });
});

test('renderLines cuts a line without end into pieces at whole characters', () => {
  const log = bytes('ü'.repeat(20_000));
  const { html, consumed } = renderLines(log.subarray(1));
  assert.ok(consumed > 0);
  assert.equal(html.replace('\u{FFFD}', '').replaceAll(/[ü\n]/g, ''), '');
});

test('tailStart begins at a line', () => {
  assert.equal(tailStart(bytes('rest of a line\nnext'), 100), 115);
  assert.equal(tailStart(bytes('first line'), 0), 0);
  assert.equal(tailStart(bytes('no end in sight'), 100), 100);
});
