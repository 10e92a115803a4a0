# Makes binary packages of a source package. Runs inside the sandbox, in the build directory.
# $1: the .dsc below /inputs. $2: the directory to build in. $3: what to build, as dpkg-buildpackage says it.
set -eu
umask 022
dpkg-source --no-check --no-copy --extract "/inputs/$1" "$2"
cd "$2"
exec dpkg-buildpackage --no-check-builddeps --no-sign "--build=$3"
