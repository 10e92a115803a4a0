# Takes away what depends on when and where the root was made; docs/roots-are-reproducible.md has a word on each.
set -eu
rm -f /usr/sbin/policy-rc.d
rm -rf /var/lib/dpkg/*-old /var/cache/debconf/*-old /var/cache/apt/*.bin /var/lib/apt/lists/* /var/cache/ldconfig/aux-cache
rm -rf /tmp/* /var/tmp/*
find /var/lib/texmf -name "*.log" -delete 2>/dev/null || :
find /run -xdev -mindepth 1 ! -type d -delete
# Logs of the installation. What counts logins stays, empty: programs append to it only when it is there.
find /var/log -type f ! -name btmp ! -name wtmp ! -name lastlog ! -name faillog -delete
for log in btmp wtmp lastlog faillog; do
	[ ! -s /var/log/$log ] || : >/var/log/$log
done
# An empty machine-id(5) is filled at first boot; a file that is not there means something else.
[ ! -e /etc/machine-id ] || : >/etc/machine-id
rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /var/lib/urandom/random-seed
# Secrets that every copy of the root would share, and identities.
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
if [ -e /etc/ssl/private/ssl-cert-snakeoil.key ]; then
	find /etc/ssl/certs -type l -lname 'ssl-cert-snakeoil.pem' -delete
	rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
fi
[ ! -e /etc/popularity-contest.conf ] || sed -i 's/^MY_HOSTID=.*/MY_HOSTID=/' /etc/popularity-contest.conf
# A database cluster has a random identity, and files with the times of its making.
if command -v pg_lsclusters >/dev/null; then
	pg_lsclusters --no-header | while read -r version name rest; do pg_dropcluster "$version" "$name"; done
fi
