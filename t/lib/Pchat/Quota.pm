package Pchat::Quota;

# Slower processors than the machine has: a server that is held to some shares of a processor, and
# each of its processes, which use one processor at most, to one such share. So a machine of four
# processors has four quarters of one for a server, and three whole ones for the generator. By control
# groups of the kernel, version 1 or 2; as root.
#
#   my $quota = Pchat::Quota->new(shares => 4, share => 0.25);
#   $quota->hold(@pids);
#
# The groups are removed in the end.

use v5.36;

use constant {
	PERIOD => 20_000,    # microseconds: as short as the slices below allow
	SLICE => '/proc/sys/kernel/sched_cfs_bandwidth_slice_us',
	SLICE_WANTED => 500,
};

my $owner = $$;
my (@all, $slice_before);

sub new ($class, %option) {
	state $number = 0;
	my $self = bless { %option, root => _root() }, $class;
	$self->{directory} = "$self->{root}/pchat-bench-$$-" . $number++;
	_small_slices();
	$self->_make($self->{directory}, $self->{shares});
	push @all, $self;
	return $self;
}

# Where groups of processor time are made, and which version that is.
sub _root () {
	for my $directory (qw(/sys/fs/cgroup /sys/fs/cgroup/cpu)) {
		return $directory
			if -w "$directory/cgroup.subtree_control" || -w "$directory/cpu.shares";
	}
	die "there are no control groups to hold a server's processor time with\n";
}

# What one processor takes of a group's time at once must be little, or the others get none of it.
sub _small_slices () {
	return if defined $slice_before;
	open my $in, '<', SLICE or return;
	chomp($slice_before = <$in>);
	_write(SLICE, SLICE_WANTED);
}

sub _write ($file, $text) {
	open my $out, '>', $file or die "could not open $file: $!\n";
	print $out "$text\n";
	close $out or die "could not write $text to $file: $!\n";
}

sub _make ($self, $directory, $shares) {
	mkdir $directory or die "could not make $directory: $!\n";
	my $quota = int($shares * $self->{share} * PERIOD);
	if (-e "$directory/cpu.cfs_quota_us") {
		_write("$directory/cpu.cfs_period_us", PERIOD);
		_write("$directory/cpu.cfs_quota_us", $quota);
		return;
	}
	_write("$self->{root}/cgroup.subtree_control", '+cpu');
	_write("$directory/cpu.max", "$quota @{[PERIOD]}");
	_write("$directory/cgroup.subtree_control", '+cpu') if $directory eq $self->{directory};
}

# Each of these processes gets a group of its own, within that of all.
sub hold ($self, @pids) {
	for my $pid (@pids) {
		my $directory = "$self->{directory}/$pid";
		$self->_make($directory, 1);
		_write("$directory/cgroup.procs", $pid);
	}
}

# What still runs goes back to where it came from.
sub finish ($self) {
	for my $directory (glob("$self->{directory}/[0-9]*"), $self->{directory}) {
		open my $in, '<', "$directory/cgroup.procs" or next;
		while (my $pid = <$in>) {
			chomp $pid;
			eval { _write("$self->{root}/cgroup.procs", $pid) };
		}
		close $in;
		rmdir $directory or warn "could not remove $directory: $!\n";
	}
}

END {
	my $status = $?;
	if ($$ == $owner) {
		$_->finish for @all;
		eval { _write(SLICE, $slice_before) } if defined $slice_before;
	}
	$? = $status;
}

1;
