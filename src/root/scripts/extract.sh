# Unpacks packages into /target, before any of them is installed, so that their programs can be run. Arguments: .deb files.
set -eu
mkdir -p /tmp
umask 022
mkdir /target
cd /target
# Merged /usr from the beginning: some releases ship these links in base-files, others expect to find them.
for name in bin sbin lib $LINKS; do
	mkdir -p "usr/$name"
	ln -s "usr/$name" "$name"
done
for deb in "$@"; do
	{ dpkg-deb --fsys-tarfile "$deb" || : >/failed; } | tar --extract --preserve-permissions --numeric-owner --keep-directory-symlink
	if [ -e /failed ]; then
		echo "cannot unpack $deb" >&2
		exit 1
	fi
done
mkdir -p var/lib/dpkg/info var/lib/dpkg/updates etc proc dev tmp
[ -e var/lib/dpkg/status ] || : >var/lib/dpkg/status
# Nothing is started while packages are configured: invoke-rc.d(8).
printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
chmod 1777 tmp
