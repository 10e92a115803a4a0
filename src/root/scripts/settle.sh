# After the essential packages, before the others.
set -eu
echo localhost >/etc/hostname
: >/etc/resolv.conf
# The index of manual pages takes longer than all other triggers, and nobody searches it here.
if command -v debconf-set-selections >/dev/null; then
	echo 'man-db man-db/auto-update boolean false' | debconf-set-selections
fi
if [ -n "$ACCOUNT" ] && ! grep -q "^$ACCOUNT:" /etc/passwd; then
	echo "$ACCOUNT:x:$ACCOUNT_ID:$ACCOUNT_ID::/nonexistent:/bin/sh" >>/etc/passwd
	echo "$ACCOUNT:x:$ACCOUNT_ID:" >>/etc/group
	[ ! -e /etc/shadow ] || echo "$ACCOUNT:!:1::::::" >>/etc/shadow
fi
