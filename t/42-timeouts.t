use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start(
	conf => {
		limits => { linger => 0 },
		json => { ping_interval => '1s', idle_timeout => '4s', handshake_timeout => '2s' } }
);
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$_->join_room($room) for $alice, $bob;

$bob->stop_reading;
wait_for('silent client to be dropped', sub { !$server->worker_of($bob) });
is($alice->next_note('left')->{user}{uri},
	'sip:bob@example.test', 'a client that gives no sign of life is dropped');
ok($alice->connected, 'one that says nothing but answers pings is not');
$bob->start_reading;
$bob->wait_closed;
my $reason = ($bob->notes('dropped'))[-1];
is($reason->{reason}, 'idle', 'and is told why, should it still be there');
ok($reason->{resume}, 'and that it may resume');

my $stranger = Pchat::Client->new(server => $server)->connect;
$stranger->call('server.info');
ok($stranger->wait_closed, 'a client that does not sign in in time is dropped');
$alice->post($room, 'still here');
is($alice->next_note->{text}, 'still here', 'one that did is served on');

done_testing;
