import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import fc from 'fast-check';

import { TestRepository } from '../../../test/git-repository.ts';
import { GpgHome, sshKey, type SshTestKey } from '../../../test/signers.ts';
import { SheafError } from '../../kit/error.ts';
import { parseTag } from './tag.ts';

const id = '0123456789abcdef0123456789abcdef01234567';
const head = `object ${id}\ntype commit\ntag debian/1.0-1\ntagger Test <test@example.org> 1700000000 +0100\n`;
const parse = (text: string) => parseTag(Buffer.from(text));

describe('parseTag on git’s own tags', () => {
  let repository: TestRepository;
  let gpg: GpgHome;
  let key: string;
  let ssh: SshTestKey;
  before(async () => {
    repository = await TestRepository.make();
    gpg = await GpgHome.make();
    key = await gpg.key('tags@example.org');
    ssh = await sshKey(repository.directory, '.ssh-key');
    await repository.commit({ file: 'text\n' });
  });
  after(async () => {
    await gpg.close();
    await repository.close();
  });

  it('reads an unsigned tag', async () => {
    const tag = parseTag(await repository.bytes(await repository.tag('debian/1.0-1', 'unsigned')));
    assert.equal(tag.tag, 'debian/1.0-1');
    assert.equal(tag.type, 'commit');
    assert.equal(tag.object, await repository.git(['rev-parse', 'HEAD']));
    assert.equal(tag.tagger?.email, 'test@example.org');
    assert.equal(tag.message, 'Release debian/1.0-1\n');
    assert.equal(tag.signature, undefined);
  });

  it('splits signed bytes and signature where git and gpg do', async () => {
    const bytes = await repository.bytes(await repository.tag('debian/1.0-2', { gpg, key }));
    const tag = parseTag(bytes);
    assert.equal(tag.signature?.kind, 'openpgp');
    assert.equal(Buffer.concat([tag.signed, Buffer.from(tag.signature!.armor)]).equals(bytes), true);
  });

  it('reads an SSH signature', async () => {
    const tag = parseTag(await repository.bytes(await repository.tag('debian/1.0-3', { ssh })));
    assert.equal(tag.signature?.kind, 'ssh');
    assert.match(tag.signature!.armor, /^-----BEGIN SSH SIGNATURE-----\n/);
  });

  it('leaves the other hash’s signature header out of the signed bytes, as git does', async () => {
    const bytes = await repository.bytes(await repository.tag('debian/1.0-4', { gpg, key }));
    const text = bytes.toString('latin1');
    const split = text.indexOf('\n\n') + 1;
    const header = 'gpgsig-sha256 -----BEGIN PGP SIGNATURE-----\n \n iQ=\n -----END PGP SIGNATURE-----\n';
    const changed = Buffer.from(text.slice(0, split) + header + text.slice(split), 'latin1');
    assert.deepEqual(Buffer.from(parseTag(changed).signed), Buffer.from(parseTag(bytes).signed));
    const object = await repository.object('tag', changed);
    await repository.git(['verify-tag', object], '', { GNUPGHOME: gpg.directory });
  });

  it('reads tags of a SHA-256 repository', async () => {
    const other = await TestRepository.make({ objectFormat: 'sha256' });
    try {
      await other.commit({ file: 'text\n' });
      const tag = parseTag(await other.bytes(await other.tag('debian/1.0-5', { ssh })));
      assert.equal(tag.object.length, 64);
      assert.equal(tag.signature?.kind, 'ssh');
    } finally {
      await other.close();
    }
  });
});

describe('parseTag', () => {
  it('takes the last armored block as the signature', () => {
    const first = '-----BEGIN PGP SIGNATURE-----\nA\n-----END PGP SIGNATURE-----\n';
    const second = '-----BEGIN SSH SIGNATURE-----\nB\n-----END SSH SIGNATURE-----\n';
    const tag = parse(`${head}\nText\n${first}${second}`);
    assert.equal(tag.signature?.armor, second);
    assert.equal(Buffer.from(tag.signed).toString(), `${head}\nText\n${first}`);
  });

  it('does not take a marker in the middle of a line', () => {
    assert.equal(parse(`${head}\nsee -----BEGIN PGP SIGNATURE-----\n`).signature, undefined);
  });

  it('names an X.509 signature', () => {
    assert.equal(parse(`${head}\nText\n-----BEGIN SIGNED MESSAGE-----\nA\n`).signature?.kind, 'x509');
  });

  it('reads a tag without tagger and one with an empty message', () => {
    const bare = `object ${id}\ntype commit\ntag v1\n`;
    assert.equal(parse(`${bare}\nText\n`).tagger, undefined);
    assert.equal(parse(bare).message, '');
  });

  const broken: readonly (readonly [string, string])[] = [
    ['nothing', ''],
    ['no object', `type commit\ntag x\n\n`],
    ['a short id', head.replace(id, id.slice(1))],
    ['an upper-case id', head.replace(id, id.toUpperCase())],
    ['an unknown type', head.replace('commit', 'comet')],
    ['the headers in another order', `type commit\nobject ${id}\ntag x\n\n`],
    ['object twice', `object ${id}\n${head}\n`],
    ['tagger twice', `${head}tagger Test <t@e> 1 +0000\n\n`],
    ['tag twice', `object ${id}\ntype commit\ntag a\ntag b\n\n`],
    ['an unknown header', `${head}extra value\n\n`],
    ['gpgsig twice', `${head}gpgsig a\ngpgsig b\n\n`],
    ['NUL in a header', head.replace('debian', 'de\0bian')],
    ['NUL in the message', `${head}\nte\0xt`],
    ['a header without end', head.slice(0, -1)],
    ['a header without value', `object\n`],
    ['a line that begins with a space', ` object ${id}\n`],
    ['a broken date', head.replace('1700000000', '17e8')],
    ['a date beyond all calendars', head.replace('1700000000', '999999999999')],
    ['a tagger without address', head.replace('<test@example.org>', '')],
  ];
  for (const [what, text] of broken) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parse(text), { code: 'bad-git-object' });
    });
  }

  it('gives a value or bad-git-object for any bytes, and never other bytes as signed', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom(head, '\n', 'gpgsig a\n b\n', '-----BEGIN PGP SIGNATURE-----\n', `object ${id}\n`)
        .map((text) => new Uint8Array(Buffer.from(text))),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const bytes = Buffer.concat(pieces);
        try {
          const tag = parseTag(bytes);
          assert.ok(tag.signed.length <= bytes.length);
          if (tag.signature === undefined && !bytes.includes('gpgsig'))
            assert.deepEqual(Buffer.from(tag.signed), bytes);
        } catch (error) {
          assert.ok(error instanceof SheafError && error.code === 'bad-git-object', String(error));
        }
      }),
      { numRuns: 500 },
    );
  });
});
