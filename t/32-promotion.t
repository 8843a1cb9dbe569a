use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start(conf => { limits => { linger => '1h' } });
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my ($alice, $bob) = $server->spread(qw(alice bob));
$_->join_room($room) for $alice, $bob;
my ($first, $second) = map { $server->worker_of($_) } $alice, $bob;
my ($standby) = grep { $_ != $first && $_ != $second } $server->pids('worker');
$alice->post($room, 'before');
$_->next_note for $alice, $bob;

$server->kill($first);
$alice->wait_closed;
$bob->post($room, 'while alice is away');
is($bob->next_note->{text}, 'while alice is away', 'who is on another worker notices nothing');
my $served = wait_for(
	'a client on the promoted standby',
	sub {
		my $client = Pchat::Client->new(server => $server, user => 'alice')->connect;
		return $client if ($server->worker_of($client) // 0) == $standby;
		$client->close;
		return;
	});
ok($served, 'the standby serves in the place of the dead worker');
$served->resume($alice->{token});
my $answer = $served->join_room($room, since => 1);
is_deeply([map { $_->{text} } @{ $answer->{messages} }],
	['while alice is away'], 'a resumed session gets what it missed, and only that');
wait_for('a new standby', sub { (my @now = $server->pids('worker')) == 3 });
ok(!grep({ $_ == $first } $server->pids('worker')), 'a new standby stands behind it');
$served->post($room, 'back');
is($bob->next_note->{text}, 'back', 'and chat goes on');
is(scalar $bob->notes('left') + $bob->notes('joined'), 0, 'the others have not heard of it');

# A worker that keeps dying is not given up.
for my $turn (1 .. 5) {
	$server->kill(($server->pids('worker'))[0]);
	wait_for('worker to be replaced', sub { (my @now = $server->pids('worker')) == 3 });
}
ok(
	eval { Pchat::Client->enter(server => $server, user => 'alice') },
	'after many deaths there are still workers that serve'
) or diag $@;

# A process that hangs is no better than a dead one.
my ($sequencer) = $server->pids('sequencer');
$server->kill($sequencer, 'STOP');
wait_for(
	'sequencer to be replaced',
	sub {
		grep { $_ != $sequencer } $server->pids('sequencer');
	});
is(Pchat::Client->enter(server => $server, user => 'alice')->join_room($room)->{last_seq},
	3, 'a sequencer that hangs is replaced');

done_testing;
