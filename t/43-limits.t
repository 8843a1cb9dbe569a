use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Every table is small here. Full is an answer, and changes nothing for those who are in.
my $server = Pchat::Server->start(
	tls => 0,
	conf => {
		workers => { active => 1, standby => 1 },
		limits => { rooms_per_session => 2 },
		cache => { rooms => 16, principals => 16, sessions => 16, participants => 16 },
		json => { connections => 40, handshake_timeout => '10m' },
	});
$server->add_users(qw(alice bob));

sub until_refused ($try) {
	for my $count (0 .. 100) {
		my $refusal = $try->($count);
		return ($count, $refusal) if $refusal ne 'ok';
	}
	return (101, 'never');
}

sub admin_refusal (@call) {
	my ($error) = $server->try_admin(@call);
	return $error ? $error->{name} : 'ok';
}

my (@rooms, $data);
my ($count, $refusal) = until_refused(sub ($turn) {
	my ($error, $result) =
		$server->try_admin('room.create', name => "room $turn", privacy => 'open');
	$data = $error->{data} if $error;
	push @rooms, $result->{room} if $result;
	return $error ? $error->{name} : 'ok';
});
is($refusal, 'LimitExceeded', 'when the table of rooms is full, another is refused');
cmp_ok($count, '>=', 14, 'not before');
is($data->{setting}, 'cache.rooms', 'and the setting is named');
like(
	($server->pchatctl(qw(room create another)))[1],
	qr/LimitExceeded: .*cache\.rooms/,
	'by pchatctl, too'
);
like($server->log, qr/refused what is new: cache \{ rooms \} is full/, 'and in the log');
($count, $refusal) = until_refused(sub ($turn) {
	return admin_refusal(
		'user.add',
		uri => "user$turn",
		name => "User $turn",
		password => 'a secret'
	);
});
is($refusal, 'LimitExceeded', 'when the table of users is full, another is refused');
is(admin_refusal('user.passwd', uri => 'user0', password => 'new secret'),
	'ok', 'those who are there can be changed');

my $alice = Pchat::Client->enter(server => $server, user => 'alice');
($count, $refusal) = until_refused(sub ($turn) {
	$alice->refusal_of_join($rooms[$turn]);
});
is_deeply([$count, $refusal], [2, 'LimitExceeded'], 'a session may be in so many rooms');
$alice->post($rooms[0], 'first');

my @clients;
($count, $refusal) = until_refused(sub ($turn) {
	my $client = Pchat::Client->new(server => $server, user => 'bob')->connect;
	push @clients, $client;
	return $client->refusal('auth.start', mechanism => 'PLAIN', data => $client->plain);
});
like($refusal, qr/^(LimitExceeded|busy)$/,
	'when the table of sessions is full, a sign-in is refused');
cmp_ok($count, '>=', 12, 'not before');
is($alice->post($rooms[0], 'second')->{seq}, 2, 'those who are in go on');
$clients[0]->close;
wait_for(
	'place of a session that ended',
	sub {
		my $client = Pchat::Client->new(server => $server, user => 'bob')->connect;
		my $answer = $client->refusal(
			'auth.start',
			mechanism => 'PLAIN',
			data => $client->plain
		);
		$client->close if $answer ne 'ok';
		return $answer eq 'ok';
	});
pass('a place that becomes free is taken');
is($clients[1]->refusal_of_join($rooms[0]), 'ok', 'there is room in the table of participants');

# More connections than a worker may have wait until there is a place, and hinder nobody.
my @open = grep { $_->connected } @clients;
my ($waiting, $answered);
wait_for(
	'connection that has to wait',
	sub {
		my $client = Pchat::Client->new(server => $server);
		my $started;
		$client->start(sub ($error = undef) { $started = 1; $answered = !defined $error });
		for my $turn (1 .. 50) {
			$alice->call('server.info');
			last if $started;
		}
		return $waiting = $client if !$started;
		push @open, $client;
		return @open > 50;
	});
ok($waiting, 'a worker takes no more connections than it may');
cmp_ok(scalar @open, '<=', 40, 'which are those that the configuration names');
is($alice->post($rooms[0], 'third')->{seq}, 3, 'those that it has are served');
(shift @open)->close;
wait_for('place for the one that waited', sub {$answered});
pass('when one goes another gets in');

done_testing;
