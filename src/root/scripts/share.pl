# Replaces files that dpkg unpacked by links to the same files in the store. Arguments: the store, the directory that dpkg
# wrote to, names of the merged directories with commas, then the hashes of the packages.
use strict;
use warnings;
use Fcntl qw(:mode);
use File::Compare;

my ($store, $upper, $links, @hashes) = @ARGV;
my $merged = join '|', qw(bin sbin lib), grep { $_ ne '' } split /,/, $links;
for my $hash (@hashes) {
    open(my $list, '<', "$store/$hash/list") or die "$store/$hash/list: $!\n";
    while (my $name = <$list>) {
        chomp $name;
        $name =~ s{^\./}{};
        my $ours = "$upper/" . ($name =~ m{^(?:$merged)/} ? "usr/$name" : $name);
        my $theirs = "$store/$hash/data/$name";
        my @ours = lstat $ours or next;
        my @theirs = lstat $theirs or next;
        next if !S_ISREG($ours[2]) || "@ours[2, 4, 5, 7, 9]" ne "@theirs[2, 4, 5, 7, 9]" || $ours[3] > 1;
        next if compare($ours, $theirs) != 0;
        unlink "$upper/.sheaf-link";
        link($theirs, "$upper/.sheaf-link") && rename("$upper/.sheaf-link", $ours);
    }
}
