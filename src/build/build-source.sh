# Makes a source package of a tree. Runs inside the sandbox, in the build directory.
# $1: the tree's directory, as /inputs/tree.tar names it. Further inputs are upstream tarballs.
set -eu
umask 022
tar --extract --file=/inputs/tree.tar --no-same-owner
for file in /inputs/*; do
  case $file in
    */tree.tar) ;;
    *) ln -s -- "$file" . ;;
  esac
done
exec dpkg-source --build "$1"
