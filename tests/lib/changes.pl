#!/usr/bin/env perl
# SPDX-License-Identifier: MIT
#
# changes.pl grow SEED DIR...   fills the layers' directories, the base first, with what an engine or the kernel could have
#                               left there: files, directories, symlinks, nodes, whiteouts, opaque marks, odd names.
# changes.pl changes OLD NEW    what `docker diff` says of two directories, which are mounted: Docker's algorithm, naively.
use strict;
use warnings;
use Fcntl ':mode';

my @names = ('a', 'b', 'c d', "new\nline", "\xc3\xa9", "bell\x07", "\xff", 'a-b', '-', '.x', '\\n');
my $depth_max = 3;
my $whiteout; # the inode that all of a layer's share, as the kernel's do

sub run { system(@_) == 0 or die "@_: $?" }

sub mark {
	my ($path, $name, $value) = @_;
	run('setfattr', '-n', "trusted.overlay.$name", '-v', $value, '--', $path);
}

sub make {
	my ($path, $depth) = @_;
	my $what = int rand($depth < $depth_max ? 14 : 8);
	if ($what < 3) {
		open(my $file, '>', $path) or die "$path: $!";
		print $file 'x' x int rand 3;
		close $file;
		chmod((0644, 0600, 04755)[int rand 3], $path) or die;
		chown(int rand 2, int rand 2, $path) or die;
		utime(1e9, 1e9 + int rand 2, $path) or die;
	} elsif ($what == 3) {
		symlink((('a', '/etc', '../..')[int rand 3]), $path) or die;
	} elsif ($what == 4) {
		run('mknod', $path, (['c', 0, 1], ['b', 0, 0], ['p'])[int rand 3]->@*);
	} elsif ($what < 8) {
		if ($whiteout && rand() < 0.7) {
			link($whiteout, $path) or die;
		} else {
			run('mknod', '-m', (0, 777)[int rand 2], $path, 'c', 0, 0);
			$whiteout = $path;
		}
	} else {
		mkdir $path or die;
		chmod((0755, 0700)[int rand 2], $path) or die;
		fill($path, $depth + 1);
		mark($path, 'opaque', (('y', 'y', 'y', 'Y', 'yes', 'x')[int rand 6])) if rand() < 0.35;
	}
}

sub fill {
	my ($dir, $depth) = @_;
	rand() < 0.6 and make("$dir/$_", $depth) for @names;
}

# Times of modification of all below a directory, to the nanosecond, which no perl has without modules. Of what overlay lists
# though it is not there find complains, and fails.
sub mtimes {
	open(my $find, '-|', 'sh', '-c', q(exec find "$0" -printf '%p\0%T@\0' 2>/dev/null), $_[0]) or die "find: $!";
	local $/;
	my %times = split /\0/, <$find>;
	close($find);
	return \%times;
}

# Some file systems and archives have no fractions of a second, and Docker allows for that.
sub same_time {
	my ($x, $y) = @_;
	die "find has no time\n" unless defined $x && defined $y;
	return $x eq $y || int $x == int $y && "$x $y" =~ /\.0*( |$)/;
}

# Names of a directory, for overlay may list what is not there.
sub list {
	my ($dir) = @_;
	opendir(my $handle, $dir) or die "$dir: $!";
	return { map { my @st = lstat "$dir/$_"; @st ? ($_ => \@st) : () } grep { !/^\.\.?$/ } readdir $handle };
}

sub differs {
	my ($x, $y, $was, $is) = @_;
	return 1 if grep { $x->[$_] != $y->[$_] } 2, 4, 5, 6; # mode, uid, gid, rdev
	return !S_ISDIR($x->[2]) && ($x->[7] != $y->[7] || !same_time($was, $is)); # size
}

my (%changes, $old_times, $new_times);

sub compare {
	my ($old, $new, $path) = @_;
	my ($from, $to) = (defined $old ? list($old) : {}, list($new));
	my $found = 0;
	for my $name (keys %$to) {
		my ($was, $is) = ($from->{$name}, $to->{$name});
		my $kind = !$was ? 'A' : differs($was, $is, $old_times->{"$old/$name"}, $new_times->{"$new/$name"}) ? 'C' : undef;
		my $below = S_ISDIR($is->[2]) &&
			compare($was && S_ISDIR($was->[2]) ? "$old/$name" : undef, "$new/$name", "$path/$name");
		$kind //= 'C' if $below;
		$changes{"$path/$name"} = $kind if $kind;
		$found ||= $kind;
	}
	$changes{"$path/$_"} = 'D', $found = 1 for grep { !$to->{$_} } keys %$from;
	return $found;
}

my $task = shift;
if ($task eq 'grow') {
	srand shift;
	umask 0;
	for (@ARGV) {
		undef $whiteout;
		fill($_, 1);
	}
} else {
	($old_times, $new_times) = map { mtimes($_) } @ARGV;
	compare(@ARGV, '');
	for (sort keys %changes) {
		my $shown = s/([\x00-\x1f\x7f\xff])/sprintf '\\x%02x', ord $1/ger;
		print "$changes{$_} $shown\n";
	}
}
