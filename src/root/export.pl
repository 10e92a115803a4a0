# Writes a root as a tar archive on standard output: the same files give the same bytes, whatever made their layers.
# Arguments: the newest time that an entry may have; "merged", or "layer" for what the layers change in those below them;
# the directories of the layers, the topmost first, as overlay(4) writes them with "userxattr".
#
# ustar headers, with pax records (POSIX.1-2017 pax, "pax Header Block") where those have no room. Sorted by the bytes of
# the path; of the names of one file the first has its content. No names of users, no times but that of the content.
# Devices and sockets are left out: whoever starts the root makes them.
use strict;
use warnings;
use Fcntl qw(:mode);
use POSIX ();

my ($newest, $kind, @layers) = @ARGV;
my ($listxattr, $getxattr) = (POSIX::uname())[4] eq 'x86_64' ? (195, 192) : (12, 9);
my ($block, $record, $most) = (512, 10240, 2**20);

my @entries = sort { $a->{path} cmp $b->{path} } ({ path => '.', disk => $layers[0] }, walk('.', @layers));
my %names;
my ($written, $waiting) = (0, '');
binmode STDOUT;
put_entry($_) for @entries;
put("\0" x (2 * $block));
put("\0" x (($record - $written % $record) % $record));
flush_waiting();

# What is below a directory, which several layers may have.
sub walk {
    my ($path, @directories) = @_;
    my (@found, %seen, %hidden, %below);
    for my $directory (@directories) {
        opendir(my $handle, $directory) or die "cannot read $directory: $!\n";
        for my $name (sort readdir $handle) {
            next if $name eq '.' || $name eq '..' || $hidden{$name};
            my $disk = "$directory/$name";
            my ($mode, $rdev) = (lstat $disk)[2, 6];
            die "cannot look at $disk: $!\n" if !defined $mode;
            if (S_ISCHR($mode) && $rdev == 0) {
                push @found, { path => "$path/.wh.$name" } if $kind eq 'layer' && !$seen{$name};
                $hidden{$name} = 1;
                next;
            }
            my $is_directory = S_ISDIR($mode);
            my $is_opaque = $is_directory && (xattrs($disk, 'user.overlay.opaque')->{'user.overlay.opaque'} // '') eq 'y';
            $hidden{$name} = 1 if !$is_directory || $is_opaque;
            push @{ $below{$name} }, $disk if $is_directory && (!$seen{$name} || $below{$name});
            push @found, { path => "$path/$name/.wh..wh..opq" } if $is_opaque && $kind eq 'layer';
            push @found, { path => "$path/$name", disk => $disk } if !$seen{$name}++;
        }
    }
    return (@found, map { walk("$path/$_", @{ $below{$_} }) } sort keys %below);
}

sub put_entry {
    my ($entry) = @_;
    my ($path, $disk) = @$entry{qw(path disk)};
    # The sign of a removed name: the OCI image specification, "Whiteouts".
    return put_header($path, '0', 0644, 0, 0, 0, $newest, '') if !defined $disk;
    my ($device, $inode, $mode, $links, $uid, $gid, $size, $mtime) = (lstat $disk)[0 .. 5, 7, 9];
    die "cannot look at $disk: $!\n" if !defined $mode;
    my $permissions = S_IMODE($mode);
    my $time = $mtime > $newest ? $newest : $mtime < 0 ? 0 : int $mtime;
    my @owner = ($uid, $gid);
    my $extra = xattrs($disk);
    if (S_ISDIR($mode)) { put_header("$path/", '5', $permissions, @owner, 0, $time, '', $extra) }
    elsif (S_ISLNK($mode)) { put_header($path, '2', 0777, @owner, 0, $time, readlink($disk) // die "cannot read $disk: $!\n") }
    elsif (S_ISREG($mode)) {
        my $first = $links > 1 ? ($names{"$device:$inode"} //= $path) : $path;
        return put_header($path, '1', $permissions, @owner, 0, $time, $first) if $first ne $path;
        put_header($path, '0', $permissions, @owner, $size, $time, '', $extra);
        put_content($disk, $size);
    }
    elsif (S_ISFIFO($mode)) { put_header($path, '6', $permissions, @owner, 0, $time, '', $extra) }
}

sub put_header {
    my ($path, $type, $mode, $uid, $gid, $size, $time, $target, $extra) = @_;
    my %records = map { ("SCHILY.xattr.$_" => $extra->{$_}) } keys %{ $extra // {} };
    $records{path}     = $path   if length $path > 100;
    $records{linkpath} = $target if length $target > 100;
    $records{size}     = $size   if $size >= 8**11;
    if (%records) {
        my $text = join('', map { pax_record($_, $records{$_}) } sort keys %records);
        put_block('PaxHeaders/' . substr($path =~ s{^.*/(?=.)}{}sr, 0, 80), 'x', 0644, 0, 0, length $text, $time, '');
        put($text . "\0" x (-length($text) % $block));
    }
    put_block(substr($path, 0, 100), $type, $mode, $uid, $gid, $size >= 8**11 ? 0 : $size, $time, substr($target, 0, 100));
}

sub put_block {
    my ($path, $type, $mode, $uid, $gid, $size, $time, $target) = @_;
    my $numbers = sprintf("%07o\0%07o\0%07o\0%011o\0%011o\0", $mode, $uid, $gid, $size, $time);
    my $header = pack('a100 a48 a8 a1 a100 a6 a2 a32 a32 a8 a8 a155 x12',
        $path, $numbers, ' ' x 8, $type, $target, "ustar\0", '00', '', '', "0000000\0", "0000000\0", '');
    substr($header, 148, 8) = sprintf("%06o\0 ", unpack('%32C*', $header));
    put($header);
}

# "LENGTH NAME=VALUE\n", where the length counts its own digits.
sub pax_record {
    my ($name, $value) = @_;
    my $rest = length($name) + length($value) + 3;
    my $length = $rest + length $rest;
    $length = $rest + length $length if $length != $rest + length $length;
    return "$length $name=$value\n";
}

sub put_content {
    my ($disk, $size) = @_;
    return if $size == 0;
    open(my $file, '<:raw', $disk) or die "cannot read $disk: $!\n";
    my $left = $size;
    while ($left > 0) {
        my $length = sysread($file, my $bytes, $left < $most ? $left : $most);
        die "cannot read $disk: " . (defined $length ? 'it became shorter' : $!) . "\n" if !$length;
        put($bytes);
        $left -= $length;
    }
    put("\0" x (-$size % $block));
}

# What belongs to the file itself: capabilities, access lists. Others are the host's: its labels and the notes of its overlay.
sub xattrs {
    my ($disk, $wanted) = @_;
    my $list = "\0" x 4096;
    my $path = $disk;
    my $length = syscall($listxattr, $path, $list, length $list);
    return {} if $length <= 0;
    my %found;
    for my $name (split /\0/, substr($list, 0, $length)) {
        next if defined $wanted ? $name ne $wanted : $name !~ /^(?:security\.capability\z|system\.posix_acl_(?:access|default)\z|user\.(?!overlay\.))/;
        my $value = "\0" x 65536;
        my $size = syscall($getxattr, $path, $name, $value, length $value);
        die "cannot read $name of $disk: $!\n" if $size < 0;
        $found{$name} = substr($value, 0, $size);
    }
    return \%found;
}

sub put {
    my ($bytes) = @_;
    $written += length $bytes;
    $waiting .= $bytes;
    flush_waiting() if length $waiting >= 2**18;
}

sub flush_waiting {
    my $offset = 0;
    while ($offset < length $waiting) {
        my $done = syswrite(STDOUT, $waiting, length($waiting) - $offset, $offset);
        die "cannot write: $!\n" if !defined $done;
        $offset += $done;
    }
    $waiting = '';
}
