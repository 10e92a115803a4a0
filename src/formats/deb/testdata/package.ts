/** A small real package, made by dpkg's own tools without a build: source package, .deb, .buildinfo and .changes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from './oracle.ts';

export const changelog = `sheaf-probe (1:1.0~rc1) unstable; urgency=medium

  * First release. (Closes: #12, #34)

 -- Probe Person <probe@example.org>  Sat, 21 Nov 2026 03:04:05 +0000
`;

const control = `Source: sheaf-probe
Section: contrib/misc
Priority: optional
Maintainer: Probe Person <probe@example.org>
# a comment
Build-Depends: debhelper-compat (= 13),
# another
 libfoo-dev:native (>= 1) [amd64 arm64] <!nocheck>,
Standards-Version: 4.6.2

Package: sheaf-probe
Architecture: any
Depends: sheaf-probe-data (= \${source:Version})
Description: a probe
 With a long description.
 .
  * verbatim

Package: sheaf-probe-data
Architecture: all
Description: a probe's data
 Likewise.
`;

export type Made = {
  readonly dsc: string;
  readonly changes: string;
  readonly buildinfo: string;
  readonly control: string;
  readonly deb: Uint8Array;
  readonly debPath: string;
  readonly directory: string;
};

/** Makes it below `directory`; the .deb's members are compressed by `compression`. */
export function makePackage(directory: string, compression = 'xz'): Made {
  const tree = join(directory, 'sheaf-probe-1.0~rc1');
  const root = join(tree, 'debian/sheaf-probe');
  mkdirSync(join(tree, 'debian/source'), { recursive: true });
  writeFileSync(join(tree, 'debian/control'), control);
  writeFileSync(join(tree, 'debian/changelog'), changelog);
  writeFileSync(join(tree, 'debian/rules'), '#!/usr/bin/make -f\n%:\n\ttrue\n', { mode: 0o755 });
  writeFileSync(join(tree, 'debian/source/format'), '3.0 (native)\n');
  run('dpkg-source', ['-b', tree], { cwd: directory });
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  mkdirSync(join(root, 'usr/share/sheaf-probe'), { recursive: true });
  writeFileSync(join(root, 'usr/share/sheaf-probe', `${'long-'.repeat(30)}name`), 'content\n');
  writeFileSync(join(root, 'usr/share/sheaf-probe/größe'), '');
  writeFileSync(join(root, 'DEBIAN/postinst'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(root, 'DEBIAN/md5sums'), '');
  run('dpkg-gencontrol', ['-psheaf-probe', '-Pdebian/sheaf-probe'], { cwd: tree });
  run('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--uniform-compression', '-b', 'debian/sheaf-probe', '..'], {
    cwd: tree,
  });
  const architecture = run('dpkg', ['--print-architecture']).toString().trim();
  const base = join(directory, 'sheaf-probe_1.0~rc1');
  // These read debian/files, which dpkg-gencontrol wrote.
  run('dpkg-genbuildinfo', ['--build=full', `-O${base}.buildinfo`], { cwd: tree });
  const changes = run('dpkg-genchanges', ['--build=full'], { cwd: tree }).toString();
  const debPath = `${base}_${architecture}.deb`;
  return {
    dsc: readFileSync(`${base}.dsc`, 'utf8'),
    changes,
    buildinfo: readFileSync(`${base}.buildinfo`, 'utf8'),
    control,
    deb: readFileSync(debPath),
    debPath,
    directory,
  };
}

export const packageTools = ['dpkg', 'dpkg-source', 'dpkg-deb', 'dpkg-gencontrol', 'dpkg-genbuildinfo', 'dpkg-genchanges'];
