# A client may write more at once than the server reads in one turn, or has under way at a time: it
# waits in the socket, and nobody need write more for it to be read.
use v5.36;
use Mojo::IOLoop;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

use constant { QUESTIONS => 3000, POSTS => 400, PAD => 400 };

# How many of so many requests, all written at once, are answered without an error. Those for which a
# machine is too busy are made again, as the protocol says.
sub answered ($client, $count, $method, $params) {
	my ($well, $ill) = (0, 0);
	my $ask;
	$ask = sub ($i) {
		$client->request(
			$method,
			$params->($i),
			sub ($error, $result = undef) {
				return Mojo::IOLoop->timer(0.1 => sub { $ask->($i) })
					if $error && $error->{name} eq 'busy';
				$error ? $ill++ : $well++;
			});
	};
	$ask->($_) for 1 .. $count;
	wait_for('all to be answered', sub { $well + $ill == $count });
	return $well;
}

for my $tls (0, 1) {
	my $how = $tls ? 'with TLS' : 'in plain text';
	my $server = Pchat::Server->start(tls => $tls);
	$server->add_users('alice');
	my $room = $server->add_room('lobby');
	my $alice = Pchat::Client->enter(server => $server, user => 'alice');
	$alice->join_room($room);
	is(answered($alice, QUESTIONS, 'server.info', sub ($i) { { pad => 'x' x PAD } }),
		QUESTIONS, "a megabyte of questions is answered to the last one $how");
	is(
		answered(
			$alice,
			POSTS,
			'message.post',
			sub ($i) { { room => $room, text => "$i " . 'x' x PAD, id => "burst $i" } }
		),
		POSTS,
		"more posts than may be under way are accepted to the last one $how"
	);
	my @seen = map { $alice->next_note->{seq} } 1 .. POSTS;
	is_deeply(\@seen, [1 .. POSTS], 'and come back in their order');
	$server->finish;
}

done_testing;
