/**
 * Whether a browser sends a form from a page of ours: other sites must not make our visitors act. Browsers say where a
 * form comes from in Origin, and on safe connections in Sec-Fetch-Site; a request that says neither is not believed.
 */
export function isSameOrigin(headers: Headers, url: string): boolean {
  const site = headers.get('Sec-Fetch-Site');
  if (site !== null && site !== 'same-origin') return false;
  const origin = headers.get('Origin');
  if (origin === null) return site === 'same-origin';
  const parsed = URL.parse(origin);
  if (parsed === null || origin === 'null') return false;
  // A proxy in front may pass on another Host than the one that the browser asked for.
  return origin === new URL(url).origin || parsed.host === headers.get('Host');
}
