/** A real source package, as small as one can be: native, no build dependencies, one `all` binary built in a second. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type ToyPackage = {
  readonly name: string;
  readonly version: string;
  readonly distribution: string;
  /** Replaces debian/rules' build step: lines of a makefile recipe without their tabs. */
  readonly recipe?: readonly string[];
  readonly architecture?: string;
  readonly buildDepends?: string;
};

/** Writes the tree below `directory`, which must exist. */
export async function writeToyPackage(directory: string, toy: ToyPackage): Promise<void> {
  const files: Record<string, string> = {
    'debian/changelog': `${toy.name} (${toy.version}) ${toy.distribution}; urgency=medium

  * A release.

 -- Tess Tester <tess@toy.invalid>  Sun, 01 Mar 2026 10:00:00 +0000
`,
    'debian/control': `Source: ${toy.name}
Section: misc
Priority: optional
Maintainer: Tess Tester <tess@toy.invalid>
Standards-Version: 4.6.2
Rules-Requires-Root: no
${toy.buildDepends === undefined ? '' : `Build-Depends: ${toy.buildDepends}\n`}
Package: ${toy.name}
Architecture: ${toy.architecture ?? 'all'}
Description: toy package
 It holds one file.
`,
    'debian/source/format': '3.0 (native)\n',
    'debian/rules': rules(toy),
    README: `This is ${toy.name}.\n`,
  };
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { mode: name === 'debian/rules' ? 0o755 : 0o644 });
  }
}

function rules({ name, recipe = [] }: ToyPackage): string {
  const steps = [
    ...recipe,
    `install -D -m 644 README debian/tmp/usr/share/doc/${name}/README`,
    `mkdir -p debian/tmp/DEBIAN`,
    `dpkg-gencontrol -p${name} -Pdebian/tmp`,
    `dpkg-deb --root-owner-group --build debian/tmp ..`,
  ];
  const binary = steps.map((step) => `\t${step}`).join('\n');
  return `#!/usr/bin/make -f
build build-arch build-indep:
clean:
\trm -rf debian/tmp debian/files
binary-package:
${binary}
binary binary-arch binary-indep: binary-package
.PHONY: build build-arch build-indep clean binary binary-arch binary-indep binary-package
`;
}
