use v5.36;
use Mojo::File 'path';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# The sequencer's fdatasync is held or made to fail by t/shim/fsync.c. While it is held the message
# is in the journal file already; whoever did not wait for the sync would show it.
use constant { HOLD => 0, HELD => 1, FAIL => 2, DONE => 3 };    # struct words
my $server = Pchat::Server->new(tls => 0);
my $shim = $server->directory . '/shim';
path($shim)->spurt("\0" x 4);
$server->{environment} =
	{ LD_PRELOAD => "$Pchat::Server::build/t/shim/fsync.so", PCHAT_SHIM => $shim };
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');

sub is_set ($word) { return ord substr path($shim)->slurp, $word, 1 }

sub set ($word, $value) {
	open my $out, '+<:raw', $shim or die;
	sysseek $out, $word, 0;
	syswrite $out, chr $value;
}

ok(is_set(DONE), 'the sequencer syncs through the shim');

my ($alice, $bob) = $server->spread(qw(alice bob));
$_->join_room($room) for $alice, $bob;
$alice->post($room, 'first');
$_->next_note for $alice, $bob;

sub hold () { set(HOLD, 1) }
sub release () { set(HOLD, 0) }

# Posts without waiting; the place where the answer will be.
sub post ($text) {
	my $answer = {};
	$alice->request(
		'message.post',
		{ room => $room, id => $text, text => $text },
		sub ($error, $result = undef) { @$answer{qw(error result)} = ($error, $result) });
	return $answer;
}

# Both workers have had every chance: they answered other questions meanwhile.
sub nothing_heard ($answer, $when) {
	for my $turn (1 .. 50) {
		$_->call('server.info') for $alice, $bob;
	}
	is_deeply($answer, {}, "no acknowledgement $when");
	is(scalar $_->notes, 0, "no delivery to $_->{user} $when") for $alice, $bob;
	my $page = $bob->call('message.history', room => $room);
	is($page->{messages}[-1]{text}, 'first', "not in the history $when");
}

sub in_journal ($text) {
	open my $in, '<:raw', $server->journal or die;
	local $/;
	return index(<$in>, $text) >= 0;
}

hold;
my $answer = post('held back');
wait_for('sync of the post', sub { is_set(HELD) });
ok(in_journal('held back'), 'the post is in the journal file while its sync is under way');
nothing_heard($answer, 'before the sync has returned');
release;
wait_for('answer', sub {%$answer});
is($answer->{result}{seq}, 2, 'the post is acknowledged when the sync has returned');
is($_->next_note->{text}, 'held back', "and delivered to $_->{user}") for $alice, $bob;

my ($sequencer) = $server->pids('sequencer');
hold;
$answer = post('failed once');
wait_for('sync of the post', sub { is_set(HELD) });
set(FAIL, 1);
$server->expect_end($sequencer);
release;
wait_for(
	'another sequencer',
	sub {
		(grep { $_ != $sequencer } $server->pids('sequencer')) == 1;
	});
pass('a sequencer whose sync fails ends and is restarted');
wait_for('answer', sub {%$answer});
is($answer->{error}, undef, 'the post is done by the next sequencer') or diag explain $answer;
is($answer->{result}{seq}, 3, 'at the next number');
is($_->next_note->{text}, 'failed once', "$_->{user} gets it once") for $alice, $bob;

# A sequencer killed while it syncs: what it wrote counts or not, but never twice.
($sequencer) = $server->pids('sequencer');
hold;
$answer = post('killed in the sync');
wait_for('sync of the post', sub { is_set(HELD) });
$server->kill($sequencer);
release;
wait_for('answer', sub {%$answer});
is($answer->{result}{seq},
	4, 'a post whose sync was cut off by a kill is acknowledged by the next sequencer');
$alice->post($room, 'last');

for my $who ($alice, $bob) {
	is($who->next_note->{text}, 'killed in the sync', "$who->{user} gets it");
	is($who->next_note->{text}, 'last', "$who->{user} gets it once");
}
is_deeply(
	[map {"$_->{seq} $_->{text}"} $server->stored($room, 5)],
	['1 first', '2 held back', '3 failed once', '4 killed in the sync', '5 last'],
	'SQL has each once and in order'
);

done_testing;
