use v5.36;
use utf8;
use Mojo::JSON 'false', 'true';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Kinds of messages; messages removed, replaced and purged, through the whole server.
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $server = Pchat::Server->start(
	conf => { limits => { message_size => 256, story_size => 600, rich_size => 300 } });
$server->add_users(qw(alice bob));
my ($alice, $bob) =
	map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
my $room = $server->add_room('Lab');
$_->join_room($room) for $alice, $bob;

sub admin_refusal ($method, %params) {
	my ($error) = $server->try_admin($method, %params);
	return $error ? $error->{name} : 'ok';
}

sub texts_of ($page) {
	return join '|', map { $_->{text} } @{ $page->{messages} };
}

sub history ($client, %range) {
	return $client->call('message.history', room => $room, %range);
}

# Waits until SQL has these texts and no others.
sub is_stored ($texts, $name) {
	my $query = 'SELECT body FROM pc_message ORDER BY room, seq';
	wait_for($name, sub { join('|', map { $_->{body} } $server->sql($query)) eq $texts });
	pass($name);
}

# --- Kinds. ---

my $limits = $alice->call('server.info')->{limits};
is_deeply([@$limits{qw(message_size story_size rich_size)}],
	[256, 600, 300], 'the server says how large messages may be');

sub refusal_of_post (%params) {
	return $alice->refusal('message.post', room => $room, id => 'refused', %params);
}

is(refusal_of_post(text => 'x' x 257), 'TooLarge', 'a message has a bound');
is(refusal_of_post(text => 'x' x 601, title => 'T'), 'TooLarge', 'so has a story');
is(refusal_of_post(text => 'x', rich => { type => 'text/html', content => 'x' x 301 }),
	'TooLarge', 'so has a rich part');
is(refusal_of_post(title => 'T'), 'InvalidArgument', 'a story needs a text');
is(refusal_of_post(text => 'x', title => ''), 'InvalidArgument', 'a title is not empty');
is(refusal_of_post(text => 'x', title => 'x' x 257), 'InvalidArgument', 'nor too long');
is(refusal_of_post(text => 'x', rich => 'x'), 'InvalidArgument', 'a rich part is an object');
is(refusal_of_post(text => 'x', rich => { content => 'x' }),
	'InvalidArgument', 'with a media type');
is(refusal_of_post(text => 'x', rich => { type => 'text/html', content => '' }),
	'InvalidArgument', 'and some content');

my $story = {
	title => 'A story ✎',
	text => 'Once upon a time' . ' …' x 100,
	rich => { type => 'text/html', content => '<p>Once upon a time</p>' } };
$alice->post($room, $story->{text}, id => 'story', %$story{qw(title rich)});
my $note = $bob->next_note;
is_deeply({ map { $_ => $note->{$_} } keys %$story }, $story, 'a story arrives as it was sent');
$alice->post($room, 'beware', id => 'alert', importance => 'alert');
is($bob->next_note->{importance}, 'alert', 'an alert is one');
my ($first) = @{ history($bob)->{messages} };
is_deeply({ map { $_ => $first->{$_} } keys %$story }, $story, 'recent history has the story');
is_stored("$story->{text}|beware", 'and SQL, too');
is_deeply(
	[$server->sql('SELECT title, rich_type, rich FROM pc_message WHERE seq = 1')],
	[{  title => $story->{title},
		rich_type => 'text/html',
		rich => '<p>Once upon a time</p>' }],
	'with all its parts'
);

# --- Removing and replacing. ---

$alice->post($room, "message $_", id => "m$_") for 3 .. 8;
$bob->next_note for 3 .. 8;
is($alice->refusal('message.remove', room => $room, seq => 3),
	'ErrorPermission', 'an author may not remove what he wrote');
is($alice->refusal('message.purge', room => $room, seq => 3),
	'ErrorPermission', 'nobody but an administrator purges');
is(admin_refusal('message.remove', room => $room), 'InvalidArgument', 'a message has to be named');
is(admin_refusal('message.remove', room => $room, seq => 99),
	'InvalidArgument', 'one that there is not cannot be removed');
is(admin_refusal('message.remove', room => $room, seqs => [3, 99]),
	'InvalidArgument', 'and then none of the others is');
is(admin_refusal('message.remove', room => $room, seqs => [1 .. 501]),
	'InvalidArgument', 'nor are too many');
is(admin_refusal('message.remove', room => $room, seq => 3, replace => ''),
	'InvalidArgument', 'a replacement is not empty');
is(admin_refusal('message.remove', room => $room, seq => 3, replace => 'x' x 257),
	'TooLarge', 'nor too long');
is(admin_refusal('message.remove', room => 'Nowhere', seq => 1), 'NoSuchNode', 'nor is the room');
is(history($bob)->{messages}[2]{text}, 'message 3', 'all of that changed nothing');

$server->admin('message.remove', room => $room, seqs => [3, 5]);
is_deeply([map { $_->{seq} } map { $bob->next_note('removed') } 1 .. 2],
	[3, 5], 'those who are there are told what is gone');
is(texts_of(history($bob, after => 2)),
	'message 4|message 6|message 7|message 8', 'and it is gone');
$server->admin('message.remove', room => $room, seq => 4, replace => true);
$note = $bob->next_note('removed');
like($note->{text}, qr/^This message was replaced by/, 'a replacement is told');
is($note->{removals}, 3, 'as is how many removals there were');
$first = history($bob, after => 3)->{messages}[0];
is($first->{text}, $note->{text}, 'and stands where the message was');
ok($first->{replaced}, 'as such');
is($first->{from}, 'sip:alice@example.test', 'of the same author');
history($bob) for 1 .. 2;    # a page that is wanted often is kept
$server->admin('message.remove', room => $room, seq => 1, replace => 'gone');
$first = history($bob)->{messages}[0];
is_deeply([@$first{qw(text title rich)}], ['gone', undef, undef], 'a story loses all its parts');
history($bob) for 1 .. 2;
$server->admin('user.update', uri => 'alice', name => 'Alice the Second');
ok(wait_for('the new name',
	sub { history($bob)->{messages}[0]{name} eq 'Alice the Second' }),
	'a user with another name has it in older messages, too, as soon as this worker knows');
is_stored("gone|beware|$note->{text}|message 6|message 7|message 8", 'SQL follows');

# --- Purging. ---

my $middle = history($bob)->{messages}[-2];
is(admin_refusal('message.purge', room => $room), 'InvalidArgument', 'a purge has an end');
is(admin_refusal('message.purge', room => $room, seq => 99), 'InvalidArgument', 'that there is');
is(admin_refusal('message.purge', room => $room, time => 'tomorrow'),
	'InvalidArgument', 'and a time is one');
$server->admin('message.purge', room => $room, time => '1999-12-31');
$server->admin('message.purge', room => $room, time => $middle->{time});
is($bob->next_note('purged')->{through}, $middle->{seq}, 'a purge by time ends where it should');
is(texts_of(history($bob)), 'message 8', 'what is newer remains');
is_stored('message 8', 'what was purged is deleted');
is($alice->join_room($room)->{removals}, 5, 'who joins learns how many removals there were');

# --- Away and back. ---

$bob->close;
$alice->post($room, "later $_", id => "l$_") for 1 .. 3;
$server->admin('message.remove', room => $room, seq => 9);
$bob = Pchat::Client->enter(server => $server, user => 'bob');
is(join('|', map { $_->{text} } $bob->catch_up($room, 8)),
	'later 2|later 3', 'who was away does not get what is gone');

# --- After a crash, and after a cold start. ---

sub is_everywhere ($texts, $removals, $when) {
	$bob = Pchat::Client->enter(server => $server, user => 'bob');
	my $joined = wait_for(
		'the database to be there again',
		sub {
			my $answer = $bob->join_room($room, history => 500);
			return $answer->{more} ? undef : $answer;
		});
	is(texts_of($joined), $texts, "recent history is right $when");
	is($joined->{removals}, $removals, "so is the number of removals $when");
	is_stored($texts, "so is SQL $when");
}

$server->kill_role('sequencer');
is_everywhere('message 8|later 2|later 3', 6, 'after the sequencer was killed');
$server->kill_role('store');
$server->admin('message.remove', room => $room, seq => 10, replace => 'other');
is_everywhere('message 8|other|later 3', 7, 'after the store was killed');

# What was purged is not in the cache, so that the database is asked, which does not know the latest.
my ($store) = $server->pids('store');
$server->kill($store, 'STOP');
$server->admin('message.remove', room => $room, seq => 11, replace => 'last');
$bob = Pchat::Client->enter(server => $server, user => 'bob');
my $joined = $bob->join_room($room, history => 500);
is_deeply(
	[$joined->{messages}, @$joined{qw(first last last_seq more)}],
	[[], 1, 0, 11, true],
	'a room can be joined while the database lags behind: older messages can be fetched later'
);
is($bob->refusal('message.history', room => $room, limit => 500),
	'unavailable', 'which is refused for the time being');
is(scalar @{ $joined->{participants} }, 2, 'who is there is told nevertheless');
kill 'CONT', $store;
is(
	wait_for(
		'history',
		sub {
			my (undef, $page) = $bob->try('message.history', room => $room, after => 0, limit => 500);
			return $page && texts_of($page);
		}
	),
	'message 8|other|last',
	'and given when it has caught up'
);

$server->kill_master;
$server->launch;
$server->wait_ready;
is_everywhere('message 8|other|last', 8, 'after everything was killed');
$server->stop;
unlink $server->journal or die "could not remove the journal: $!";
$server->launch;
$server->wait_ready;
is_everywhere('message 8|other|last', 8, 'after a start without journal');
$bob->post($room, 'new', id => 'new');
is(texts_of(history($bob, limit => 2)), 'last|new', 'numbers go on');

# --- By pchatctl. ---

sub pchatctl (@arguments) { return $server->pchatctl('message', @arguments) }

my ($status, $output) = pchatctl(qw(remove Lab 11));
is($status, 64, 'pchatctl deletes nothing if there is nobody to ask');
($status, $output) = pchatctl(qw(remove --yes Lab eleven));
like("$status $output", qr/^64 .*eleven is not the number of a message/, 'nor what is no number');
($status, $output) = pchatctl(qw(purge --yes Lab));
like("$status $output", qr/^64 .*say up to where/, 'a purge has to end somewhere');
($status, $output) = pchatctl(qw(remove --yes Lab 99));
like("$status $output", qr/^65 .*InvalidArgument/, 'what there is not cannot be deleted');
($status, $output) = pchatctl(qw(remove --dry-run Lab 11));
like("$status $output", qr/^0 would call message.remove/, 'a dry run says what would be done');
is(texts_of(history($bob)), 'message 8|other|last|new', 'all of which changes nothing');
($status) = pchatctl(qw(remove --yes Lab 11));
is($status, 0, 'pchatctl message remove works');
($status) = pchatctl(qw(replace --text), 'by hand', qw(Lab 10));
is($status, 0, 'so does replace');
is(texts_of(history($bob)), 'message 8|by hand|new', 'both were done');
($status) = pchatctl(qw(purge --yes --through 10 Lab));
is("$status " . texts_of(history($bob)), '0 new', 'and purge');

# --- Authors, where the category lets them. ---

$server->admin('category.update', category => 'General', authors_remove => true);
$alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, 'oops', id => 'oops');
my $oops = history($alice)->{messages}[-1]{seq};
is($bob->refusal('message.remove', room => $room, seq => $oops),
	'ErrorPermission', 'what others wrote nobody may remove');
is($alice->refusal('message.remove', room => $room, seq => $oops, replace => 'sorry'),
	'ErrorPermission', 'nor does an author replace');
$alice->call('message.remove', room => $room, seq => $oops);
is(history($bob)->{messages}[-1]{text}, 'new', 'but he may remove his own');

# --- Rooms without history. ---

$server->admin('category.create', name => 'Secrets', history => false, allowed => ['*']);
$server->admin('category.roles', category => 'Secrets', allowed => { add => ['*'] });
my $quiet = $server->add_room('Quiet', '', category => 'Secrets');
$_->join_room($quiet) for $alice, $bob;
splice @{ $bob->{notes} };
$alice->post($quiet, 'psst', id => 'psst');
is($bob->next_note->{text}, 'psst', 'a room without history delivers');
my $page = $bob->call('message.history', room => $quiet);
is_deeply([$page->{messages}, $page->{last}], [[], 1], 'but keeps nothing');
$alice->post($quiet, 'psst again', id => 'psst');
is($alice->join_room($quiet)->{last_seq}, 1, 'a repeated post is none there, either');
$server->admin('category.update', category => 'Secrets', history => true);
$alice->post($quiet, 'aloud', id => 'aloud');
is(texts_of($bob->call('message.history', room => $quiet)),
	'aloud', 'from when history is kept, it is');
wait_for('the message is stored',
	sub { $server->sql("SELECT 1 FROM pc_message WHERE body = 'aloud'") });
is_deeply([$server->sql("SELECT body FROM pc_message WHERE body LIKE 'psst%'")],
	[], 'and before it nothing was stored');
$server->kill_master;
$server->launch;
$server->wait_ready;
$bob = Pchat::Client->enter(server => $server, user => 'bob');
is(texts_of($bob->join_room($quiet, since => 0)), 'aloud', 'which is so after a start, too');

is($server->stop, 0, 'the server stops');
done_testing;
