use v5.36;
use Fcntl;
use Test::More;
use Pchat::Client;
use Pchat::Server;

# What t/unit/readonly_test.c shows of the kernel, here of the server that runs: which descriptors and
# mappings each process really holds.
my $worker = "$Pchat::Server::build/worker/pchat-worker";
my @as_nobody = ('setpriv', '--reuid', 'nobody', '--clear-groups');
my $other_user = $> == 0 && system(@as_nobody, 'test', '-x', $worker) == 0;
my $server =
	Pchat::Server->start($other_user ? (conf => { '' => { worker_user => 'nobody' } }) : ());
$server->add_users('alice');
my $room = $server->add_room('lobby');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, 'something to map');

# The shared mappings of a process that it may write to, and what stands behind them.
sub writable_maps ($pid) {
	open my $in, '<', "/proc/$pid/maps" or die "could not read /proc/$pid/maps: $!\n";
	return map { m{^\S+ .w.s \S+ \S+ \d+\s+(.*)} ? $1 : () } <$in>;
}

# The open files of a process: target => whether it may write.
sub files ($pid) {
	my @found;
	for my $fd (glob "/proc/$pid/fd/*") {
		my $target = readlink $fd // next;
		open my $in, '<', $fd =~ s/fd(?=\/\d+$)/fdinfo/r or next;
		my ($flags) = map { /^flags:\s*(\d+)/ ? oct $1 : () } <$in>;
		push @found, [$target, ($flags & O_ACCMODE) != O_RDONLY];
	}
	return @found;
}

my $protected = qr/journal|cache/;
my %seen;
for my $process ($server->processes) {
	my ($pid, $role) = @$process{qw(pid role)};
	my @maps = writable_maps($pid);
	my @files = files($pid);
	next if $seen{$role}++ && $role ne 'worker';
	if ($role eq 'sequencer') {
		ok(
			scalar(grep { $_->[1] && $_->[0] =~ /journal/ } @files),
			'the sequencer has the journal open for writing'
		);
		ok(scalar(grep {/cache/} @maps), 'and the cache mapped for writing');
		next;
	}
	is_deeply([grep {/$protected/} @maps],
		[], "a $role has neither journal nor cache mapped for writing");
	is_deeply([map { $_->[0] } grep { $_->[1] && $_->[0] =~ /$protected/ } @files],
		[], "a $role has no descriptor by which it could write to either");
	if ($role eq 'worker') {
		ok(scalar(grep { $_->[0] =~ /journal/ } @files), 'a worker can read the journal');
		ok(scalar(grep { $_->[0] =~ /cache/ } @files), 'and the cache');
		is(
			scalar(
				grep { /content\.db|key/i && $_ !~ /keyring/ }
				map { $_->[0] } @files
			),
			scalar(grep { $_->[0] =~ m{/key\.pem$} } @files),
			'and holds no secret but the TLS key'
		);
	}
}

SKIP: {
	skip 'only root can become somebody else, who must be able to run the worker', 2
		if !$other_user;
	my ($pid) = $server->pids('worker');
	open my $in, '<', "/proc/$pid/status" or die;
	is(
		(map { /^Uid:\s+(\d+)/ ? $1 : () } <$in>)[0],
		scalar getpwnam 'nobody',
		'a worker runs as the user that the configuration names'
	);
	my $reopened = 0;
	for my $fd (6, 7) {
		my ($code) = $server->command(@as_nobody, 'sh', '-c', ": <>/proc/$pid/fd/$fd");
		$reopened++ if $code == 0;
	}
	is($reopened, 0, 'and that user cannot open journal or cache again for writing');
}

done_testing;
