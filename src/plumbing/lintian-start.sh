# Runs lintian as an ordinary user of the sandbox. What it finds is the output; what it complains of, only when it fails.
# $@: the files of /inputs to look at.
set -eu
umask 022
install --directory --mode=1777 /tmp
install --directory --owner=1000 --group=1000 --mode=0755 /work
cd /inputs
setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- \
    lintian --no-cfg --show-overrides --display-info --fail-on none --exp-output format=json -- "$@" \
    >/work.out 2>/work.err || { tail --bytes=2000 /work.err; exit 1; }
cat /work.out
