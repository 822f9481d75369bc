#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# many.pl ROOT LAYERS DEPTH   a Docker root with LAYERS layers in stacks of DEPTH, each stack an image with a name, as
#                             tree.bash and docker.bash write it, in seconds. ROOT must not be there.
#                             Prints the uppermost layer of the first image.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my ($root, $layers, $depth) = @ARGV;
my $db = "$root/image/overlay2";
umask 022;
mkdir $_, 0711 or die "$_: $!"
	for $root, "$root/overlay2", "$root/overlay2/l", "$root/containers", "$root/image", $db, "$db/imagedb",
	"$db/imagedb/content", "$db/imagedb/content/sha256", "$db/layerdb", "$db/layerdb/sha256", "$db/layerdb/mounts";

sub put {
	my ($path, $text) = @_;
	open my $out, '>', $path or die "$path: $!";
	print $out $text;
	close $out or die "$path: $!";
}

sub link_of {
	my ($n) = @_;
	my $text = '';
	($text, $n) = (chr(65 + $n % 26) . $text, int $n / 26) for 1 .. 6;
	return "LAYERLAYERLAYERLAYER$text";
}

my (%names, @lowers, @diffs, $chain, $first);
for my $n (1 .. $layers) {
	my $id = sha256_hex("layer $n");
	my $dir = "$root/overlay2/$id";
	@lowers = @diffs = () if ($n - 1) % $depth == 0;
	mkdir $_, 0755 or die "$_: $!" for $dir, "$dir/diff";
	symlink "../$id/diff", "$root/overlay2/l/" . link_of($n) or die "$id: $!";
	put("$dir/link", link_of($n));
	put("$dir/committed", '') if $n % $depth;
	if (@lowers) {
		mkdir "$dir/work", 0700 or die "$dir/work: $!";
		put("$dir/lower", join ':', @lowers);
	}
	my $diff = 'sha256:' . sha256_hex("diff $n");
	my $parent = @lowers ? $chain : '';
	$chain = $parent ? sha256_hex("sha256:$parent $diff") : substr $diff, 7;
	my $entry = "$db/layerdb/sha256/$chain";
	mkdir $entry, 0755 or die "$entry: $!";
	put("$entry/cache-id", $id);
	put("$entry/diff", $diff);
	put("$entry/size", 1000);
	put("$entry/parent", "sha256:$parent") if $parent;
	unshift @lowers, 'l/' . link_of($n);
	push @diffs, qq("$diff");
	next if $n % $depth;
	my $config = sprintf '{"created":"2026-01-02T03:04:05Z","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}', join ',', @diffs;
	my $image = sha256_hex($config);
	put("$db/imagedb/content/sha256/$image", $config);
	push @{ $names{"image" . int($n / $depth)} }, sprintf '"image%d:1":"sha256:%s"', $n / $depth, $image;
	$first //= $id;
}
put("$db/repositories.json", '{"Repositories":{' . join(',', map { qq("$_":{) . join(',', @{ $names{$_} }) . '}' } sort keys %names) . '}}');
print "$first\n";
