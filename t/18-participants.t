use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Up to participant_update_limit users everybody is told who comes and goes; in a larger room nobody
# is, and the list is fetched when somebody wants to see it.
use constant LIMIT => 3;

my @names = map { "user$_" } 1 .. LIMIT + 2;
my $server = Pchat::Server->start(conf => { limits => { participant_update_limit => LIMIT } });
$server->add_users(@names);
my $room = $server->add_room('Lobby');
my @clients = map { Pchat::Client->enter(server => $server, user => $_) } @names;
my $first = $clients[0];

sub list_of ($client) {
	my $list = $client->call('room.participants', room => $room)->{participants};
	return join ' ', sort map { $_->{uri} =~ /:(\w+)/ } @$list;
}

# Everything that was told before has come when a message that is posted now has.
sub told ($client) {
	state $number = 0;
	my $text = 'marker ' . ++$number;
	$clients[0]->post($room, $text);
	wait_for('the marker', sub { grep { $_->{text} eq $text } $client->notes });
	my @told = map { [$_->{method}, $_->{params}{user}{uri} =~ /:(\w+)/, $_->{params}{count}] }
		grep { $_->{method} =~ /^(joined|left)$/ } @{ $client->{notes} };
	splice @{ $client->{notes} };
	return \@told;
}

my @answers = map { $_->join_room($room) } @clients[0 .. LIMIT - 1];
is(scalar @{ $answers[-1]{participants} }, LIMIT, 'up to the limit a join gives the list');
is_deeply(told($first), [['joined', 'user2', 2], ['joined', 'user3', 3]], 'and others are told');

my $answer = $clients[LIMIT]->join_room($room);
ok(!exists $answer->{participants}, 'above it a join gives none');
is($answer->{participant_count}, LIMIT + 1, 'but the number');
is_deeply(told($first), [], 'and nobody is told');
is(list_of($first), 'user1 user2 user3 user4', 'who wants to see the list fetches it');
is(list_of($clients[LIMIT]), 'user1 user2 user3 user4', 'also who was the one too many');

$clients[LIMIT + 1]->join_room($room);
$clients[LIMIT + 1]->call('room.leave', room => $room);
is_deeply(told($first), [], 'nor is anybody told who leaves a room that stays above it');
$clients[LIMIT]->call('room.leave', room => $room);
is_deeply(told($first), [['left', 'user4', 3]], 'but of what brings it back');
$clients[LIMIT - 1]->call('room.leave', room => $room);
is_deeply(told($first), [['left', 'user3', 2]], 'and of all that follows');
is(scalar @{ $clients[LIMIT]->join_room($room)->{participants} },
	LIMIT, 'a join gives the list again');
is_deeply(told($first), [['joined', 'user4', 3]], 'and is told');

# What was written for one who joins is kept for the next, until somebody comes or goes.
sub joined_list ($client) {
	return join ' ', sort map { $_->{uri} =~ /:(\w+)/ } @{ $client->join_room($room)->{participants} };
}
is(joined_list($first), 'user1 user2 user4', "each join gives the list, the ${_}th, too") for 1 .. 4;
$clients[LIMIT]->call('room.leave', room => $room);
is(joined_list($first), 'user1 user2', 'without who has left since');
$clients[2]->join_room($room);
is(joined_list($_), 'user1 user2 user3', 'and with who has come') for @clients[0 .. 2];
$server->admin('user.update', uri => 'user3', name => 'A New Name');
wait_for(
	'the new name',
	sub {
		grep { $_->{name} eq 'A New Name' } @{ $first->join_room($room)->{participants} };
	});
is(joined_list($first), 'user1 user2 user3', 'whatever they are called');

# A sequencer that dies may do so before it or the workers have seen who comes and goes.
for my $turn (1 .. 4) {
	my $open = 0;
	joined_list($first) for 1, 2;
	for my $client (@clients[1, 2]) {
		$open++;
		$client->request($turn % 2 ? 'room.leave' : 'room.join', { room => $room }, sub { $open-- });
	}
	$server->kill_role('sequencer');
	wait_for('all answers', sub { !$open });
	wait_for('the same list', sub { joined_list($first) eq list_of($first) });
	pass("a join gives the list that there is, though the sequencer was killed ($turn)");
}

is($server->stop, 0, 'the server stops');
done_testing;
