# Unpacks packages into the store, each in a directory named by its hash, and prints their control stanzas in order.
# Several at once: to decompress is most of the work. Arguments: the store, a name for whom it is done, of whom there is one
# at a time; by how much others go first, as of nice(1); then the hash and the .deb file of each package.
#
# HASH/data      the files
# HASH/list      their names in the archive's order
# HASH/control   the control files
# HASH/dpkg      is there when only dpkg itself can install the package, and says why; "as it came: …" when only from its .deb
# HASH/sizes     the format of the store and the files' sizes; HASH/boot: since which start of the machine they are known to
#                be whole. Nothing is flushed to the disk here: what a crash can take away of a file shows in its size.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock);
use POSIX ();

# Raised where what is unpacked becomes another: what an earlier program left is unpacked again.
my $format = 2;

# The users and groups that every Debian system has under the same number, as far as packages give them files: base-passwd.
my %users  = (root => 0, daemon => 1, bin => 2, sys => 3, games => 5, man => 6, lp => 7, mail => 8, news => 9, uucp => 10,
    proxy => 13, 'www-data' => 33, backup => 34, list => 38, irc => 39, nobody => 65534);
my %groups = (root => 0, daemon => 1, bin => 2, sys => 3, adm => 4, tty => 5, disk => 6, lp => 7, mail => 8, news => 9,
    uucp => 10, man => 12, proxy => 13, kmem => 15, dialout => 20, sudo => 27, audio => 29, 'www-data' => 33, backup => 34,
    list => 38, irc => 39, src => 40, shadow => 42, utmp => 43, video => 44, staff => 50, games => 60, users => 100,
    nogroup => 65534);

my ($store, $owner, $niceness, @words) = @ARGV;
my @jobs;
push @jobs, { hash => shift @words, file => shift @words } while @words;
umask 022;
give_way($niceness);
# The packages are the threads.
$ENV{DPKG_DEB_THREADS_MAX} = 1;
forget_old();
my $boot = "$format " . read_text('/proc/sys/kernel/random/boot_id');
check_after_boot(map { "$store/$_->{hash}" } @jobs);
# The largest first, so that none is left for the end.
my @missing = sort { -s $b->{file} <=> -s $a->{file} } grep { !-d "$store/$_->{hash}" } @jobs;
in_parallel(@missing);
for my $job (@jobs) {
    print read_text("$store/$job->{hash}/control/control") =~ s/\n*\z/\n/r, "Sheaf-By-Dpkg: ", (-e "$store/$job->{hash}/dpkg" ? 'yes' : 'no'), "\n\n";
    utime undef, undef, "$store/$job->{hash}";
}

# Where each session is scheduled by itself, nice(1) means nothing to others: sched(7), autogroup.
sub give_way {
    my ($niceness) = @_;
    POSIX::nice($niceness);
    open(my $group, '>', '/proc/self/autogroup') or return;
    print $group $niceness;
}

# What processes left that were killed: our own predecessors, and others a day ago.
sub forget_old {
    opendir(my $directory, $store) or die "$store: $!\n";
    for my $name (grep { /\.part$/ } readdir $directory) {
        system('rm', '-rf', "$store/$name") if $name =~ /\.\Q$owner\E\.part$/ || -M "$store/$name" > 1;
    }
}

# One process at a time: another must not take away what this one has unpacked again.
sub check_after_boot {
    my @entries = grep { -d && read_text("$_/boot") ne $boot } @_;
    return if !@entries;
    sysopen(my $lock, $store, O_RDONLY) or die "$store: $!\n";
    flock($lock, LOCK_EX) or die "$store: $!\n";
    for my $entry (grep { -d && read_text("$_/boot") ne $boot } @entries) {
        if (-s "$entry/sizes" && read_text("$entry/sizes") eq sizes($entry)) { write_text("$entry/boot", $boot) }
        else                                                                  { run('rm', '-rf', $entry) }
    }
}

sub sizes {
    my ($entry) = @_;
    my @names = map { "control/$_" } names("$entry/control");
    my @files = map { s{^\./|\n}{}gr } split /^/, read_text("$entry/list");
    push @names, 'list', map { "data/$_" } grep { !-l "$entry/data/$_" && -f _ } @files;
    return join '', "format $format\n", map { my $size = (lstat "$entry/$_")[7] // '-'; "$size $_\n" } @names, -e "$entry/dpkg" ? 'dpkg' : ();
}

sub names {
    opendir(my $directory, $_[0]) or return;
    return sort grep { !/^\.\.?$/ } readdir $directory;
}

sub in_parallel {
    my @todo = @_;
    my $width = POSIX::sysconf(84) || 2;    # _SC_NPROCESSORS_ONLN
    pipe(my $taken, my $given) or die "pipe: $!\n";
    my $writer = fork() // die "fork: $!\n";
    if ($writer == 0) {
        syswrite($given, pack('N', $_)) for 0 .. $#todo;
        POSIX::_exit(0);
    }
    close $given;
    my @workers = map {
        my $worker = fork() // die "fork: $!\n";
        if ($worker == 0) {
            while ((sysread($taken, my $number, 4) // 0) == 4) {
                eval { unpack_one($todo[unpack('N', $number)]); 1 } or do { print STDERR $@; POSIX::_exit(1) };
            }
            POSIX::_exit(0);
        }
        $worker;
    } 1 .. ($width < @todo ? $width : scalar @todo);
    close $taken;
    my $failed = 0;
    for my $worker (@workers) { waitpid($worker, 0); $failed = 1 if $? }
    kill 'KILL', $writer;
    waitpid($writer, 0);
    exit 1 if $failed;
}

sub unpack_one {
    my ($job) = @_;
    my $new = "$store/$job->{hash}.$owner.part";
    mkdir $_, 0755 or die "$_: $!\n" for $new, "$new/data";
    run('dpkg-deb', '--control', $job->{file}, "$new/control");
    open(my $list, '>', "$new/list") or die "$new/list: $!\n";
    pipe(my $packed, my $writer) or die "pipe: $!\n";
    my $decompress = start(undef, $writer, 'dpkg-deb', '--fsys-tarfile', $job->{file});
    close $writer;
    pipe(my $reader, my $onward) or die "pipe: $!\n";
    my $extract = start($reader, $list, qw(tar --extract --verbose --quoting-style=literal --preserve-permissions --same-owner --numeric-owner),
        '--directory', "$new/data");
    close $reader;
    my $odd = pass_on($packed, $onward);
    close $_ for $packed, $onward;
    for my $process ($decompress, $extract) {
        waitpid($process, 0);
        die "cannot unpack $job->{file}\n" if $?;
    }
    $odd //= odd_names("$new/list");
    my $why = defined $odd ? "as it came: $odd" : why_dpkg($new);
    write_text("$new/dpkg", "$why\n") if defined $why;
    write_text("$new/sizes", sizes($new));
    write_text("$new/boot", $boot);
    # Somebody else may have been faster.
    rename($new, "$store/$job->{hash}") or run('rm', '-rf', $new);
    die "cannot keep $job->{file}: $!\n" if !-d "$store/$job->{hash}";
}

# Passes a tar on, and says what in its headers dpkg reads in its own way: it goes by the names of owners where the system
# has these, and refuses headers that it does not know. tar(5).
sub pass_on {
    my ($in, $out) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my ($skip, $header, $odd) = (0, '', undef);
    while (sysread($in, my $bytes, 2**16)) {
        my $written = 0;
        while ($written < length $bytes) { $written += syswrite($out, $bytes, length($bytes) - $written, $written) // return $odd }
        my $at = 0;
        while ($at < length $bytes) {
            if ($skip >= length($bytes) - $at) { $skip -= length($bytes) - $at; last }
            $at += $skip;
            $skip = 0;
            my $part = substr($bytes, $at, 512 - length $header);
            $at += length $part;
            $header .= $part;
            next if length $header < 512;
            my ($uid, $gid, $size, $type, $magic, $user, $group) = unpack('x108 a8 a8 a12 x20 a1 x100 a5 x3 Z32 Z32', $header);
            $header = '';
            $skip = $type =~ /[1-6]/ ? 0 : (number($size) + 511) & ~511;
            next if $magic ne 'ustar';
            $odd //= 'a header of another kind' if $type !~ /[\0 0-7KL]/;
            $odd //= 'names of owners' if $type !~ /[KL]/ && (is_other($user, $uid, \%users) || is_other($group, $gid, \%groups));
        }
    }
    return $odd;
}

sub is_other {
    my ($name, $number, $known) = @_;
    return $name ne '' && ($known->{$name} // -1) != number($number);
}

# Octal, or binary after a first bit.
sub number {
    my ($field) = @_;
    return unpack('Q>', substr("\0" x 8 . ($field & ("\x7f" . "\xff" x 11)), -8)) if ord($field) & 0x80;
    return oct($field =~ s/[^0-7]//gr || 0);
}

# Names without "./", and names that come twice, but for directories.
sub odd_names {
    my ($list) = @_;
    my %seen;
    for my $name (split /\n/, read_text($list)) {
        return 'other names' if $name !~ m{^\./};
        return 'a name twice' if $seen{$name}++ && $name !~ m{/\z};
    }
    return;
}

# A script that runs before the files come, and what would have to be written into more of dpkg's files than its status.
sub why_dpkg {
    my ($package) = @_;
    my $control = "$package/control";
    return 'preinst' if -e "$control/preinst";
    return 'no md5sums' if !-e "$control/md5sums";
    return 'interest in triggers' if read_text("$control/triggers") =~ /^\s*interest/m;
    my @conffiles = split /\n/, read_text("$control/conffiles");
    return 'conffiles with flags' if grep { m{^[^/]} } @conffiles;
    return 'conffiles that are no files' if grep { $_ ne '' && (-l "$package/data$_" || !-f _) } @conffiles;
    return;
}

sub read_text {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/;
    return <$file> // '';
}

sub write_text {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or die "$path: $!\n";
    print $file $text;
    close $file or die "$path: $!\n";
}

sub run { system(@_) == 0 or die "@_ failed\n" }

sub start {
    my ($in, $out, @command) = @_;
    my $process = fork() // die "fork: $!\n";
    return $process if $process;
    if (defined $in) { open(STDIN, '<&', $in) or POSIX::_exit(126) }
    open(STDOUT, '>&', $out) or POSIX::_exit(126);
    close $_ for grep { defined } $in, $out;
    exec { $command[0] } @command or POSIX::_exit(127);
}
