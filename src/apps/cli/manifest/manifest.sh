#!/bin/sh
# Prints what is installed on this Debian system, as a manifest that `sheaf device diff` reads. It changes nothing, and
# needs nothing but dpkg and what dpkg needs.
#   sh manifest.sh [--files] [--name NAME]
#   --files  compare every file with the checksum that dpkg has of it; as root
set -eu
LC_ALL=C
export LC_ALL
files= name=
while [ $# -gt 0 ]; do
  case $1 in
    --files) files=yes ;;
    --name) name=${2:?--name needs a name}; shift ;;
    *) echo "manifest.sh: unknown option: $1" >&2; exit 2 ;;
  esac
  shift
done
admin=${DPKG_ADMINDIR:-/var/lib/dpkg}
os() {
  for file in /etc/os-release /usr/lib/os-release; do
    [ -r "$file" ] || continue
    value=$(sed -n "s/^$1=//p" "$file" | head -n 1 | tr -d '\000-\037\177' | sed 's/^"\(.*\)"$/\1/; '"s/^'\(.*\)'\$/\1/")
    [ -z "$value" ] || echo "$2: $value"
    return 0
  done
}

echo 'Package: sheaf-manifest'
echo 'Version: 1'
echo "Architecture: $(dpkg --print-architecture)"
foreign=$(dpkg --print-foreign-architectures | tr '\n' ' ' | sed 's/ *$//')
[ -z "$foreign" ] || echo "Foreign-Architectures: $foreign"
os PRETTY_NAME OS
os ID OS-Id
os VERSION_ID OS-Version
os VERSION_CODENAME OS-Codename
[ -z "$name" ] || printf 'Name: %s\n' "$name" | tr -d '\001-\011\013-\037\177'
echo "Date: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
[ -z "$files" ] || echo 'Files: checked'

# One line a fact, with tabs between its parts; the last program puts them together.
{
  echo "native	$(dpkg --print-architecture)"
  if [ -r /var/lib/apt/extended_states ]; then
    awk '/^Package: /{p=$2} /^Architecture: /{a=$2} /^Auto-Installed: 1/{auto=1}
      /^$/{if(auto) print "auto\t" p ":" a; auto=0} END{if(auto) print "auto\t" p ":" a}' /var/lib/apt/extended_states
  fi
  if [ -n "$files" ]; then
    # dpkg names files, not packages; it also names what its settings left out when it unpacked.
    for file in /etc/dpkg/dpkg.cfg.d/* /etc/dpkg/dpkg.cfg; do
      case ${file##*/} in *[!A-Za-z0-9_-]*) [ "$file" = /etc/dpkg/dpkg.cfg ] || continue ;; esac
      [ ! -r "$file" ] || sed -n 's/^[[:space:]]*\(--\)\{0,1\}path-\(exclude\|include\)[[:space:]=]\{1,\}/rule	\2	/p' "$file"
    done
    dpkg --verify 2>/dev/null | sed -n 's/^missing  *c  *\//conffile	\//p
      s/^missing  *\//missing	\//p
      s/^[^ ]*5[^ ]* c \//conffile	\//p
      s/^[^ ]*5[^ ]*   \//altered	\//p' || :
    find "$admin/info" -name '*.md5sums' | sed 's/^/sums	/'
    find "$admin/info" -name '*.conffiles' | sed 's/^/conffiles	/'
  fi
  dpkg-query -W -f='package\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Status}\n'
} | awk -F '\t' '
  function fits(path, pattern) {
    gsub(/[][.^$+(){}|\\]/, "\\\\&", pattern)
    gsub(/\*/, ".*", pattern)
    return path ~ ("^" pattern "$")
  }
  function owner(file) {
    sub(/.*\//, "", file)
    sub(/\.(md5sums|conffiles)$/, "", file)
    return file
  }
  function add(path, file, start) {
    if (!(path in state)) return
    key = owner(file) SUBSEP (state[path] == "" ? "" : state[path])
    if ((key SUBSEP path) in seen) return
    seen[key, path] = 1
    found[key] = found[key] "\n " path
    any[owner(file)] = 1
  }
  function list(title, kind, each, text) {
    text = found[each, kind]
    if (text != "") print title ":" text
  }
  $1 == "native" { native = $2 }
  $1 == "auto" { auto[$2] = 1 }
  $1 == "rule" { rules++; rule[rules] = $3; without[rules] = ($2 == "exclude") }
  $1 == "missing" {
    left = 0
    for (i = 1; i <= rules; i++) if (fits($2, rule[i])) left = without[i]
    if (!left) { state[$2] = "missing"; faults++ }
  }
  $1 == "altered" { state[$2] = "altered"; faults++ }
  $1 == "conffile" { state[$2] = "conffile"; faults++ }
  $1 == "sums" && faults {
    while ((getline line < $2) > 0) {
      path = "/" substr(line, 35)
      if (state[path] != "conffile") add(path, $2)
    }
    close($2)
  }
  $1 == "conffiles" && faults {
    while ((getline line < $2) > 0) {
      sub(/^remove-on-upgrade[ \t]+/, "", line)
      if (state[line] == "conffile") add(line, $2)
    }
    close($2)
  }
  $1 == "package" {
    if ($7 ~ /(not-installed|config-files)$/) next
    own = $4 == "all" ? native : $4
    print "\nPackage: " $2 "\nVersion: " $3 "\nArchitecture: " $4
    if ($5 != $2 || $6 != $3) print "Source: " $5 ($6 == $3 ? "" : " (" $6 ")")
    if ($7 != "install ok installed") print "Status: " $7
    if (($2 ":" own) in auto) print "Auto-Installed: yes"
    each = ($2 in any) ? $2 : $2 ":" own
    if (each in any) {
      list("Altered-Files", "altered", each)
      list("Missing-Files", "missing", each)
      list("Changed-Conffiles", "conffile", each)
    }
  }'
