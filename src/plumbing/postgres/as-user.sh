#!/bin/sh
# Runs a PostgreSQL program as an unprivileged user when the caller is root, in a mount namespace of its own:
# the cluster appears at /mnt and the programs at /media, whatever the modes of the folders above them are.
# usage: as-user.sh CLUSTER BINARIES UID GID PROGRAM [ARGUMENT...]
set -eu
cluster=$1 binaries=$2 uid=$3 gid=$4 program=$5
shift 5
mount --bind -- "$binaries" /media
mount --bind -- "$cluster" /mnt
cd /mnt
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups -- "/media/bin/$program" "$@"
