package Pchat::Disk;

# A small file system of a test's own, in memory, to be filled. It stands below the directory of a
# Pchat::Server or a Pchat::Postgres, which unmounts it when it ends. Only root can have one.
#
#   my $disk = Pchat::Disk->mount("$directory/disk", '4M') or skip 'no file system can be mounted', 3;
#   $disk->fill;        # not a byte is left
#   $disk->free;        # what it had before
#   $disk->resize('200M');

use v5.36;

# Nothing where it cannot be had.
sub mount ($class, $directory, $size) {
	return if $> != 0;
	-d $directory or mkdir $directory or die "could not make $directory: $!\n";
	return if system "mount -t tmpfs -o size=$size tmpfs '$directory' 2>/dev/null";
	return bless { directory => $directory }, $class;
}

sub resize ($self, $size) {
	system("mount -o remount,size=$size '$self->{directory}'") == 0
		or die "could not resize $self->{directory}\n";
}

sub fill ($self) {
	open my $out, '>>', "$self->{directory}/filler" or die "could not fill the disk: $!\n";
	1 while syswrite $out, 'f' x 4096;
	close $out;
}

# Gives so many bytes of that back.
sub give ($self, $bytes) {
	my $filler = "$self->{directory}/filler";
	truncate $filler, (-s $filler) - $bytes or die "could not truncate $filler: $!\n";
}

sub free ($self) { unlink "$self->{directory}/filler" }

# Those that are below a directory, whoever still has files there.
sub unmount_below ($class, $directory) {
	open my $in, '<', '/proc/self/mounts' or return;
	my @mounted = grep { index($_, "$directory/") == 0 } map { (split ' ')[1] } <$in>;
	system 'umount', '-l', $_ for reverse @mounted;
}

1;
