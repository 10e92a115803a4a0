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
[ ! -e /etc/popularity-contest.conf ] || sed -i 's/^\(MY_HOSTID\|DAY\)=.*/\1=/' /etc/popularity-contest.conf
rm -f /etc/cron.d/popularity-contest
# Databases have random identities, and the times of their making in their files.
if command -v pg_lsclusters >/dev/null; then
	pg_lsclusters --no-header | while read -r version name rest; do pg_dropcluster "$version" "$name"; done
fi
[ ! -d /var/lib/mysql/mysql ] || find /var/lib/mysql -mindepth 1 -delete
# What follows makes files again that hold times, random numbers or the order in which the disk has names. Where nothing
# changes, nothing is written: the file may be in a layer below.
update() {
	cmp -s "$1" "$2" || cat "$1" >"$2"
	rm "$1"
}
if [ -e /usr/share/info/dir ] && command -v install-info >/dev/null; then
	rm -f /usr/share/info/dir.old
	# As update-info-dir does it.
	find /usr/share/info -type f | LC_ALL=C sort | while read -r file; do
		case $file in
			*/dir | */dir.gz | *-[0-9] | *-[0-9].gz | *-[1-9][0-9] | *-[1-9][0-9].gz | *.png | *.jpg) ;;
			*) install-info "$file" /var/tmp/dir || : ;;
		esac
	done
	[ ! -e /var/tmp/dir ] || update /var/tmp/dir /usr/share/info/dir
fi
# Berkeley DB gives each file a random name in its heads; postalias(1) adds the time.
if [ -e /etc/aliases.db ]; then
	perl -0777 -pe '
		my $id = substr($_, 52, 20);
		s/\Q$id\E/"\0" x 20/ge if substr($_, 12, 4) eq pack("L", 0x61561);
		s/[0-9]{10}(?=\W{0,3}YP_LAST_MODIFIED)/$ENV{SOURCE_DATE_EPOCH}/;
	' /etc/aliases.db >/var/tmp/aliases
	update /var/tmp/aliases /etc/aliases.db
fi
# The times at which Java's list of authorities got its entries, and its digest: java.security.KeyStore "JKS".
keys=/etc/ssl/certs/java/cacerts
if [ -e "$keys" ]; then
	{
		printf '\0c\0h\0a\0n\0g\0e\0i\0tMighty Aphrodite'
		perl -0777 -pe '
			my ($kind, $count) = (unpack("N", $_), unpack("x8 N", $_));
			exit if $kind != 0xfeedfeed;
			my $at = 12;
			for my $entry (1 .. $count) {
				my ($type, $name) = unpack("N n", substr($_, $at));
				exit if $type != 2;
				$at += 6 + $name;
				substr($_, $at, 8) = pack("Q>", $ENV{SOURCE_DATE_EPOCH} * 1000);
				$at += 10 + unpack("n", substr($_, $at + 8, 2));
				$at += 4 + unpack("N", substr($_, $at, 4));
			}
			$_ = substr($_, 0, $at);
		' "$keys"
	} >/var/tmp/salted
	tail -c +33 /var/tmp/salted >/var/tmp/keys
	sha1sum /var/tmp/salted | perl -ne 'print pack("H40", $_)' >>/var/tmp/keys
	rm /var/tmp/salted
	# Another kind of file is left as it is.
	[ "$(wc -c </var/tmp/keys)" = "$(wc -c <"$keys")" ] || cat "$keys" >/var/tmp/keys
	update /var/tmp/keys "$keys"
fi
# TeX joins lists and names in the order in which the disk has them, and two programs write the time into what they keep.
join_snippets() {
	[ -e "$1" ] && [ -d "$2" ] || return 0
	sed '/^###$/q' "$1" >/var/tmp/joined
	find "$2" -maxdepth 1 -type f -name "*.$3" | LC_ALL=C sort | xargs -r cat >>/var/tmp/joined
	# A package may have added to it in another way.
	[ "$(wc -c <"$1")" != "$(wc -c </var/tmp/joined)" ] || update /var/tmp/joined "$1"
	rm -f /var/tmp/joined
}
if [ -d /var/lib/texmf ]; then
	for tree in texmf:DEBIAN texlive:TEXLIVEDIST; do
		join_snippets "/var/lib/texmf/updmap.cfg-${tree#*:}" "/var/lib/tex-common/fontmap-cfg/${tree%:*}" cfg
		join_snippets "/var/lib/texmf/fmtutil.cnf-${tree#*:}" "/var/lib/tex-common/fmtutil-cnf/${tree%:*}" cnf
	done
	for list in $(find /var/lib/texmf -name 'ls-R*' -type f); do
		perl -00 -e '
			my ($first, @others) = map {
				my ($titles, $names) = /\A((?:%[^\n]*\n|[^\n]*:\n)*)(.*)\z/s;
				$titles . join "", map { "$_\n" } sort split /\n/, $names;
			} <>;
			print join "\n", $first, sort @others;
		' "$list" >/var/tmp/names
		update /var/tmp/names "$list"
	done
	# Where that cannot be, what is there stays.
	dump() {
		result=$1 kept=/var/lib/texmf/web2c/$2/$1
		shift 2
		[ -e "$kept" ] || return 0
		! (cd /var/tmp && "$@") >/dev/null 2>&1 || update "/var/tmp/$result" "$kept"
		rm -f "/var/tmp/$result"
	}
	dump tex.fmt tex tex -ini -jobname=tex -progname=tex '\year=2020 \month=1 \day=1 \time=0 \input tex.ini'
	dump mf.base metafont mf-nowin -ini -jobname=mf -progname=mf -translate-file=cp227.tcx \
		'\year:=2020; month:=1; day:=1; time:=0; input mf.ini'
	# Words with their own hyphens, in the order of a table of Lua's: a length, then the words, then NUL.
	for format in $(find /var/lib/texmf/web2c/lua* -name '*.fmt' 2>/dev/null); do
		gzip -t "$format" 2>/dev/null || continue
		gzip -dc "$format" | perl -0777 -pe '
			s{(?<=\0)([^\0]{1,3}?)((?: [^\0 ]++)++)\0}{
				my ($size, $words) = ($1, $2);
				my $fits = unpack("N", substr("\0\0\0$size", -4)) == length($words) + 1;
				$size . ($fits ? join("", map { " $_" } sort split / /, substr $words, 1) : $words) . "\0";
			}ge' | gzip -3n >/var/tmp/format
		update /var/tmp/format "$format"
	done
	rm -f /var/tmp/*.log
fi
