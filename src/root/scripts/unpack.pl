# Unpacks packages into the store, each in a directory named by its hash, and prints their control stanzas in order.
# Several at once: to decompress is most of the work. Arguments: the store, a name for whom it is done, of whom there is one
# at a time; by how much others go first, as of nice(1); then the hash and the .deb file of each package.
#
# HASH/data      the files
# HASH/list      their names in the archive's order
# HASH/control   the control files
# HASH/dpkg      is there when only dpkg itself can install the package, and says why
# HASH/sizes     the files' sizes; HASH/boot: since which start of the machine they are known to be whole. Nothing is flushed
#                to the disk here: what a crash can take away of a file shows in its size.
use strict;
use warnings;
use POSIX ();

my ($store, $owner, $niceness, @words) = @ARGV;
my @jobs;
push @jobs, { hash => shift @words, file => shift @words } while @words;
umask 022;
give_way($niceness);
# The packages are the threads.
$ENV{DPKG_DEB_THREADS_MAX} = 1;
forget_old();
my $boot = read_text('/proc/sys/kernel/random/boot_id');
check_after_boot("$store/$_->{hash}") for grep { -d "$store/$_->{hash}" } @jobs;
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

sub check_after_boot {
    my ($entry) = @_;
    return if read_text("$entry/boot") eq $boot;
    if (-s "$entry/sizes" && read_text("$entry/sizes") eq sizes($entry)) { write_text("$entry/boot", $boot) }
    else                                                                  { run('rm', '-rf', $entry) }
}

sub sizes {
    my ($entry) = @_;
    my @names = map { "control/$_" } names("$entry/control");
    my @files = map { s{^\./|\n}{}gr } split /^/, read_text("$entry/list");
    push @names, 'list', map { "data/$_" } grep { !-l "$entry/data/$_" && -f _ } @files;
    return join '', map { my $size = (lstat "$entry/$_")[7] // '-'; "$size $_\n" } @names, -e "$entry/dpkg" ? 'dpkg' : ();
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
    pipe(my $reader, my $writer) or die "pipe: $!\n";
    my $decompress = start(undef, $writer, 'dpkg-deb', '--fsys-tarfile', $job->{file});
    my $extract = start($reader, $list, qw(tar --extract --verbose --quoting-style=literal --preserve-permissions --same-owner --numeric-owner),
        '--directory', "$new/data");
    close $_ for $reader, $writer;
    for my $process ($decompress, $extract) {
        waitpid($process, 0);
        die "cannot unpack $job->{file}\n" if $?;
    }
    my $why = why_dpkg("$new/control");
    write_text("$new/dpkg", "$why\n") if defined $why;
    write_text("$new/sizes", sizes($new));
    write_text("$new/boot", $boot);
    # Somebody else may have been faster.
    rename($new, "$store/$job->{hash}") or run('rm', '-rf', $new);
    die "cannot keep $job->{file}: $!\n" if !-d "$store/$job->{hash}";
}

# A script that runs before the files come, and what would have to be written into more of dpkg's files than its status.
sub why_dpkg {
    my ($control) = @_;
    return 'preinst' if -e "$control/preinst";
    return 'no md5sums' if !-e "$control/md5sums";
    return 'interest in triggers' if read_text("$control/triggers") =~ /^\s*interest/m;
    return 'conffiles with flags' if read_text("$control/conffiles") =~ /^[^\/\n]/m;
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
