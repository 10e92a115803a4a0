# Lets tools call themselves what they were called at another time; nothing else of them changes. Runs inside the sandbox,
# as root of the namespace, when a rebuild restores something of that kind. Arguments: NAME=VALUE for what is restored,
# then `--` and the command to run.
#   compiler   of gcc, such as "Debian 12.2.0-10", or with its version "Debian 10.2.1-3 (10.2.1 20201224)"
#   debhelper  its version
#   pod2man    such as "Pod::Man 4.14 (Pod::Simple 3.42), perl v5.34.0"
#   perl       the version of its package, for dh_perl
#   java       its version
#   libtool    of ltmain.sh, such as "2.4.7 Debian-2.4.7-5"
#   libraries  lines of a library's package, its version in headers and pkg-config, and another one for it
#   headers    what to take back from headers, a unified diff from /
#   library    where the library goes that shows another time, another order of files and another machine
#   source     that library's
set -eu
compiler='' debhelper='' pod2man='' perl='' java='' libtool='' libraries='' headers='' library='' source=''
while test "$1" != --; do
  readonly "$1"
  shift
done
shift
if test -n "$library"; then
  printf '%s' "$source" | gcc -shared -fPIC -O2 -o "$library" -x c - -ldl
fi
if test -n "$compiler"; then
  directory=$(dirname "$(gcc --print-prog-name=cc1)")
  # What is shorter is filled up with NULs, which end it; what is longer has room to the next 16 bytes, where it begins at
  # such a place: there the compiler has a variable, which is aligned. Below are those of 32 bits.
  find "$directory" -type f '(' -name 'cc1*' -o -name lto1 -o -name f951 -o -name '*.o' -o -name 'libgcc*.a' ')' \
    -exec env NAME="$compiler" perl -0777 -p -i -e '
      my ($name, $version) = $ENV{NAME} =~ m{^(.*?)(?: \((.*)\))?\z};
      my $fill = sub {
        my ($old, $new, $at) = @_;
        (my $text = $old) =~ s/\0+\z//;
        my $room = $at % 16 ? length $text : length($text) + -(1 + length $text) % 16;
        die "no room for the name $new\n" if length $new > $room || length $new >= length $old;
        return $new . "\0" x (length($old) - length $new);
      };
      s{\(Debian [^()\0]{1,60}\) ([0-9.]*(?: \d{8})?)\0+}
       {$fill->($&, "($name) " . ($1 eq "" ? "" : $version // $1), $-[0])}ge;
      s{(?<=\0)\d+\.\d+\.\d+ \d{8}\0}{$fill->($&, $version, 1)}ge if defined $version' '{}' +
fi
if test -n "$debhelper"; then
  NAME=$debhelper perl -p -i -e 's/^(\s*(?:our +)?\$version *= *)([\x27"])[^\x27"]*\2/$1$2$ENV{NAME}$2/' \
    /usr/share/perl5/Debian/Debhelper/Dh_Version.pm
  case $debhelper in
    # Of old entries of a changelog it left none; later ones leave four in all.
    13.10 | 13.10.1) perl -p -i -e 's/^(use constant MIN_NUM_ENTRIES => )4;/${1}1;/' /usr/bin/dh_installchangelogs ;;
    # Earlier ones left changelogs whole, but for the entry of a binary-only upload, which went into a file of its own;
    # before 13.12, notrimdch leaves that where it is.
    [1-9] | [1-9].* | 1[0-2] | 1[0-2].* | 13 | 13.[1-9] | 13.[1-9].*)
      perl -0777 -p -i -e '
        my $whole = /^sub prepare_changesfile /m ? 1
          : q((do { open(my $first, "<", $changelog); <$first> } !~ m{\bbinary-only=yes}));
        s/get_buildoption\("notrimdch"\)/$whole/g;
        s/^(use constant MIN_NUM_ENTRIES => )4;/${1}1_000_000;/m' /usr/bin/dh_installchangelogs ;;
  esac
fi
if test -n "$pod2man"; then
  # Another Pod::Man makes other pages: it keeps its name.
  NAME=$pod2man perl -MPod::Man -e '
    my ($man, $simple, $perl) = $ENV{NAME} =~ m{^Pod::Man ([\w.]+) \(Pod::Simple ([\w.]+)\), perl ([\w.]+)\z} or exit;
    exit if $Pod::Man::VERSION ne $man;
    ($^I, @ARGV) = ("", $INC{"Pod/Man.pm"});
    while (<>) {
      s{\x27perl v\x27 \. \$version}{"perl $perl"};
      s{= \$self->version_report\b(?:\(\))?;}{= \$self->version_report =~ s/\\(Pod::Simple [^)]*/(Pod::Simple $simple/r;};
      print;
    }'
fi
if test -n "$perl"; then
  NAME=$perl perl -p -i -e 's{qx_cmd\(.dpkg., .-s., \$perl\)}{"Version: \Q$ENV{NAME}\E\n"}' /usr/bin/dh_perl
fi
if test -n "$java"; then
  # Programs ask the machine for the property; an agent sets it before their main.
  agent=$(mktemp -d)
  printf 'public class Called { public static void premain(String name) { System.setProperty("java.version", name); } }' \
    > "$agent/Called.java"
  printf 'Premain-Class: Called\n' > "$agent/manifest"
  javac -d "$agent" "$agent/Called.java"
  jar cfm /usr/local/lib/sheaf-called.jar "$agent/manifest" -C "$agent" Called.class
  rm -r "$agent"
  export JAVA_TOOL_OPTIONS="-javaagent:/usr/local/lib/sheaf-called.jar=$java"
fi
ltmain=/usr/share/libtool/build-aux/ltmain.sh
if test -n "$libtool" && test -e "$ltmain"; then
  # Another upstream version makes other files: it keeps its name.
  NAME=$libtool perl -p -i -e 's/^VERSION="\K(\S+) Debian-[^"]*/index($ENV{NAME}, "$1 ") == 0 ? $ENV{NAME} : $&/e' \
    "$ltmain"
fi
printf '%s' "$libraries" | while read -r package version name; do
  dpkg --listfiles "$package" | perl -l -n -e 'print if -f && !-l && /\.(?:pc|h|hh|hpp|hxx)$/' | VERSION=$version NAME=$name xargs -r -d '\n' perl -p -i -e '
    $ARGV =~ /\.pc$/ ? s/^(Version:\s*)\Q$ENV{VERSION}\E\s*$/$1$ENV{NAME}\n/ : s/"\Q$ENV{VERSION}\E"/"$ENV{NAME}"/g'
done
if test -n "$headers"; then
  printf '%s' "$headers" | patch --reverse --force --strip=0 --directory=/ --no-backup-if-mismatch
fi
exec "$@"
