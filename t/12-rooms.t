use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start(
	conf => { limits => { participant_update_limit => 3, message_size => 256 } });
$server->add_users(qw(alice bob carol dave));
my %room = map { $_ => $server->add_room($_) } qw(lobby garden cellar);
my %client =
	map { $_ => Pchat::Client->enter(server => $server, user => $_) } qw(alice bob carol dave);
my ($alice, $bob, $carol, $dave) = @client{qw(alice bob carol dave)};
my ($lobby, $garden, $cellar) = @room{qw(lobby garden cellar)};
my $nowhere = $lobby =~ s/[^\/]+$/00000000-0000-4000-8000-000000000000/r;

like(
	$lobby,
	qr{^ma-chan://example\.test/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$},
	'a room has a URI as the protocol says'
);
is_deeply([map { $_->{name} } @{ $alice->call('room.search')->{rooms} }],
	[qw(cellar garden lobby)], 'a search finds all rooms by name');
is_deeply([map { $_->{room} } @{ $alice->call('room.search', text => 'ARDE')->{rooms} }],
	[$garden], 'a search finds a part of a name without regard to case');
is_deeply([map { $_->{room} } @{ $alice->call('room.search', text => 'where cellar')->{rooms} }],
	[$cellar], 'or of a description');
my $page = $alice->call('room.search', limit => 2);
ok($page->{more} && @{ $page->{rooms} } == 2, 'a page of a search says that there is more');
$page = $alice->call('room.search', limit => 2, offset => 2);
ok(!$page->{more} && @{ $page->{rooms} } == 1, 'the last page says that there is no more');

my $answer = $alice->call('room.join',
	rooms => [{ room => $garden }, { room => $nowhere }, { room => $lobby }]);
is_deeply(
	[map { $_->{room} } @{ $answer->{rooms} }],
	[$garden, $nowhere, $lobby],
	'a join of many rooms answers for each, in the order asked'
);
is($answer->{rooms}[1]{error}{data}{name},
	'NoSuchNode', 'a room that does not exist does not hinder the others');
is($answer->{rooms}[2]{name}, 'lobby', 'the answer names the room');
is_deeply(
	$answer->{rooms}[2]{participants},
	[{ uri => 'sip:alice@example.test', name => 'Alice' }],
	'and who is in it'
);

my @new = map { $server->add_room($_) } qw(attic loft shed);
$server->admin('room.update', room => $new[1], disabled => Mojo::JSON->true);
$answer = $alice->call('room.join',
	rooms => [map { { room => $_ } } $new[0], $garden, $new[1], $new[2], $new[0]]);
is_deeply(
	[map { $_->{error} ? $_->{error}{data}{name} : "$_->{name} $_->{participant_count}" }
			@{ $answer->{rooms} }],
	['attic 1', 'garden 1', 'NodeDisabled', 'shed 1', 'attic 1'],
	'so does one of which some are joined, one was before and one may not be'
);

$bob->join_room($lobby);
my $note = $alice->next_note('joined');
is_deeply(
	[@$note{qw(room)}, $note->{user}{uri}],
	[$lobby, 'sip:bob@example.test'],
	'who is in a room hears that another joins'
);
my $second = Pchat::Client->enter(server => $server, user => 'bob');
$second->join_room($lobby);
$second->call('room.leave', room => $lobby);
$bob->call('room.leave', room => $lobby);
is($alice->next_note('left')->{user}{uri}, 'sip:bob@example.test', 'and that he leaves');
is(scalar $alice->notes('joined') + $alice->notes('left'),
	0, 'a second session of the same user is not news');
is($bob->refusal('message.post', room => $lobby, text => 'x', id => 'x'),
	'UserNotJoined', 'who has left cannot post');
is($bob->refusal('message.history', room => $lobby), 'UserNotJoined', 'nor read the history');
is($bob->refusal('room.participants', room => $lobby), 'UserNotJoined', 'nor see who is there');
is($bob->refusal('room.leave', room => $lobby), 'UserNotJoined', 'nor leave again');

$_->join_room($lobby) for $bob, $second;
is_deeply([
		sort map { $_->{uri} }
			@{ $alice->call('room.participants', room => $lobby)->{participants} }
	],
	['sip:alice@example.test', 'sip:bob@example.test'],
	'the list of participants has each user once'
);
$_->join_room($lobby) for $carol, $dave;
is($carol->join_room($lobby)->{name}, 'lobby', 'joining again is answered as joining');
$answer = $alice->call('room.join', room => $lobby)->{rooms}[0];
ok(!exists $answer->{participants}, 'a join leaves out the list of a room with many participants');
cmp_ok($answer->{participant_count}, '>=', 4, 'but gives their number');

# Messages.
my $post = sub (%with) {
	$alice->try('message.post', room => $lobby, text => 'text', id => 'id', %with);
};
is(($post->(text => ''))[0]{name}, 'InvalidArgument', 'an empty message is refused');
is(($post->(text => 'x' x 257))[0]{name}, 'TooLarge', 'a message over the limit is refused');
is(($post->(text => "\x{20ac}" x 86))[0]{name}, 'TooLarge', 'the limit counts bytes');
is(($post->(text => "a\0b"))[0]{name}, 'InvalidArgument', 'a message with a NUL is refused');
is(($post->(id => ''))[0]{name}, 'InvalidArgument', 'an empty id is refused');
is(($post->(id => 'x' x 41))[0]{name}, 'InvalidArgument', 'an id over 40 bytes is refused');
is(($post->(importance => 'shout'))[0]{name}, 'InvalidArgument',
	'an unknown importance is refused');
is(($post->(room => $nowhere))[0]{name}, 'NoSuchNode', 'a post to no room is refused')
	or diag explain [$post->(room => $nowhere)];
is(($post->(room => 'lobby'))[0]{name}, 'InvalidArgument', 'a room is named by its URI');

my (undef, $first) = $post->(text => 'the first');
is($first->{seq}, 1, 'none of these took a number');
my (undef, $repeat) = $post->(text => 'the first');
is_deeply(
	[@$repeat{qw(seq time)}],
	[@$first{qw(seq time)}],
	'a repeated post is answered with the first one'
);
ok($repeat->{repeated}, 'and says so');
is($bob->post($lobby, 'by bob', id => 'id')->{seq},
	2, 'the same id of another author is another message');
is($alice->call('message.post', room => $garden, text => 'there', id => 'id')->{seq},
	1, 'and in another room, too');
my $odd = "\x{1f600} \x{20ac} \x{e9} \" \\ \n\t <b>";
(undef, my $third) = $post->(id => 'odd', text => $odd, importance => 'alert');
my @seen = map { $bob->next_note } 1 .. 3;
is_deeply([map { $_->{seq} } @seen], [1, 2, 3], 'the others see each once');
is($seen[2]{text}, $odd, 'a text arrives as it was written, to the last byte');
is($seen[2]{importance}, 'alert', 'an alert is marked');
ok(!exists $seen[0]{importance}, 'a regular message is not');
is_deeply(
	[@{ $seen[0] }{qw(room from name id)}],
	[$lobby, 'sip:alice@example.test', 'Alice', 'id'],
	'a message says where it belongs and who wrote it'
);
my @rows = $server->stored($lobby, 3);
is($rows[2]{text}, $odd, 'SQL has the same text');

# History and resuming.
$alice->post($lobby, "number $_") for 4 .. 100;

sub seqs ($page) {
	return join ' ', map { $_->{seq} } @{ $page->{messages} };
}
my $history = sub (%with) { $alice->call('message.history', room => $lobby, %with) };
is(seqs($history->(limit => 3)),
	'98 99 100', 'the history gives the newest messages, the oldest of them first');
is(seqs($history->(limit => 3, before => 50)), '47 48 49', 'or those before a number');
is(seqs($history->(limit => 3, after => 50)), '51 52 53', 'or those behind a number');
is(seqs($history->(limit => 10, after => 1, before => 5)), '2 3 4', 'or those between two');
is(seqs($history->(limit => 5, around => 50)), '48 49 50 51 52', 'or those around one');
is(seqs($history->(limit => 4, around => 50)), '48 49 50 51', 'of an even number one more before it');
is(seqs($history->(limit => 5, around => 1)), '1 2 3 4 5', 'as far as the room begins before it');
is(seqs($history->(limit => 5, around => 99)), '96 97 98 99 100', 'and ends behind it');
is(seqs($history->(limit => 2, around => 7000)), '99 100', 'of one that is not there yet the newest');
ok($history->(limit => 5, around => 1)->{more}, 'that there are others is said');
ok(!$history->(limit => 500, around => 1)->{more}, 'and that there are none');
is($alice->refusal('message.history', room => $lobby, around => 5, after => 3),
	'InvalidArgument', 'around goes with no bound');
is($alice->refusal('message.history', room => $lobby, around => 0), 'InvalidArgument', 'nor is it 0');
is(seqs($history->(limit => 500)), join(' ', 1 .. 100), 'up to 500 of them');
is($alice->refusal('message.history', room => $lobby, limit => 501),
	'InvalidArgument', 'and no more');
is($history->(limit => 500)->{messages}[2]{text}, $odd, 'an old text is as it was written');
ok($history->(limit => 3)->{more}, 'a page says that there is more');
ok(!$history->(limit => 3, before => 4)->{more}, 'and that there is no more');
my $later = Pchat::Client->enter(server => $server, user => 'alice');
is(seqs($later->join_room($lobby)), join(' ', 71 .. 100), 'a join brings the newest 30 messages');
is(seqs($later->join_room($lobby, history => 0)), '', 'or none');
is(seqs($later->join_room($lobby, history => 50)), join(' ', 51 .. 100), 'or as many as asked');
my $resumed = $later->join_room($lobby, since => 60);
is(seqs($resumed), join(' ', 61 .. 100), 'or what came after the last one seen');
ok(!$resumed->{more}, 'and says that this is all');
is(seqs($later->join_room($lobby, since => 100)), '', 'which may be nothing');

# Rooms and messages outlive the server.
my $alices_token = $alice->{token};
$server->restart;
$alice = Pchat::Client->new(server => $server, user => 'alice')->connect->resume($alices_token);
is(
	seqs($alice->join_room($lobby, since => 90)),
	join(' ', 91 .. 100),
	'history outlives a restart of the server'
);
is($alice->post($lobby, 'the next day')->{seq}, 101, 'numbers go on behind it');
is(
	$alice->call('message.post', room => $lobby, text => 'number', id => 'after-restart')
		->{seq},
	102,
	'and on'
);

done_testing;
