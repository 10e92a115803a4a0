# Takes away what depends on when and where the root was made.
set -eu
rm -rf /var/lib/dpkg/*-old /var/cache/debconf/*-old /var/cache/apt/*.bin /var/lib/apt/lists/* /var/cache/ldconfig/aux-cache
rm -rf /tmp/* /var/tmp/* /run/*
find /var/log -type f -delete
# An empty machine-id(5) is filled at first boot; a file that is not there means something else.
[ ! -e /etc/machine-id ] || : >/etc/machine-id
rm -f /var/lib/dbus/machine-id
