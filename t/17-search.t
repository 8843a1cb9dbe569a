use v5.36;
use utf8;
use Mojo::JSON 'false', 'true';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Searching messages, through the whole server.
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $server = Pchat::Server->start(conf => { limits => { search => 100 } });
$server->add_users(qw(alice bob carol));
my ($alice, $bob, $carol) =
	map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob carol);
my $lab = $server->add_room('Lab');
my $bar = $server->add_room('Bar');
my $club = $server->add_room('Club', '', privacy => 'closed');
$server->admin('room.roles', room => $club, members => { add => ['alice'] });
$_->join_room($lab) for $alice, $bob;
$_->join_room($bar) for $alice, $bob;
$alice->join_room($club);

$alice->post($lab, 'The quick brown fox');
$bob->post($lab, 'jumps over the lazy dog');
$alice->post($lab, "Straße\nnach  Süden, 100%_sure", title => 'Über Füchse');
$bob->post($bar, 'A fox, again; THE END');
$alice->post($club, 'no fox here for bob');
$alice->post($bar, '日本語のキツネ');

# The texts that are found, in the order of the answer.
sub found ($client, %params) {
	my $answer = $client->call('message.search', %params);
	return join '|', map { substr $_->{text}, 0, 9 } @{ $answer->{messages} };
}

# --- The table: words, how, and what is found (newest first). ---

my @cases = (
	['fox', {}, 'A fox, ag|The quick'],
	['FOX', {}, 'A fox, ag|The quick'],
	['FOX', { case => true }, ''],
	['the fox', {}, 'A fox, ag|The quick'],
	['lazy fox', { match => 'any' }, 'A fox, ag|jumps ove|The quick'],
	['brown fox', { match => 'phrase' }, 'The quick'],
	['fox brown', { match => 'phrase' }, ''],
	['fox brown', {}, 'The quick'],
	["  the\tlazy  ", { match => 'phrase' }, 'jumps ove'],
	['STRASSE', {}, "Straße\nna"],
	['straße nach', { match => 'phrase' }, "Straße\nna"],
	['füchse süden', {}, "Straße\nna"],
	['100%_', {}, "Straße\nna"],
	['100%x', {}, ''],
	['キツネ', {}, '日本語のキツネ'],
	['unheard', {}, ''],
);
is(found($alice, rooms => [$lab, $bar], words => $_->[0], %{ $_->[1] }),
	$_->[2], "'$_->[0]'" . join '', map { ", $_" } %{ $_->[1] })
	for @cases;

# --- Bounds. ---

my $all = 'A fox, ag|jumps ove';
is(found($bob, from => 'bob'), $all, 'all messages of an author, in the rooms that one is in');
my ($first, $second) =
	map { $_->{time} } @{ $bob->call('message.history', room => $lab)->{messages} };
is(found($bob, room => $lab, end => $first), 'The quick', 'nothing behind the end');
is(found($bob, room => $lab, start => $second),
	"Straße\nna|jumps ove", 'nothing before the start');
is(found($bob, room => $lab, direction => 'oldest'),
	"The quick|jumps ove|Straße\nna", 'the oldest first');
is(found($alice, words => 'fox'), 'no fox he|A fox, ag|The quick', 'all rooms that one is in');
my $answer = $alice->call('message.search', words => 'fox', limit => 2);
my ($one) = @{ $answer->{messages} };
is_deeply([@$one{qw(room from seq)}], [$club, 'sip:alice@example.test', 1], 'with its room');
is(scalar @{ $answer->{messages} }, 2, 'at most as many as wanted');
ok($answer->{more}, 'there are more');
ok(!$answer->{exceeded}, 'all was looked through');
$answer = $alice->call('message.search', words => 'fox', limit => 2, page => $answer->{page});
is_deeply([map { $_->{text} } @{ $answer->{messages} }],
	['The quick brown fox'], 'and the page token gives them');
ok(!$answer->{more}, 'which are all');

# --- Rights. ---

sub refusal ($client, %params) { return $client->refusal('message.search', %params) }

is(refusal($bob, room => $club), 'ErrorPermission', 'who may not join a room does not search it');
is(refusal($bob, rooms => [$lab, $club]), 'ErrorPermission', 'nor among others');
is(found($carol, room => $lab, words => 'lazy'), 'jumps ove', 'who may join needs not be there');
is(found($carol, words => 'lazy'), '', 'where one is in no room nothing is found');
$server->admin('room.disable', room => $bar);
is(refusal($alice, room => $bar), 'NodeDisabled', 'a disabled room is not searched');
is(found($alice, from => 'bob', words => 'fox'), '', 'nor found by chance');
is($server->admin('message.search', room => 'Bar', words => 'end')->{messages}[0]{seq},
	1, 'an administrator searches it');
$server->admin('room.enable', room => $bar);

# --- What is no search. ---

is(refusal($bob, %$_), 'InvalidArgument', 'refused: ' . join ' ', %$_)
	for { match => 'some' }, { words => 7 }, { words => 'x' x 1025 }, { limit => 101 },
	{ words => join ' ', 1 .. 40 }, { start => 'yesterday' }, { page => 'x' }, { rooms => [] },
	{ direction => 'up' }, { case => 'no' };
is(refusal($bob, from => 'nobody'), 'NoSuchPrincipal', 'an author has to exist');
is(refusal($bob, room => 'ma-chan://example.test/00000000-0000-4000-8000-000000000000'),
	'NoSuchNode', 'so has a room');

# --- Removed messages, and messages that are not in SQL yet. ---

$server->admin('message.remove', room => $lab, seq => 1);
$server->admin('message.remove', room => $lab, seq => 2, replace => 'nothing');
is(found($alice, room => $lab, words => 'fox'), '', 'what was removed is not found');
is(found($alice, room => $lab, words => 'lazy'), '', 'nor what was replaced');
is(found($alice, room => $lab, words => 'nothing'), 'nothing', 'but what stands there now');
$server->admin('message.purge', room => $lab, seq => 3);
is(found($alice, room => $lab), '', 'what was purged is gone');
for my $turn (1 .. 20) {
	$alice->post($lab, "turn $turn");
	is(found($alice, room => $lab, limit => 1), "turn $turn", "turn $turn is found at once");
}

# --- By pchatctl. ---

sub pchatctl (@arguments) { return $server->pchatctl('message', @arguments) }

$alice->join_room($bar);
$alice->post($bar, "fox $_") for 1 .. 7;
my ($status, $output) = pchatctl(qw(search --words fox --limit 3 Bar));
is($status, 0, 'pchatctl message search works');
like($output, qr/fox 7\n.*fox 6\n.*fox 5\n\z/, 'and shows the newest first');
($status, $output) = pchatctl(qw(remove --yes --words fox Bar 3));
like("$status $output", qr/^64 .*by their numbers, or by options/, 'numbers or words, not both');
($status, $output) = pchatctl(qw(remove --yes Bar));
like("$status $output", qr/^64 /, 'and one of them it must be');
($status, $output) = pchatctl(qw(remove --yes --words), 'fox 2', qw(--match phrase Bar));
is("$status $output", "0 1 message deleted\n", 'a message is deleted by its words');
($status, $output) = pchatctl(qw(replace --text ~ --words fox --start 2020-01-01 --from alice Bar));
is("$status $output", "0 6 messages replaced\n", 'others are replaced by words, author and time');
is(found($alice, room => $bar, words => '~'), '~|~|~|~|~|~', 'which is so');

is($server->stop, 0, 'the server stops');
done_testing;
