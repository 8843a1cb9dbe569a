use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Whoever loses his connection stays in his rooms for limits.linger.
my %conf = (limits => { linger => '1h' }, compliance => { enabled => 'true' });
my $server = Pchat::Server->start(tls => 0, conf => \%conf);
$server->add_users(qw(alice bob carol));
my ($lobby, $lab) = map { $server->add_room($_) } qw(lobby lab);
my ($alice, $bob) = $server->spread(qw(alice bob));
$alice->call('room.join', rooms => [map { { room => $_ } } $lobby, $lab]);
$bob->call('room.join', rooms => [map { { room => $_ } } $lobby, $lab]);
$alice->next_note('joined') for 1, 2;
my $last = $alice->post($lobby, 'before')->{seq};
$bob->next_note;

# What Alice has heard of others up to now.
sub heard () {
	state $number = 0;
	my $text = 'marker ' . ++$number;
	$alice->post($lab, $text);
	wait_for('the marker', sub { grep { $_->{text} eq $text } $alice->notes });
	my @heard = map {"$_->{method} $_->{params}{user}{name}"}
		grep { $_->{method} =~ /^(?:joined|left)$/ } @{ $alice->{notes} };
	splice @{ $alice->{notes} };
	return join ', ', @heard;
}

sub lost ($count) {
	wait_for("$count lost sessions", sub { $server->status->{sessions_lost} == $count });
}

sub names ($room) {
	return join ' ', map { $_->{name} } @{ $alice->call('room.participants', room => $room)->{participants} };
}

sub come_back ($client, $user) {
	return Pchat::Client->new(server => $server, user => $user)->connect->resume($client->{token});
}

$server->kill($server->worker_of($bob));
$bob->wait_closed;
lost(1);
$alice->post($lobby, 'while Bob is away');
is(heard, '', 'nobody is told that a worker has died');
is(names($lobby), 'Alice Bob', 'the user is in the room as before');
my $again = come_back($bob, 'bob');
my $answer = $again->call('room.join',
	rooms => [{ room => $lobby, since => $last }, { room => $lab, since => 0 }]);
is_deeply([map { $_->{text} } @{ $answer->{rooms}[0]{messages} }],
	['while Bob is away'], 'who comes back gets what he missed');
is(heard, '', 'and nobody is told of that either');
is(names($lobby), 'Alice Bob', 'he is there once');
lost(0);
is($again->next_note->{text}, 'marker 2', 'and he is told again what happens');
$again->post($lobby, 'thanks');
is($alice->next_note->{text}, 'thanks', 'he may post');

$again->vanish;
lost(1);
my $third = come_back($again, 'bob');
is(heard, '', 'nor that a connection was lost');
$third->join_room($lobby);
is(heard, '', 'and was made again');
$third->call('room.leave', room => $lobby);
is(heard, 'left Bob', 'who leaves a room then has left it');
is(names($lab), 'Alice Bob', 'in a room that he has not joined again he stays as long');
$third->join_room($lab);
lost(0);
$third->close;
is(heard, 'left Bob', 'who closes his connection leaves at once');
my $fourth = come_back($third, 'bob');
$fourth->join_room($lobby);
$fourth->call('auth.logout');
is(heard, 'joined Bob, left Bob', 'so does who signs out');
my $fifth = come_back($third, 'bob');
$fifth->join_room($lobby);
$fifth->vanish;
lost(1);
$server->admin('room.update', room => $lobby, disabled => \1);
lost(0);
$server->admin('room.update', room => $lobby, disabled => \0);
$alice->join_room($lobby);
is(names($lobby), 'Alice', 'a room that is disabled loses its lost participants as well');

# The record: who was in the lobby, and by which session.
my $sixth = come_back($third, 'bob');
$sixth->join_room($lobby);
$sixth->vanish;
lost(1);
$alice->vanish;
is($server->stop, 0, 'the server stops');
my @records =
	grep { $_->{user_name} eq 'Bob' && ($_->{room_name} eq 'lobby' || $_->{type} eq 'lost') }
	$server->records(qw(join part lost resume));
is(
	join(' ', map { $_->{type} } @records),
	'join lost resume lost resume part join part join lost part join lost part',
	'on record is who was there, when his connection was lost, and when he came back');
my ($resume) = grep { $_->{type} eq 'resume' } @records;
is($resume->{detail}, qq({"from":"$records[0]{session}"}), 'and whose place he took');

# Tables that are full, and a time that is over.
$conf{cache} = { sessions => 16, participants => 16 };
$server->configure(\%conf);
$server->launch;
$server->wait_ready;
my @rooms = map { $server->add_room("room $_") } 1 .. 20;
for my $room (@rooms) {
	my $client = Pchat::Client->enter(server => $server, user => 'bob');
	$client->join_room($room);
	$client->vanish;
}
ok(eval { Pchat::Client->enter(server => $server, user => 'carol') },
	'lost sessions keep nobody out')
	or diag $@;
wait_for('most to be lost', sub { $server->status->{sessions_lost} >= 10 });
pass('as many as there is room for stay');

$conf{limits}{linger} = '200ms';
$server->stop;
$server->configure(\%conf);
$server->launch;
$server->wait_ready;
$alice = Pchat::Client->enter(server => $server, user => 'alice');
$bob = Pchat::Client->enter(server => $server, user => 'bob');
$_->join_room($lobby) for $alice, $bob;
$bob->vanish;
is($alice->next_note('left')->{user}{name}, 'Bob', 'who does not come back in time has left');
$bob = come_back($bob, 'bob');
$bob->join_room($lobby);
$alice->next_note('joined');
is($alice->next_note('joined')->{user}{name}, 'Bob', 'and joins anew');

is($server->stop, 0, 'the server stops');
done_testing;
