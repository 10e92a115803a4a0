# After defer-initramfs: what no trigger has made.
set -eu
rm /usr/local/sbin/update-initramfs
[ -e /var/tmp/initramfs-deferred ] || exit 0
while read -r boot version; do
	[ ! -s "$boot/initrd.img-$version" ] || continue
	rm "$boot/initrd.img-$version"
	update-initramfs -c -k "$version" -b "$boot"
done </var/tmp/initramfs-deferred
