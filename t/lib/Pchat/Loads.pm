package Pchat::Loads;

# Loads that more than one script puts on a server: what each needs of a server, and the load.

use v5.36;
use Exporter 'import';
use Pchat::Bench;
use Pchat::Wait;

our @EXPORT = qw(full_and_half storm_server storm failover_server failover);

# Plain and by TLS, as fast as posts are answered, and at half of that: a script of its own.
sub full_and_half ($question, $rooms, $size, %load) {
	my %figures;
	for my $tls (0, 1) {
		my $seats = $rooms * $size;
		my $bench = Pchat::Bench->new(
			tls => $tls,
			connections => $seats,
			rooms => $rooms,
			seats => $seats
		);
		my @load = (
			'deliveries_per_second',
			join => "$rooms:$size",
			processes => size_of(1, 2),
			seconds => size_of(2, 10),
			%load
		);
		my $full = $bench->median(@load);
		my $half = $bench->median(@load, rate => $full->{posts_per_second} / 2);
		$figures{ $tls ? 'tls' : 'plain' } = { saturated => $full, half => $half };
		$bench->server->stop;
	}
	Pchat::Bench::report($question, %figures);
}

# 16 rooms each: 14 of 30, two of 150. There are so many users that none is in a room twice.
sub _storm_rooms ($users) { return (int($users * 14 / 30), int($users * 2 / 150) || 1) }

sub storm_server ($users, %options) {
	my ($small, $large) = _storm_rooms($users);
	return Pchat::Bench->new(
		connections => $users,
		users => size_of(150, 200),
		rooms => $small + $large,
		seats => 16 * $users,
		%options
	);
}

# All come, are cut in the middle, and come back with their tokens.
sub storm ($bench, $users, $seconds) {
	my ($small, $large) = _storm_rooms($users);
	my $figures = $bench->load(
		join => "$small:30,$large:150",
		senders => 1,
		rate => 10,
		seconds => $seconds,
		processes => size_of(1, 3),
		handshakes => 256,
		storm => undef
	);
	$figures->{users_per_second} = 0 + sprintf '%.0f', $users / $figures->{all_back_ms} * 1000;
	return $figures;
}

sub failover_server ($connections, %options) {
	return Pchat::Bench->new(
		connections => $connections,
		rooms => $connections / 20,
		seats => $connections,
		users => 100,
		%options
	);
}

# The only worker is killed in the middle.
sub failover ($bench, $connections, $seconds) {
	my $worker = wait_for('an active worker', sub { ($bench->active_workers)[0] });
	wait_for('a standby', sub { 2 == (() = $bench->server->pids('worker')) });
	$bench->server->expect_end($worker);
	return $bench->load(
		join => $connections / 20 . ':20',
		senders => 1,
		rate => 100,
		seconds => $seconds,
		processes => size_of(1, 2),
		kill => $worker,
		handshakes => 256
	);
}

1;
