#!/usr/bin/env perl
# SPDX-License-Identifier: MIT
#
# views.pl OLD NEW   what differs between two views that lister.c wrote, as `docker diff` would print it: by what the kernel
#                    shows and by checksums, where ovlctl goes by layers, sizes and times.
use strict;
use warnings;

# A view: what is compared of each path. Of directories no time, of attributes only capabilities, and no hard links.
sub load {
	my ($file) = @_;
	my %view;
	open(my $lines, '<', $file) or die "$file: $!";
	while (my $line = <$lines>) {
		my ($path, $type, $rest) = $line =~ /^(\S+) type=(\S+)( .*)$/ or die "$file: $line";
		$rest =~ s/ (?:links=|same-as=|(?!security\.capability=)[a-z]+\.[^= ]+=)\S*//g;
		my $time = $rest =~ s/ mtime=(\S+)// ? $1 : '';
		$view{$path} = { type => $type, rest => $rest, time => $type eq 'directory' ? '' : $time };
	}
	delete $view{'/'};
	return \%view;
}

# Archives have no fractions of a second.
sub is_same_time {
	my ($x, $y) = @_;
	return $x eq $y || s/\..*//r eq $y =~ s/\..*//r && "$x $y" =~ /\.0{9}\b/ for $x;
}

sub is_same {
	my ($x, $y) = @_;
	return $x->{type} eq $y->{type} && $x->{rest} eq $y->{rest} && is_same_time($x->{time}, $y->{time});
}

sub above {
	my ($path) = @_;
	return $path =~ s#/[^/]*$##r;
}

my ($old, $new) = map { load($_) } @ARGV;
my %changes;
for my $path (keys %$new) {
	$changes{$path} = !$old->{$path} ? 'A' : is_same($old->{$path}, $new->{$path}) ? next : 'C';
}
for my $path (keys %$old) {
	my $dir = above($path);
	# What was in a directory that is gone is not told, nor in one that is a file now.
	$changes{$path} = 'D' if !$new->{$path} && ($dir eq '' || $new->{$dir} && $new->{$dir}{type} eq 'directory');
}
for my $path (keys %changes) {
	while (($path = above($path)) ne '') {
		$changes{$path} //= 'C';
	}
}
for (keys %changes) {
	# \ooo is a byte; ovlctl prints it, but for control characters and what is no UTF-8.
	my $shown = s/\\([0-7]{3})/chr oct $1/ger =~ s/[\x00-\x1f\x7f\xfe\xff]/sprintf '\\x%02x', ord $&/ger;
	print "$changes{$_} $shown\n";
}
