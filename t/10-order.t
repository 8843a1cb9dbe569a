use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my ($alice, $bob) = $server->spread(qw(alice bob));
isnt(
	$server->worker_of($alice),
	$server->worker_of($bob),
	'two clients are connected to two different workers'
);
$_->join_room($room) for $alice, $bob;

$alice->post($room, 'hello bob');
is($bob->next_note->{text}, 'hello bob', 'what one writes reaches the other on another worker');
my $own = $alice->next_note;
is($own->{text}, 'hello bob', 'and comes back to its author');
is($own->{from}, 'sip:alice@example.test', 'with the name of its author');
$bob->post($room, 'hello alice');
is($alice->next_note->{text}, 'hello alice', 'the other way as well');
$bob->next_note;

# Many at once, without waiting for answers; a session may have 64 requests under way.
my (%seq, @alice, @bob);
for my $round (0 .. 7) {
	for my $i (map { 25 * $round + $_ } 1 .. 25) {
		for my $who ($alice, $bob) {
			my $id = "$who->{user}-$i";
			$who->request(
				'message.post',
				{ room => $room, id => $id, text => $id },
				sub ($error, $result = undef) {
					$seq{$id} = $error ? $error->{name} : $result->{seq};
				});
		}
	}
	push @alice, map { $alice->next_note } 1 .. 50;
	push @bob, map { $bob->next_note } 1 .. 50;
	wait_for('acknowledgements', sub { keys %seq == 50 * ($round + 1) });
}
is_deeply([map { $_->{seq} } @alice], [3 .. 402], 'sequence numbers have no gap');
is_deeply(
	[map {"$_->{seq} $_->{id}"} @alice],
	[map {"$_->{seq} $_->{id}"} @bob],
	'both see the same order'
);
is_deeply({ map { $_->{id} => $_->{seq} } @alice },
	\%seq, 'the acknowledgements carry the same numbers');
for my $user (qw(alice bob)) {
	is_deeply(
		[map { $_->{id} } grep { $_->{id} =~ /^$user/ } @alice],
		[map {"$user-$_"} 1 .. 200],
		"what $user wrote first stands first"
	);
}
my @times = map { $_->{time} } @alice;
is_deeply(\@times, [sort @times], 'times do not go back');
my @rows = $server->stored($room, 402);
is_deeply(
	[map { $_->{id} } @rows[2 .. 401]],
	[map { $_->{id} } @alice],
	'SQL has them in the same order'
);

my $late = Pchat::Client->enter(server => $server, user => 'bob')->join_room($room, history => 500);
is_deeply(
	[map { $_->{seq} } @{ $late->{messages} }],
	[1 .. 402],
	'who comes later finds all of them'
);

done_testing;
