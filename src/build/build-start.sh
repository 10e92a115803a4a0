# Makes the build directory and gives up all that root of the namespace may do. Runs inside the sandbox.
# $@: the command to run there as the build user.
set -eu
install --directory --owner=1000 --group=1000 --mode=0755 /build
cd /build
exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
