use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start(tls => 0, conf => { json => { output_size => '256k' } });
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$_->join_room($room) for $alice, $bob;

# Bob's end stops reading: kernel buffers fill, then the server's.
my $token = $bob->{token};
$bob->stop_reading;
my $count = 0;
wait_for(
	'slow reader to be dropped',
	sub {
		$alice->post($room, 'z' x 8000), $count++ for 1 .. 20;
		return $server->log =~ /slow/;
	});
ok($count, 'a reader that does not read is dropped');
is($alice->post($room, 'on')->{seq}, ++$count, 'the others are not held up');
$bob->start_reading;
$bob->wait_closed;
my @got = map { $_->{seq} } $bob->notes;
is_deeply(\@got, [1 .. @got], 'what it got has no gap');
$bob = Pchat::Client->new(server => $server)->connect->resume($token);
my @rest = $bob->catch_up($room, scalar @got);
is_deeply([@got, map { $_->{seq} } @rest], [1 .. $count], 'and it resumes without a gap');

done_testing;
