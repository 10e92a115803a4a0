# Runs commands one after another, and ends with the first that fails, whose number is then the last line of the output.
# Arguments: for each command the number of its words, and its words.
use strict;
use warnings;

my $number = 0;
while (@ARGV) {
    my @command = splice @ARGV, 0, shift @ARGV;
    $number++;
    my $status = system { $command[0] } @command;
    next if $status == 0;
    print "\nsheaf: command $number\n";
    exit($status > 0 && $status >> 8 || 125);
}
