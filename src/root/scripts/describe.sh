# Prints what packages say of themselves, one stanza each. Arguments: .deb files.
set -eu
mkdir -p /tmp
for deb in "$@"; do
	dpkg-deb --field "$deb" Package Essential Pre-Depends Depends Provides
	echo
done
