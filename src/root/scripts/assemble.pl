# Lays unpacked packages out as one tree of hard links, as dpkg would have unpacked them, and writes what dpkg has to know
# about them. Prints the hash of each package that dpkg itself has to unpack, and makes a .deb for it that is not compressed.
#
# Arguments: the store; the directory of the tree, made here; a file for the stanzas of dpkg's status; a directory for the
# .deb files, made here; the directory with those that came; names of directories beside /bin, /sbin, /lib that merged /usr
# links, with commas; `bottom` or `layer`; the number of layers below and their directories, the topmost first; then each
# package's hash and the name that its .deb gets.
use strict;
use warnings;
use Digest::MD5;
use Fcntl qw(:mode);

my ($store, $tree, $status, $debs, $came, $links, $kind, $count, @rest) = @ARGV;
my @below = splice @rest, 0, $count;
my (@hashes, %deb_name);
while (my ($hash, $name) = splice @rest, 0, 2) {
    push @hashes, $hash;
    $deb_name{$hash} = $name;
}
my @links = (qw(bin sbin lib), grep { $_ ne '' } split /,/, $links);
my $merged = join '|', @links;
umask 022;
my %claimed;      # canonical path => 'directory' or 'other'
my %diverted = map { $_ => 1 } diverted();
my %watched = map { m{^(/\S+)} ? ($1 => 1) : () } split /\n/, read_below('var/lib/dpkg/triggers/File');
my @by_dpkg;

make_directory('', '');
if ($kind eq 'bottom') {
    # Merged /usr from the beginning: some releases ship these links in base-files, others expect to find them.
    for my $name (@links) {
        make_parents("usr/$name/x", 'none');
        symlink("usr/$name", "$tree/$name") or die "$tree/$name: $!\n";
        $claimed{$name} = 'other';
    }
}
make_parents('var/lib/dpkg/info/x', 'none');
open(my $stanzas, '>', $status) or die "$status: $!\n";
for my $hash (@hashes) {
    my $package = "$store/$hash";
    my @entries = entries($package);
    my $plain = !-e "$package/dpkg" && !has_hooks($package) && !grep { collides($_) || is_watched($_) } @entries;
    if (!$plain) { push @by_dpkg, $hash }
    # The programs of the lowest packages must be there before dpkg can be run at all.
    next if !$plain && $kind ne 'bottom';
    place($package, $_) for @entries;
    introduce($package) if $plain;
}
close $stanzas or die "$status: $!\n";
if ($kind eq 'bottom') {
    make_parents("$_/x", 'none') for qw(var/lib/dpkg/updates etc proc dev tmp usr/sbin);
    chmod 01777, "$tree/tmp";
    write_file("$tree/var/lib/dpkg/status", '');
    # Files of packages for several architectures have these in their names; deb-infodb of dpkg calls it format 1.
    write_file("$tree/var/lib/dpkg/info/format", "1\n");
}
mkdir $debs, 0755 or die "$debs: $!\n";
give_deb($_, $deb_name{$_}) for @by_dpkg;
print "$_\n" for @by_dpkg;

# Paths of a package without a leading slash, as they lie in its archive and as they will lie in the tree.
sub entries {
    my ($package) = @_;
    open(my $list, '<', "$package/list") or die "$package/list: $!\n";
    my @entries;
    while (my $name = <$list>) {
        chomp $name;
        $name =~ s{^\./|/$}{}g;
        next if $name eq '' || $name eq '.';
        my @stat = lstat("$package/data/$name") or die "$package/data/$name: $!\n";
        my $directory = S_ISDIR($stat[2]);
        my $path = $name =~ m{^(?:$merged)/} || ($directory && $name =~ m{^(?:$merged)\z}) ? "usr/$name" : $name;
        push @entries, { name => $name, path => $path, directory => $directory, stat => \@stat };
    }
    return @entries;
}

# A program among the conffiles could be run by the scripts of other packages before its own is configured; dpkg keeps it
# under another name until then. Nothing runs those of init and cron here.
sub has_hooks {
    my ($package) = @_;
    my @paths = grep { m{^/} && !m{^/etc/(?:init\.d|cron\.[a-z]+)/} } split /\n/, read_file("$package/control/conffiles");
    return grep { my $file = "$package/data$_"; !-l $file && -f $file && -x _ } @paths;
}

sub collides {
    my ($entry) = @_;
    my $path = $entry->{path};
    return 1 if $diverted{"/$path"} || $diverted{"/$entry->{name}"};
    if ($entry->{directory}) {
        return 1 if !is_room($path);
    }
    else {
        return 1 if exists $claimed{$path} || look_below($path);
    }
    while ($path =~ s{/[^/]+\z}{}) { return 1 if !is_room($path) }
    return 0;
}

# Whether a package below has an interest in the path, whose trigger dpkg activates when it unpacks: triggers(5).
sub is_watched {
    my ($entry) = @_;
    return 0 if !%watched;
    for my $path ("/$entry->{name}", "/$entry->{path}") {
        my $part = $path;
        do { return 1 if $watched{$part} } while $part =~ s{(?<=.)/[^/]*\z}{};
    }
    return 0;
}

# Whether a directory is or may be there.
sub is_room {
    my ($path) = @_;
    return $claimed{$path} eq 'directory' if exists $claimed{$path};
    my $found = look_below($path);
    return !$found || S_ISDIR($found->[2]);
}

# What the layers below have at a path: as lstat, or nothing. A whiteout is a character device 0:0.
sub look_below {
    my ($path) = @_;
    for my $layer (@below) {
        my @stat = lstat("$layer/$path") or next;
        return S_ISCHR($stat[2]) && $stat[6] == 0 ? undef : \@stat;
    }
    return;
}

sub place {
    my ($package, $entry) = @_;
    my $path = $entry->{path};
    make_parents($path, "$package/data");
    if ($entry->{directory}) {
        make_directory($path, "$package/data/$entry->{name}") if !exists $claimed{$path};
        return;
    }
    return if exists $claimed{$path};
    $claimed{$path} = 'other';
    my $from = "$package/data/$entry->{name}";
    # Too many links, or a filesystem without them.
    link($from, "$tree/$path") or system('cp', '--archive', '--reflink=auto', '--', $from, "$tree/$path") == 0 or die "$tree/$path: cannot be placed\n";
}

sub make_parents {
    my ($path, $like) = @_;
    my @parts = split m{/}, $path;
    for my $last (0 .. $#parts - 1) {
        my $parent = join '/', @parts[0 .. $last];
        next if exists $claimed{$parent};
        (my $unmerged = $parent) =~ s{^usr/($merged)(/|\z)}{$1$2};
        make_directory($parent, -d "$like/$parent" ? "$like/$parent" : "$like/$unmerged");
    }
}

# A directory keeps what it is below, else it is as the first package has it.
sub make_directory {
    my ($path, $like) = @_;
    my $found = $path eq '' ? (@below ? [lstat $below[0]] : undef) : look_below($path);
    $found = [lstat $like] if !$found && $like ne '' && -d $like && !-l $like;
    my ($mode, $uid, $gid) = $found ? @$found[2, 4, 5] : (0755, 0, 0);
    mkdir "$tree/$path", 0755 or die "$tree/$path: $!\n";
    chown($uid, $gid, "$tree/$path") or die "$tree/$path: $!\n";
    chmod($mode & 07777, "$tree/$path") or die "$tree/$path: $!\n";
    $claimed{$path} = 'directory';
}

# The state `unpacked` of a package in dpkg's database. Its conffiles lie where they belong: dpkg renames them when it
# configures the package, and passes over those that it finds in place.
sub introduce {
    my ($package) = @_;
    my $control = read_file("$package/control/control") =~ s/\n*\z/\n/r;
    my ($name) = $control =~ /^Package:\s*(\S+)/mi or die "$package has no name\n";
    my ($architecture) = $control =~ /^Architecture:\s*(\S+)/mi;
    my $same = $control =~ /^Multi-Arch:\s*same\s*$/mi ? ":$architecture" : '';
    $control =~ s/^(Package:.*\n)/$1Status: install ok unpacked\n/mi;
    my $conffiles = '';
    for my $path (grep { $_ ne '' } split /\n/, read_file("$package/control/conffiles")) {
        next if !-f "$package/data$path" || -l "$package/data$path";
        $conffiles .= " $path " . Digest::MD5::md5_hex(read_file("$package/data$path")) . "\n";
    }
    print $stanzas $control, ($conffiles eq '' ? '' : "Conffiles:\n$conffiles"), "\n";
    my $info = "$tree/var/lib/dpkg/info/$name$same";
    open(my $list, '<', "$package/list") or die "$package/list: $!\n";
    my @names = map { s{^\.}{}r =~ s{/?\n}{}r } <$list>;
    write_file("$info.list", join '', map { ($_ eq '' ? '/.' : $_) . "\n" } @names);
    opendir(my $directory, "$package/control") or die "$package/control: $!\n";
    for my $file (grep { !/^\./ && $_ ne 'control' } readdir $directory) {
        link("$package/control/$file", "$info.$file") or system('cp', '--archive', '--', "$package/control/$file", "$info.$file") == 0 or die "$info.$file: $!\n";
    }
}

sub give_deb {
    my ($hash, $name) = @_;
    return pack_deb("$store/$hash", "$debs/$name") if read_file("$store/$hash/dpkg") !~ /^as it came/;
    link("$came/$name", "$debs/$name") or system('cp', '--', "$came/$name", "$debs/$name") == 0 or die "$debs/$name: cannot be placed\n";
}

# A .deb of what the store has, its tars as they are: deb(5).
sub pack_deb {
    my ($package, $file) = @_;
    open(my $deb, '>', $file) or die "$file: $!\n";
    syswrite($deb, "!<arch>\n" . member('debian-binary', 4) . "2.0\n");
    add_tar($deb, 'control.tar', '--directory', "$package/control", '.');
    add_tar($deb, 'data.tar', '--directory', "$package/data", '--no-recursion', '--verbatim-files-from', '--files-from', "$package/list");
    close $deb or die "$file: $!\n";
}

# How long a tar is shows when it is written; its blocks end on even places. tar takes a new link that another root makes of a
# file for a change of it, and ends with 1 then; the store's files do not change.
sub add_tar {
    my ($deb, $name, @what) = @_;
    my $start = sysseek($deb, 0, 1) + 0;
    syswrite($deb, member($name, 0));
    my $tar = fork() // die "fork: $!\n";
    if ($tar == 0) {
        open(STDOUT, '>&', $deb) or die "tar: $!\n";
        exec(qw(tar --create --numeric-owner --format=gnu --warning=no-file-changed), @what) or die "tar: $!\n";
    }
    waitpid($tar, 0);
    my $end = sysseek($deb, 0, 1);
    die "cannot pack $name of @what\n" if $? && $? != 1 << 8;
    sysseek($deb, $start, 0);
    syswrite($deb, member($name, $end - $start - 60));
    sysseek($deb, $end, 0);
}

# The head of a member: ar(5).
sub member { return sprintf("%-16s%-12d%-6d%-6d%-8s%-10d`\n", $_[0], 0, 0, 0, '100644', $_[1]) }

# Paths that another package's files were moved away from, and those whose mode and owner somebody set.
sub diverted {
    my @lines = split /\n/, read_below('var/lib/dpkg/diversions');
    my @paths;
    while (my ($from, $to) = splice @lines, 0, 3) { push @paths, $from, $to // () }
    return @paths, map { (split / /, $_, 4)[3] // () } split /\n/, read_below('var/lib/dpkg/statoverride');
}

sub read_below {
    my ($path) = @_;
    for my $layer (@below) { return read_file("$layer/$path") if -f "$layer/$path" }
    return '';
}

sub read_file {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/;
    return <$file> // '';
}

sub write_file {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
}
