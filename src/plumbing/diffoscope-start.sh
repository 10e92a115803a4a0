# Runs diffoscope as an ordinary user of the sandbox. Its report is the output; what it complains of, only when it fails.
# $1: --text or --html; $2: seconds after which it looks into nothing more; $3: most bytes of the report; $4, $5: files.
set -eu
umask 022
install --directory --mode=1777 /tmp
install --directory --owner=1000 --group=1000 --mode=0755 /work
cd /inputs
code=0
setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs -- \
    diffoscope --no-progress --timeout "$2" --max-report-size "$3" --max-text-report-size "$3" --max-page-size "$3" \
    "$1" /work/report -- "$4" "$5" >/work.err 2>&1 || code=$?
# 1: they differ.
[ "$code" -le 1 ] || { tail --bytes=2000 /work.err; exit 1; }
[ ! -e /work/report ] || cat /work/report
