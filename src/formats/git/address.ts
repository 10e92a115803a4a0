/**
 * Addresses of git repositories, strictly: https, ssh, git, `user@host:path`, and absolute local paths (also as
 * `file:///…`). Everything else that git would take (`ext::`, `fd::`, options, relative paths, credentials, encoded
 * characters) is refused. Only one spelling of a path is allowed, so that an allow-list of patterns means what it says.
 */
export type GitAddress =
  | { readonly kind: 'remote'; readonly protocol: 'https' | 'ssh' | 'git'; readonly text: string }
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'bad'; readonly reason: string };

const longest = 1000;
const bad = (reason: string): GitAddress => ({ kind: 'bad', reason });

const host = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const user = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const remotePath = /^[A-Za-z0-9._~+@,=-]+(?:\/[A-Za-z0-9._~+@,=-]+)*\/?$/;

export function parseGitAddress(text: string): GitAddress {
  if (text === '') return bad('it is empty');
  if (text.length > longest) return bad(`it is longer than ${longest} characters`);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/u.test(text)) return bad('it has control characters');
  if (text.startsWith('-')) return bad('it begins with "-", as an option does');
  if (text.startsWith('/')) return localPath(text);
  if (text.startsWith('file://')) {
    if (!text.startsWith('file:///')) return bad('a file address needs an absolute path: file:///…');
    if (text.includes('%')) return bad('encoded characters are not taken');
    return localPath(text.slice('file://'.length));
  }
  const url = /^(https|ssh|git):\/\/([^/]*)\/(.*)$/.exec(text);
  if (url !== null) return remote(text, url[1] as 'https' | 'ssh' | 'git', url[2]!, url[3]!);
  const scp = /^([^@:/]+)@([^@:/]+):([^:]+)$/.exec(text);
  if (scp !== null) return scpLike(text, scp[1]!, scp[2]!, scp[3]!);
  return bad('expected https://, ssh://, git://, user@host:path or an absolute path');
}

/** For records that others read: an address without a password or token, which is refused all the same. */
export function withoutPassword(text: string): string {
  return text
    .replace(/^(ssh:\/\/[^/:@]*):[^/]*@/i, '$1:…@')
    .replace(/^((?!ssh:)[a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1…@');
}

function remote(text: string, protocol: 'https' | 'ssh' | 'git', authority: string, path: string): GitAddress {
  const at = authority.lastIndexOf('@');
  if (at !== -1) {
    if (protocol !== 'ssh') return bad('names and passwords are not taken in an address');
    if (!user.test(authority.slice(0, at))) return bad('the user name has strange characters');
  }
  const [name, port, ...rest] = authority.slice(at + 1).split(':');
  if (!host.test(name ?? '') || rest.length > 0) return bad('the host name is not one');
  if (port !== undefined && (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)) return bad('the port is not one');
  const problem = pathProblem(path);
  return problem === undefined ? { kind: 'remote', protocol, text } : bad(problem);
}

function scpLike(text: string, name: string, target: string, path: string): GitAddress {
  if (!user.test(name)) return bad('the user name has strange characters');
  if (!host.test(target)) return bad('the host name is not one');
  const problem = pathProblem(path.replace(/^\//, ''));
  return problem === undefined ? { kind: 'remote', protocol: 'ssh', text } : bad(problem);
}

function pathProblem(path: string): string | undefined {
  if (!remotePath.test(path)) return 'its path has characters other than letters, digits and . _ ~ + @ , = - /';
  for (const segment of path.split('/')) {
    if (segment === '.' || segment === '..') return 'its path has a "." or ".." part';
    if (segment.startsWith('-')) return 'a part of its path begins with "-"';
  }
  return undefined;
}

function localPath(path: string): GitAddress {
  const segments = path.split('/').slice(1);
  if (segments.some((segment) => segment === '.' || segment === '..')) return bad('its path has a "." or ".." part');
  if (segments.slice(0, -1).includes('')) return bad('its path has an empty part');
  return { kind: 'local', path: path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path };
}
