# Makes binary packages of a source package. Runs inside the sandbox, in the build directory.
# $1: the umask. $2: the .dsc below /inputs. $3: the directory to build in. $4: what to build, as dpkg-buildpackage says
# it. $5: an entry that comes before those of debian/changelog, or nothing.
set -eu
umask "$1"
dpkg-source --no-check --no-copy --extract "/inputs/$2" "$3"
cd "$3"
if test -n "$5"; then
  printf '%s\n\n' "$5" | cat - debian/changelog > debian/changelog.new
  mv debian/changelog.new debian/changelog
fi
exec dpkg-buildpackage --no-check-builddeps --no-sign "--build=$4"
