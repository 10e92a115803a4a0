#!/bin/sh
# Prints what is installed on this Debian system, as a manifest that `sheaf device diff` reads. It changes nothing, and
# needs nothing but Essential packages.
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

# All files that packages brought, a line each: "file", or "conf" of a setting, checksum, package, name, and where it was
# diverted to. dpkg --verify would leave out the diverted ones, and stop at a folder in a file's place.
places() {
  {
    [ ! -r "$admin/diversions" ] || sed 's/^/divert	/' "$admin/diversions"
    dpkg-query -W -f='package\t${binary:Package}\t${Status}\n${Conffiles}\n'
    find "$admin/info" -name '*.md5sums' | sed 's/^/sums	/'
  } | awk -F '\t' '
    function put(kind, sum, path, each, place) {
      place = (path in to) && by[path] != plain(each) ? to[path] : path
      print kind "\t" sum "\t" each "\t" path "\t" place
    }
    function plain(each) {
      sub(/:.*/, "", each)
      return each
    }
    $1 == "divert" {
      part[++parts % 3] = $2
      if (parts % 3 == 0) { to[part[1]] = part[2]; by[part[1]] = part[0] }
    }
    $1 == "package" { each = $2 }
    /^ \// {
      while (sub(/ (obsolete|remove-on-upgrade)$/, "")) {}
      path = substr($0, 2)
      sub(/ [^ ]*$/, "", path)
      setting[plain(each), path] = 1
      if ($0 ~ / [0-9a-f]+$/) put("conf", substr($0, length($0) - 31), path, each)
    }
    $1 == "sums" {
      each = $2
      sub(/.*\//, "", each)
      sub(/\.md5sums$/, "", each)
      wrong = 0
      while ((getline line < $2) > 0) {
        sum = substr(line, 1, 32)
        path = substr(line, 35)
        sub(/^\.\//, "", path)
        if (sum !~ /^[0-9a-f]+$/ || substr(line, 33, 2) !~ /^ [ *]$/ || path !~ /^[^\/]/) wrong = 1
        else if (!((plain(each), "/" path) in setting)) put("file", sum, "/" path, each)
      }
      close($2)
      if (wrong) print "unverified\t\t" each "\t" $2
    }'
}

# Packages that have files and no list of their checksums: taking it away would be the easiest way to hide.
unlisted() {
  for list in "$admin"/info/*.list; do
    sums=${list%.list}.md5sums
    if [ -e "$sums" ]; then continue; fi
    each=${sums##*/}
    while IFS= read -r path; do
      if [ -f "$path" ] && ! conffile "$path"; then
        echo "unverified		${each%.md5sums}	$sums"
        break
      fi
    done <"$list"
  done
}

conffile() {
  case "$facts" in *"	$1	"*) return 0 ;; *) return 1 ;; esac
}

# "fault", what it is, package, name: what is not as the package brought it.
faults() {
  facts=$(places)
  {
    # dpkg left out what its settings name.
    for file in /etc/dpkg/dpkg.cfg.d/* /etc/dpkg/dpkg.cfg; do
      case ${file##*/} in *[!A-Za-z0-9_-]*) [ "$file" = /etc/dpkg/dpkg.cfg ] || continue ;; esac
      [ ! -r "$file" ] || sed -n 's/^[[:space:]]*\(--\)\{0,1\}path-\(exclude\|include\)[[:space:]=]\{1,\}/rule	\2	/p' "$file"
    done
    printf '%s\n' "$facts" | cut -f 5 | while IFS= read -r place; do
      if [ -f "$place" ]; then continue; fi
      if [ -e "$place" ]; then echo "odd	$place"; continue; fi
      # What is behind a closed door is not missing.
      folder=${place%/*}
      until [ -z "$folder" ] || [ -d "$folder" ]; do folder=${folder%/*}; done
      [ ! -x "${folder:-/}" ] || echo "missing	$place"
    done
    # A name with a backslash comes back with two, and one before its line.
    printf '%s\n' "$facts" | cut -f 5 | while IFS= read -r place; do
      [ ! -f "$place" ] || printf '%s\000' "$place"
    done | xargs -0 md5sum 2>/dev/null | sed '/^\\/{
      s/^.//
      s/\\\\/\\/g
    }
    s/^/is	/'
    unlisted
    printf '%s\n' "$facts"
  } | awk -F '\t' '
    function fits(path, pattern) {
      gsub(/[][.^$+(){}|\\]/, "\\\\&", pattern)
      gsub(/\*/, ".*", pattern)
      return path ~ ("^" pattern "$")
    }
    function left(path, i, out) {
      for (i = 1; i <= rules; i++) if (fits(path, rule[i])) out = without[i]
      return out
    }
    $1 == "rule" { rules++; rule[rules] = $3; without[rules] = ($2 == "exclude") }
    $1 == "missing" || $1 == "odd" { is[$2] = $1 }
    $1 == "is" { is[substr($2, 35)] = substr($2, 1, 32) }
    $1 == "unverified" { print "fault\tUnverified-Files\t" $3 "\t" $4 }
    $1 == "file" || $1 == "conf" {
      now = ($5 in is) ? is[$5] : "unverified"
      if (now == $2) next
      if (now == "unverified") what = "Unverified-Files"
      else if ($1 == "conf") what = "Changed-Conffiles"
      else if (now != "missing") what = "Altered-Files"
      else if (left($4)) next
      else what = "Missing-Files"
      print "fault\t" what "\t" $3 "\t" $4
    }' | sort -u
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
  [ -z "$files" ] || faults
  dpkg-query -W -f='package\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Status}\n'
} | awk -F '\t' '
  function list(title) {
    text = found[title, name] found[title, name ":" own]
    if (text != "") print title ":" text
  }
  $1 == "native" { native = $2 }
  $1 == "auto" { auto[$2] = 1 }
  $1 == "fault" { found[$2, $3] = found[$2, $3] "\n " $4 }
  $1 == "package" {
    if ($7 ~ /(not-installed|config-files)$/) next
    name = $2
    own = $4 == "all" ? native : $4
    print "\nPackage: " $2 "\nVersion: " $3 "\nArchitecture: " $4
    if ($5 != $2 || $6 != $3) print "Source: " $5 ($6 == $3 ? "" : " (" $6 ")")
    if ($7 != "install ok installed") print "Status: " $7
    if (($2 ":" own) in auto) print "Auto-Installed: yes"
    list("Altered-Files")
    list("Missing-Files")
    list("Changed-Conffiles")
    list("Unverified-Files")
  }'
