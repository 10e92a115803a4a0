# For a layer that configures initramfs-tools: a kernel's script makes an initramfs, and the trigger of initramfs-tools makes it
# again when everything is configured. The first one is left to the second; hooks find a file of that name meanwhile.
set -eu
cat >/usr/local/sbin/update-initramfs <<'END'
#!/bin/sh
create='' version='' boot=/boot
while getopts :ck:b: option; do
	case $option in
		c) create=yes ;;
		k) version=$OPTARG ;;
		b) boot=$OPTARG ;;
		*) create='' && break ;;
	esac
done
case $create:$version in
	*: | :* | *:all) exec /usr/sbin/update-initramfs "$@" ;;
esac
: >"$boot/initrd.img-$version"
echo "$boot $version" >>/var/tmp/initramfs-deferred
END
chmod 755 /usr/local/sbin/update-initramfs
