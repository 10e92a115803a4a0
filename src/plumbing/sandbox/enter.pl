#!/usr/bin/perl
# Started by unshare(1) in the new namespaces of one sandbox; furnishes them and runs one command there. Perl, because each step is a system call that a
# shell could make only with programs of a root it does not trust; perl-base is essential on every Debian system.
#
# Three processes:
#   supervisor  the caller's id on the host, outside the pid namespace; dies with the caller
#   init        pid 1 inside; builds the mounts, watches the limits; dies with the supervisor
#   command     what was asked for; when it ends, init ends, and with it the kernel ends all that is left
#
# fd 3: control. The caller sends a length (4 bytes) and the specification, later closes it to end everything.
# fd 4: status lines: ready, error TEXT, exit N, signal N, limit NAME VALUE, usage BYTES.
# fd 5: where the command's standard error goes, when it is apart from its standard output.
use strict;
use warnings;
use Fcntl qw(:mode F_SETFD F_GETFD F_SETFL F_GETFL FD_CLOEXEC O_RDONLY O_RDWR O_NONBLOCK O_NOCTTY);
use POSIX ();

use constant { MS_NOSUID => 2, MS_NODEV => 4, MS_NOEXEC => 8, MS_REC => 16384, MS_PRIVATE => 1 << 18, MNT_DETACH => 2 };
use constant { OPEN_TREE_CLONE => 1, CLOEXEC => 0x80000, AT_EMPTY_PATH => 0x1000, AT_RECURSIVE => 0x8000, MOVE_FROM_EMPTY_PATH => 4 };
use constant { FS_CLOEXEC => 1, FSCONFIG_CREATE => 6 };
use constant { ATTR_RDONLY => 1, ATTR_NOSUID => 2, ATTR_NODEV => 4 };
# Socket.pm takes longer to load than a namespace to make.
use constant { AF_INET => 2, SOCK_DGRAM => 2 };
use constant { SET_PDEATHSIG => 1, CAPBSET_DROP => 24, SET_NO_NEW_PRIVS => 38, SIGKILL => 9, O_PATH => 0x200000 };

# What root inside may do with files and ids of its own namespace; the same list as in oci.ts.
my @root_capabilities = (0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 27, 29, 31);

my $machine = (POSIX::uname())[4];
my $generic = {
    mount => 40, umount2 => 39, pivot_root => 41, capget => 90, capset => 91, prctl => 167, sethostname => 161, setresuid => 147,
    setresgid => 149, setgroups => 159, prlimit => 261, open_tree => 428, move_mount => 429, fsopen => 430, fsconfig => 431, fsmount => 432, mount_setattr => 442, keyctl => 219, signalfd => 74, fstatfs => 44,
};
my %numbers = (
    x86_64 => {
        mount => 165, umount2 => 166, pivot_root => 155, capget => 125, capset => 126, prctl => 157, sethostname => 170, setresuid => 117,
        setresgid => 119, setgroups => 116, prlimit => 302, open_tree => 428, move_mount => 429, fsopen => 430, fsconfig => 431, fsmount => 432, mount_setattr => 442, keyctl => 250, signalfd => 289, fstatfs => 138,
    },
    aarch64 => $generic,
    riscv64 => $generic,
);
my $number = $numbers{$machine} or die "no system call numbers for $machine\n";

open(my $control, '<&=', 3) or die "fd 3: $!\n";
open(my $status,  '>&=', 4) or die "fd 4: $!\n";
open(my $errors,  '>&=', 5) or die "fd 5: $!\n";
fcntl($_, F_SETFD, FD_CLOEXEC) for $control, $status, $errors;
# What the caller itself was given and handed on would be a way out of the root: close_range(2), the same number everywhere.
syscall(436, 6, 0xffffffff, 0) == 0 or die "close_range: $!\n";

exit(eval { supervise(); 1 } ? 0 : failed($@));

sub failed {
    my ($text) = @_;
    $text =~ s/\s+/ /g;
    tell_caller("error $text");
    return 125;
}

sub tell_caller {
    my ($line) = @_;
    syswrite($status, "$line\n");
}

sub call {
    my ($name, @arguments) = @_;    # a copy: syscall wants writable strings
    return syscall($number->{$name}, @arguments);
}

sub must {
    my ($name, @arguments) = @_;
    my $result = call($name, @arguments);
    die "$name: $!\n" if $result < 0;
    return $result;
}

sub mount {
    my ($what, $source, $target, $type, $flags, $data) = @_;
    my $result = call('mount', $source, $target, $type, $flags, $data);
    die "mount of $what: $!\n" if $result < 0;
}

# --- supervisor ---

sub supervise {
    # The first victim when memory runs out is the command, not the caller.
    write_file('/proc/self/oom_score_adj', 500);
    forget_inheritable();
    must('prctl', SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    tell_caller('ready');
    my $spec = parse_spec(read_exactly(unpack('N', read_exactly(4))));
    exec_as_owner($spec) if $ARGV[0] eq 'owner';

    pipe(my $init_gone, my $init_lives) or die "pipe: $!\n";
    pipe(my $we_gone,   my $we_live)    or die "pipe: $!\n";
    my $init = fork() // die "fork: $!\n";
    if ($init == 0) {
        close $_ for $control, $init_gone, $we_live;
        POSIX::_exit(eval { init($spec, $we_gone); 1 } ? 0 : failed($@));
    }
    close $_ for $init_lives, $we_gone, $errors;
    close STDOUT;
    my @ready;
    do { @ready = ready(undef, $control, $init_gone) } until @ready;
    kill('KILL', $init) if grep { $_ == $control } @ready;
    # Returns only when the whole pid namespace is empty.
    waitpid($init, 0);
    my $ended = $?;
    tell_caller("killed") if $ended & 127;
}

# unshare --keep-caps hands its capabilities on by the inheritable set; a command must get none that way.
sub forget_inheritable {
    my $header = pack('L l', 0x20080522, 0);
    my $sets = "\0" x 24;
    die "capget: $!\n" if syscall($number->{capget}, $header, $sets) < 0;
    my @words = unpack('L6', $sets);
    $words[$_] = 0 for 2, 5;
    must('capset', $header, pack('L6', @words));
}

# A program of the host that hands over or removes files of the namespace's ids.
sub exec_as_owner {
    my ($spec) = @_;
    become_namespace_root();
    must('prctl', SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    exec { $spec->{arg}[0] } @{ $spec->{arg} } or die "cannot run $spec->{arg}[0]: $!\n";
}

sub read_exactly {
    my ($length) = @_;
    my $bytes = '';
    while (length($bytes) < $length) {
        my $got = sysread($control, $bytes, $length - length($bytes), length($bytes));
        next if !defined $got && $!{EINTR};
        POSIX::_exit(0) if !$got;    # the caller is gone
    }
    return $bytes;
}

sub parse_spec {
    my @words = unpack('(N/a*)*', $_[0]);
    my %spec = map { $_ => [] } qw(layer bind env arg);
    while (@words) {
        my $name = shift @words;
        if    ($name eq 'bind')        { push @{ $spec{bind} }, { mode => shift @words, source => shift @words, target => shift @words } }
        elsif (exists $spec{$name} && ref $spec{$name}) { push @{ $spec{$name} }, shift @words }
        else                           { $spec{$name} = shift @words }
    }
    return \%spec;
}

# --- init ---

sub init {
    my ($spec, $supervisor_gone) = @_;
    $0 = 'sheaf-init';
    my $oci = $spec->{mode} eq 'oci';
    mount('private mounts', 'none', '/', 0 + 0, MS_REC | MS_PRIVATE, 0);
    # Opened with the caller's id, in the namespace's own mounts: from here on no path of the host is walked again.
    my $scratch = open_path($spec->{scratch});
    my @layers  = map { open_path($_) } @{ $spec->{layer} };
    prepare_bind($_) for @{ $spec->{bind} };
    my @devices = map { prepare_device("/dev/$_") } qw(null zero full random urandom tty);
    mount('/proc', 'proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC, 0);
    my $proc = clone_tree(open_path('/proc'));
    mount('/run', 'sheaf', '/run', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=755,uid=0,gid=0,size=1m') if $oci;

    become_namespace_root();
    must('prctl', SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    POSIX::_exit(0) if ready(0, $supervisor_gone);

    register_emulator($spec->{registration}) if $spec->{registration} ne '';

    my $base = fd_path($scratch);
    remove_tree("$base/work/$_") for qw(work incompat index);
    my $lower = join(':', map { fd_path($_) } @layers);
    umask 022;
    my $root = $oci ? make_directory('/run/sheaf/root') : "$base/root";
    mount('the overlay', 'overlay', $root, 'overlay', MS_NODEV, "userxattr,volatile,lowerdir=$lower,upperdir=$base/upper,workdir=$base/work");
    opendir(my $upper, "$base/upper") or die "cannot read the scratch: $!\n";

    if ($oci) { prepare_bundle($spec) }
    else {
        change_root($root);
        furnish($spec, $proc, @devices);
    }
    # Keys of the caller's session are not the command's.
    call('keyctl', 1, 0);
    # No namespaces of its own for the command: they are the widest door of the kernel.
    write_file('/proc/sys/user/max_user_namespaces', 0);

    my $chld = pack('Q', 1 << (POSIX::SIGCHLD() - 1));
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(POSIX::SIGCHLD()));
    my $signals = must('signalfd', -1, $chld, 8, 0x80000);
    my ($ends, @lanes) = $spec->{stdio} eq 'terminal' ? open_terminal($spec) : open_pipes($spec);
    # A reader that has gone is told to the command by the end of its own pipe.
    local $SIG{PIPE} = 'IGNORE';
    my $command = fork() // die "fork: $!\n";
    if ($command == 0) {
        open(STDOUT, '>&', $ends->{out}) && open(STDERR, '>&', $ends->{err}) or POSIX::_exit(126);
        $ends->{in} ? open(STDIN, '<&', $ends->{in}) : open(STDIN, '<', '/dev/null') or POSIX::_exit(126);
        POSIX::sigprocmask(POSIX::SIG_UNBLOCK(), POSIX::SigSet->new(POSIX::SIGCHLD()));
        $SIG{PIPE} = 'DEFAULT';
        eval { command($spec) };
        my $error = $@;
        $error =~ s/\s+$//;
        syswrite(STDERR, "sheaf: $error\n");
        POSIX::_exit($error =~ /No such file/ ? 127 : 126);
    }
    $ends = {};
    close STDERR;
    watch($spec, $command, $signals, $upper, @lanes);
}

# --- input and output ---

# The command's ends, and the lanes on which bytes go between the caller and the command. Real pipes, owned by the command:
# /dev/stdout can then be opened again, which a socket or another's pipe cannot.
sub open_pipes {
    my ($spec) = @_;
    my (%ends, @lanes);
    my $outputs = { out => \*STDOUT, $spec->{errors} eq 'apart' ? (err => $errors) : () };
    for my $name (sort keys %$outputs) {
        pipe(my $from, $ends{$name}) or die "pipe: $!\n";
        push @lanes, { from => $from, to => $outputs->{$name}, buffer => '' };
    }
    $ends{err} //= $ends{out};
    if ($spec->{stdio} eq 'inherit') {
        pipe($ends{in}, my $to) or die "pipe: $!\n";
        never_wait($to);
        push @lanes, { from => \*STDIN, to => $to, buffer => '', input => 1 };
    }
    if ($spec->{mode} ne 'oci') { chown($spec->{uid}, $spec->{gid}, $_) for values %ends }
    return (\%ends, @lanes);
}

# A terminal of the command's own, between it and the caller's: what it does with its terminal never reaches the other.
sub open_terminal {
    my ($spec) = @_;
    sysopen(my $ours, '/dev/ptmx', O_RDWR | O_NOCTTY) or die "cannot make a terminal: $!\n";
    my ($locked, $index) = (pack('L', 0), pack('L', 0));
    ioctl($ours, 0x40045431, $locked) && ioctl($ours, 0x80045430, $index) or die "terminal: $!\n";    # TIOCSPTLCK, TIOCGPTN
    my $path = '/dev/pts/' . unpack('L', $index);
    sysopen(my $end, $path, O_RDWR | O_NOCTTY) or die "cannot open $path: $!\n";
    chown($spec->{uid}, 5, $end);
    never_wait($ours);
    my @lanes = ({ from => \*STDIN, to => $ours, buffer => '', input => 1 }, { from => $ours, to => \*STDOUT, buffer => '' });
    copy_size($ours);
    show_untouched();
    return ({ in => $end, out => $end, err => $end, terminal => $ours }, @lanes);
}

# The ends of lines are made by the command's terminal; the caller's, whom Node has told to hand on each key, adds nothing.
sub show_untouched {
    my $settings = POSIX::Termios->new;
    $settings->getattr(0) or return;
    $settings->setoflag($settings->getoflag & ~POSIX::OPOST());
    $settings->setattr(0, POSIX::TCSANOW());
}

# The size of the caller's window, for the command's.
sub copy_size {
    my ($ours) = @_;
    my $size = "\0" x 8;
    ioctl($ours, 0x5414, $size) if ioctl(STDIN, 0x5413, $size);    # TIOCSWINSZ, TIOCGWINSZ
}

sub never_wait {
    my ($handle) = @_;
    fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK) or die "fcntl: $!\n";
}

# Moves what can be moved on a lane now; false at its end.
sub forward {
    my ($lane) = @_;
    if ($lane->{buffer} eq '') {
        my $length = sysread($lane->{from}, $lane->{buffer}, 65536);
        return 1 if !defined $length && ($!{EINTR} || $!{EAGAIN});
        return 0 if !$length;
    }
    while ($lane->{buffer} ne '') {
        my $done = syswrite($lane->{to}, $lane->{buffer});
        return $!{EINTR} || $!{EAGAIN} if !defined $done;
        substr($lane->{buffer}, 0, $done, '');
    }
    return 1;
}

# What the command wrote before it ended.
sub drain {
    for my $lane (grep { !$_->{input} } @_) {
        while (1) {
            my $waits = $lane->{buffer} ne '';
            last if !($waits ? writable(10, $lane->{to}) : ready(0, $lane->{from})) || !forward($lane);
        }
    }
}

sub open_path {
    my ($path) = @_;
    sysopen(my $handle, $path, O_PATH) or die "cannot open $path: $!\n";
    return $handle;
}

sub fd_path { return '/proc/self/fd/' . fileno($_[0]) }

sub become_namespace_root {
    must('setgroups', 0, 0);
    must('setresgid', 0, 0, 0);
    must('setresuid', 0, 0, 0);
}

# A mount of what a path or a handle leads to, attached nowhere yet.
sub clone_tree {
    my ($handle) = @_;
    return must('open_tree', fileno($handle), '', OPEN_TREE_CLONE | CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
}

sub attach {
    my ($tree, $target) = @_;
    my $result = call('move_mount', $tree, '', -100, $target, MOVE_FROM_EMPTY_PATH);
    die "mount at $target: $!\n" if $result < 0;
}

sub prepare_bind {
    my ($bind) = @_;
    my $handle = open_path($bind->{source});
    $bind->{directory} = -d $handle;
    $bind->{tree} = clone_tree($handle);
    my $attributes = pack('Q4', ATTR_NOSUID | ATTR_NODEV | ($bind->{mode} eq 'ro' ? ATTR_RDONLY : 0), 0, 0, 0);
    must('mount_setattr', $bind->{tree}, '', AT_RECURSIVE | AT_EMPTY_PATH, $attributes, 32);
}

sub prepare_device {
    my ($path) = @_;
    return { path => $path, tree => clone_tree(open_path($path)) };
}

sub attach_bind {
    my ($bind, $target) = @_;
    if ($bind->{directory}) { make_directory($target) }
    else {
        make_directory($target =~ s{/[^/]*$}{}r);
        -e $target or write_file($target, '') or die "cannot make $target: $!\n";
    }
    attach($bind->{tree}, $target);
}

# Tells the kernel which emulator runs programs of another architecture: for this user namespace alone, on a binfmt_misc of
# its own that is attached nowhere, so that the command cannot see it. The kernel opens the emulator now, and forgets it when
# we end, with whom the mount's last handle goes.
sub register_emulator {
    my ($registration) = @_;
    my $context = call('fsopen', 'binfmt_misc', FS_CLOEXEC);
    $context >= 0 && call('fsconfig', $context, FSCONFIG_CREATE, 0, 0, 0) == 0 or die "binfmt_misc: $!\n";
    my $mount = must('fsmount', $context, FS_CLOEXEC, 0);
    POSIX::close($context);
    write_file("/proc/self/fd/$mount/register", $registration) or die "the emulator cannot be registered: $!\n";
}

# Makes the overlay the root of the namespace and lets go of the host's files. Only then is any path of the root walked:
# while the old root still lies on top of '/', a '..' in a symbolic link would lead to it.
sub change_root {
    my ($root) = @_;
    chdir($root) or die "cannot enter the root: $!\n";
    must('pivot_root', '.', '.');
    must('umount2', '.', MNT_DETACH);
    chdir('/') or die "cannot enter the root: $!\n";
}

sub furnish {
    my ($spec, $proc, @devices) = @_;
    attach($proc, make_directory('/proc'));
    mount('/dev', 'dev', make_directory('/dev'), 'tmpfs', MS_NOSUID | MS_NOEXEC, 'mode=755,size=64k');
    for my $device (@devices) {
        write_file($device->{path}, '');
        attach($device->{tree}, $device->{path});
    }
    make_directory("/dev/$_") for qw(pts shm);
    mount('/dev/pts', 'devpts', '/dev/pts', 'devpts', MS_NOSUID | MS_NOEXEC, 'newinstance,ptmxmode=666,mode=620,gid=5');
    mount('/dev/shm', 'shm', '/dev/shm', 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777,size=' . int($spec->{memory} / 2));
    symlink('pts/ptmx', '/dev/ptmx');
    symlink('/proc/self/fd', '/dev/fd');
    symlink("/proc/self/fd/$_->[0]", "/dev/$_->[1]") for [0, 'stdin'], [1, 'stdout'], [2, 'stderr'];
    attach_bind($_, $_->{target}) for @{ $spec->{bind} };
    must('sethostname', $spec->{hostname}, length($spec->{hostname}));
    loopback_up() if $spec->{network} eq 'none';
}

# A bundle for an OCI runtime, which does the rest itself: /run/sheaf/{config.json,root,bind/N}.
sub prepare_bundle {
    my ($spec) = @_;
    my $index = 0;
    attach_bind($_, '/run/sheaf/bind/' . $index++) for @{ $spec->{bind} };
    write_file('/run/sheaf/config.json', $spec->{config}) or die "cannot write the bundle: $!\n";
}

sub make_directory {
    my ($path) = @_;
    my $made = '';
    for my $part (grep { $_ ne '' } split m{/}, $path) {
        $made .= "/$part";
        -d $made or mkdir($made, 0755) or die "cannot make the directory $made: $!\n";
    }
    return $path;
}

sub write_file {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or return 0;
    print $file $text;
    return close $file;
}

# What an earlier overlay of the same scratch left in its work directory; all of it belongs to the namespace.
sub remove_tree {
    my ($path) = @_;
    if (-d $path && !-l $path) {
        chmod 0700, $path;
        opendir(my $directory, $path) or return;
        remove_tree("$path/$_") for grep { !/^\.\.?$/ } readdir $directory;
        rmdir $path;
    }
    else { unlink $path }
}

sub loopback_up {
    socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
    my $request = pack('a16 s x22', 'lo', 0);
    ioctl($socket, 0x8913, $request) or die "loopback device: $!\n";    # SIOCGIFFLAGS
    my $flags = unpack('x16 s', $request);
    $request = pack('a16 s x22', 'lo', $flags | 1);
    ioctl($socket, 0x8914, $request) or die "loopback device: $!\n";    # SIOCSIFFLAGS, IFF_UP
}

# --- command ---

sub command {
    my ($spec) = @_;
    POSIX::setsid();
    ioctl(STDIN, 0x540E, 0) or die "terminal: $!\n" if $spec->{stdio} eq 'terminal';    # TIOCSCTTY
    must('prlimit', 0, 4, pack('Q2', 0, 0), 0);    # no core files
    # Threads count as well here, so this is only the second line behind the count of processes.
    my $tasks = 4 * $spec->{processes} + 64;
    my $allowed = pack('Q2', 0, 0);
    die "prlimit: $!\n" if syscall($number->{prlimit}, 0, 6, 0, $allowed) < 0;
    my (undef, $most) = unpack('Q2', $allowed);
    $tasks = $most if $most < $tasks;
    must('prlimit', 0, 6, pack('Q2', $tasks, $tasks), 0);
    umask 022;
    %ENV = map { split(/=/, $_, 2) } @{ $spec->{env} };
    my @argv = @{ $spec->{arg} };
    if ($spec->{mode} eq 'oci') {
        chdir('/run/sheaf') or die "cannot enter the bundle: $!\n";
    }
    else {
        drop_privileges($spec);
        chdir($spec->{cwd}) or die "cannot enter $spec->{cwd}: $!\n";
    }
    no warnings 'exec';
    exec { $argv[0] } @argv or die "cannot run $argv[0]: $!\n";
}

sub drop_privileges {
    my ($spec) = @_;
    my %kept = $spec->{uid} == 0 ? map { $_ => 1 } @root_capabilities : ();
    for my $capability (0 .. 63) {
        next if $kept{$capability};
        last if call('prctl', CAPBSET_DROP, $capability, 0, 0, 0) < 0;
    }
    must('prctl', SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    my ($uid, $gid) = ($spec->{uid} + 0, $spec->{gid} + 0);
    must('setresgid', $gid, $gid, $gid);
    must('setresuid', $uid, $uid, $uid);
}

# --- limits ---

sub watch {
    my ($spec, $command, $signals, $upper, @lanes) = @_;
    my ($screen) = $spec->{stdio} eq 'terminal' ? map { $_->{to} } grep { $_->{input} } @lanes : ();
    my %state = (page => POSIX::sysconf(POSIX::_SC_PAGESIZE()), peak => 0, free => free_space($upper), next_walk => 0, sure_walk => seconds() + 3);
    my $next_check = 0;
    my $runtime = $spec->{mode} eq 'oci' ? $command : 0;
    my %ended;
    while (1) {
        while ((my $pid = waitpid(-1, POSIX::WNOHANG())) > 0) { $ended{$pid} = $? }
        my $failure;
        if ($runtime && defined $ended{$runtime}) {
            # The runtime has started the command and gone; its orphan is ours now.
            $failure = runtime_failure($spec->{arg}[0]) if $ended{$runtime} != 0;
            $command = read_file('/run/sheaf/pid') if !$failure;
            $runtime = 0;
        }
        if ($failure || (!$runtime && defined $ended{$command})) {
            drain(@lanes);
            tell_caller("usage $state{peak}");
            tell_caller($failure // describe_end($ended{$command}));
            return;
        }
        %ended = ($runtime ? %ended : ());
        if (seconds() >= $next_check) {
            return if check_limits($spec, \%state, $upper);
            $next_check = seconds() + 0.2;
        }
        my @able = able(0.2, [$signals, map { $_->{from} } grep { $_->{buffer} eq '' } @lanes], [map { $_->{to} } grep { $_->{buffer} ne '' } @lanes]);
        copy_size($screen) if $screen;
        for my $handle (@able) {
            if ($handle eq $signals) { POSIX::read($signals, my $buffer, 1024) }
        }
        for my $lane (@lanes) {
            my $next = $lane->{buffer} eq '' ? $lane->{from} : $lane->{to};
            next if !(grep { $_ eq $next } @able) || forward($lane);
            # A caller that reads no more of what it asked to be told has gone.
            POSIX::_exit(0) if $spec->{stdio} eq 'captured' && $lane->{buffer} ne '';
            # The command sees the end of its pipe; a terminal stays for the other direction.
            close($lane->{input} ? $lane->{to} : $lane->{from}) if !$screen;
            $lane->{ended} = 1;
        }
        @lanes = grep { !$_->{ended} } @lanes;
    }
}

sub describe_end {
    my ($ended) = @_;
    return $ended & 127 ? 'signal ' . ($ended & 127) : 'exit ' . ($ended >> 8);
}

# Why a runtime could not start the command, from its log. A program that is not there is the specification's fault.
sub runtime_failure {
    my ($program) = @_;
    my ($message) = read_file('/run/sheaf/log') =~ /"level":"error","msg":"((?:[^"\\]|\\.)*)"/;
    $message = ($message // "the runtime $program is not installed or gave no reason") =~ s/\\"/"/gr;
    return "error $message" if $message !~ /exec:? .*(?:no such file|not found|permission denied|is a directory)/i;
    return 'exit ' . ($message =~ /permission denied|is a directory/i ? 126 : 127);
}

sub read_file {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/;
    return <$file> // '';
}

# Those of the descriptors and handles that can be read within a time.
sub ready {
    my ($timeout, @handles) = @_;
    return able($timeout, \@handles, []);
}

sub writable {
    my ($timeout, @handles) = @_;
    return able($timeout, [], \@handles);
}

# Those that can be read, and those that can be written.
sub able {
    my ($timeout, $read, $write) = @_;
    my @bits = ('', '');
    my @lists = ($read, $write);
    for my $which (0, 1) { vec($bits[$which], number_of($_), 1) = 1 for @{ $lists[$which] } }
    return if select($bits[0], $bits[1], undef, $timeout) <= 0;
    return map { my $which = $_; grep { vec($bits[$which], number_of($_), 1) } @{ $lists[$which] } } 0, 1;
}

sub number_of { return ref $_[0] ? fileno($_[0]) : $_[0] }

sub seconds { return (POSIX::times())[0] / POSIX::sysconf(POSIX::_SC_CLK_TCK()) }

# True when a limit was exceeded and reported.
sub check_limits {
    my ($spec, $state, $upper) = @_;
    my @processes = processes();
    return over('processes', scalar(@processes), $state) if @processes > $spec->{processes};
    my $memory = 0;
    $memory += resident($_, $state->{page}) for @processes;
    # Shared pages count once only where it matters.
    $memory = shared_once(@processes) if $memory > $spec->{memory};
    $state->{peak} = $memory if $memory > $state->{peak};
    return over('memory', $memory, $state) if $memory > $spec->{memory};

    my $free = free_space($upper);
    return over('disk-full', $free, $state) if $free < 128 * 2**20 && $free < $state->{free};
    # Less free space tells quickly that much was written, but not where others free as much meanwhile.
    my $began = seconds();
    if ($began >= $state->{$state->{free} - $free > $spec->{disk} ? 'next_walk' : 'sure_walk'}) {
        my $used = written($upper, @processes);
        return over('disk', $used, $state) if $used > $spec->{disk};
        my $ended = seconds();
        $state->{next_walk} = $ended + 0.4 + 10 * ($ended - $began);
        $state->{sure_walk} = $ended + 3 + 100 * ($ended - $began);
    }
    return 0;
}

sub over {
    my ($limit, $value, $state) = @_;
    tell_caller("usage $state->{peak}");
    tell_caller("limit $limit $value");
    return 1;
}

# All processes inside but pid 1.
sub processes {
    opendir(my $directory, '/proc') or return;
    return grep { /^\d+$/ && $_ != 1 } readdir $directory;
}

sub resident {
    my ($pid, $page) = @_;
    open(my $file, '<', "/proc/$pid/statm") or return 0;
    return ((split / /, <$file> // '')[1] // 0) * $page;
}

sub shared_once {
    my $sum = 0;
    for my $pid (@_) {
        open(my $file, '<', "/proc/$pid/smaps_rollup") or next;
        while (<$file>) { $sum += $1 * 1024 if /^Pss:\s+(\d+)/ }
    }
    return $sum;
}

sub free_space {
    my ($directory) = @_;
    my $buffer = "\0" x 256;
    return 0 if syscall($number->{fstatfs}, fileno($directory), $buffer) < 0;
    my (undef, $block, undef, undef, $available) = unpack('q5', $buffer);
    return $block * $available;
}

# Bytes written on top of the layers, deleted files that are still open included.
sub written {
    my ($upper, @processes) = @_;
    my %seen;
    my $sum = 0;
    my $count = sub {
        my ($path, $deleted_only) = @_;
        my @stat = $deleted_only ? stat($path) : lstat($path);
        return if !@stat || ($deleted_only && $stat[3] > 0) || $seen{"$stat[0]:$stat[1]"}++;
        $sum += $stat[12] * 512;
        return S_ISDIR($stat[2]);
    };
    my @todo = ('/proc/self/fd/' . fileno($upper));
    while (defined(my $path = shift @todo)) {
        opendir(my $directory, $path) or next;
        for my $name (readdir $directory) {
            next if $name eq '.' || $name eq '..';
            push @todo, "$path/$name" if $count->("$path/$name", 0);
        }
    }
    for my $pid (@processes) {
        opendir(my $directory, "/proc/$pid/fd") or next;
        $count->("/proc/$pid/fd/$_", 1) for grep { /^\d+$/ } readdir $directory;
    }
    return $sum;
}
