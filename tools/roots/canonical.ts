/** What a file says, without what two makers may arrange differently. Pure. */

const accounts = /^etc\/(?:passwd|group|subuid|subgid)-?$/;
const debconf = /^var\/cache\/debconf\/(?:config|templates)\.dat$/;
/** What is set for man-db, and where postfix has the name of the machine. */
const otherAnswers = /^Name: (?:man-db\/auto-update|postfix\/(?:mailname|destinations))\n/;
const keystore = 'etc/ssl/certs/java/cacerts';

/**
 * Two contents with the same canonical form differ in the order of their lines, in the numbers of users and groups, in
 * what is answered for man-db and postfix, or in the times of Java's authorities, and in nothing else.
 */
export function canonical(path: string, bytes: Buffer): string {
  if (path === keystore && bytes.readUInt32BE(0) === 0xfeedfeed) return withoutTimes(bytes);
  const text = bytes.toString('latin1');
  if (debconf.test(path)) return sorted(text.split('\n\n').filter((stanza) => !otherAnswers.test(stanza)));
  const lines = text.split('\n');
  if (accounts.test(path)) return sorted(lines.map((line) => line.replace(/:\d+(?=:|$)/g, ':')));
  return sorted(lines);
}

function sorted(parts: readonly string[]): string {
  return parts.toSorted().join('\n');
}

/** java.security.KeyStore "JKS": a count, entries with their times, a digest. */
function withoutTimes(bytes: Buffer): string {
  const copy = Buffer.from(bytes.subarray(0, -20));
  let at = 12;
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    at += 6 + bytes.readUInt16BE(at + 4);
    copy.fill(0, at, at + 8);
    at += 10 + bytes.readUInt16BE(at + 8);
    at += 4 + bytes.readUInt32BE(at);
  }
  return copy.toString('latin1');
}
