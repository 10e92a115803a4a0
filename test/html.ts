/** A small judge of HTML that we wrote ourselves: every element closed, in order, and nothing that the policy forbids. */
import assert from 'node:assert/strict';

const voids = new Set(['meta', 'link', 'input', 'br', 'hr', 'img']);
/** A browser closes an open paragraph before these by itself, and then the tree is not what was written. */
const blocks = new Set([
  'ul',
  'ol',
  'dl',
  'table',
  'div',
  'section',
  'details',
  'pre',
  'p',
  'form',
  'nav',
  'h1',
  'h2',
  'h3',
]);
const token = /<!doctype html>|<!--|<(\/?)([a-z][a-z0-9]*)((?:\s+[^\s"'<>/=]+(?:\s*=\s*"[^"<]*")?)*)\s*(\/?)>|<|>/gi;

/** Throws when the page is not well-formed, has an inline script, style or handler, or leads to nothing on itself. */
export function checkHtml(html: string, place: string): void {
  const open: string[] = [];
  const ids = new Set<string>();
  for (const match of html.matchAll(token)) {
    const [text, slash, name, attributes = '', selfClosed] = match;
    const near = `${place}: at ${JSON.stringify(html.slice(Math.max(0, match.index - 60), match.index + 60))}`;
    if (/^<!doctype/i.test(text)) continue;
    assert.ok(name !== undefined, `stray ${text} ${near}`);
    if (slash === '/') {
      assert.equal(open.pop(), name, `closed out of order ${near}`);
      continue;
    }
    if (blocks.has(name)) assert.ok(!open.includes('p'), `<${name}> inside <p> ${near}`);
    const names = attributes.replaceAll(/"[^"]*"/g, '""');
    assert.doesNotMatch(names, /\s(?:on\w+|style|srcdoc)\s*=/i, `inline handler or style ${near}`);
    assert.doesNotMatch(attributes, /(?:href|src|action)="\s*(?:javascript|data|vbscript):/i, `script address ${near}`);
    const id = /\sid="([^"]*)"/.exec(attributes)?.[1];
    if (id !== undefined) {
      assert.ok(!ids.has(id), `id ${id} twice ${near}`);
      ids.add(id);
    }
    if (name === 'script') assert.match(attributes, /\ssrc="\/static\//, `inline script ${near}`);
    assert.notEqual(name, 'style', near);
    if (!voids.has(name) && selfClosed !== '/') open.push(name);
  }
  assert.deepEqual(open, [], `${place}: left open`);
  for (const [, id] of html.matchAll(/href="#([^"]*)"/g)) {
    // A part of a page may lead to what stands around it.
    const isWhole = html.includes('</html>');
    assert.ok(!isWhole || ids.has(decodeURIComponent(id!)), `${place}: a link leads to #${id!}, which is not there`);
  }
}
