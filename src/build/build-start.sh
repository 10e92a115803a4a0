# Makes the build directory and gives up all that root of the namespace may do. Runs inside the sandbox.
# $1: the directory. $2: a name for the build user, or nothing. The rest: the command to run there as that user.
set -eu
directory=$1 user=$2
shift 2
test -z "$user" || sed --in-place "s/^[^:]*\(:[^:]*:1000:\)/$user\1/" /etc/passwd
# A build of root's own may have been in its home.
case $directory in /root/*) chmod o+x /root ;; esac
install --directory --owner=1000 --group=1000 --mode=0755 "$directory"
cd "$directory"
exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- "$@"
