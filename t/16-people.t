use v5.36;
use utf8;
use Mojo::JSON 'false', 'true';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# What users have of their own, through the whole server: invitations, read markers, requests for
# access, leaving a list of members, feeds.
my $server = Pchat::Server->start(conf => { limits => { requests => 2, feeds => 3 } });
$server->add_users(qw(alice bob carol));
my %client = map { $_ => Pchat::Client->enter(server => $server, user => $_) } qw(alice bob carol);
my ($alice, $bob, $carol) = @client{qw(alice bob carol)};
my %room = map { $_ => $server->add_room($_, "about $_", privacy => 'closed') } qw(Lab Attic Cellar);

sub roles ($room, %roles) { return $server->admin('room.roles', room => $room{$room}, %roles) }
sub members ($room, @edit) { return roles($room, members => {@edit}) }

sub names ($list) {
	return join ' ', map { "$_->{id}$_->{name}" } @{ $list->{invitations} };
}

# --- Invitations. ---

is_deeply(
	$alice->call('invitation.list'),
	{ invitations => [], last => 0, read => 0, more => false },
	'nobody is invited at first'
);
my $second = Pchat::Client->enter(server => $server, user => 'alice');
members(Lab => add => [qw(alice bob)]);
my $note = $alice->next_note('invited');
is_deeply(
	[@$note{qw(id room name new)}],
	[1, $room{Lab}, 'Lab', true],
	'who becomes a member is told at once'
);
is($second->next_note('invited')->{id}, 1, 'in all sessions');
is($bob->next_note('invited')->{id}, 1, 'each user has numbers of his own');
roles('Attic', managers => { add => ['bob'] });
$bob->call('room.roles', room => $room{Attic}, members => { add => [qw(alice bob)] });
$note = $alice->next_note('invited');
is($note->{from}{uri}, 'sip:bob@example.test', 'an invitation says whose it is');
is(names($bob->call('invitation.list')), '1Lab', 'nobody invites himself');
is(names($alice->call('invitation.list')), '2Attic 1Lab', 'the newest come first');
is(names($alice->call('invitation.list', since => 1)), '2Attic', 'or only those since one');
is($alice->call('invitation.list', limit => 1)->{more}, true, 'or a part of them');
$alice->call('invitation.ack', id => 1);
my $list = $alice->call('invitation.list');
is_deeply([$list->{read}, map { $_->{new} } @{ $list->{invitations} }],
	[1, true, false], 'what is acknowledged is no news');
is($alice->refusal('invitation.ack', id => 0), 'InvalidArgument', 'numbers begin at 1');
is($alice->refusal('invitation.ack'), 'InvalidArgument', 'a number is needed');
members(Lab => remove => ['alice']);
is(names($alice->call('invitation.list')), '2Attic', 'with the room the invitation goes');
members(Lab => add => ['alice']);
is($alice->next_note('invited')->{id}, 3, 'and comes back with a new number');
$server->admin('room.update', room => $room{Cellar}, invitations => false);
members(Cellar => add => ['alice']);
is(names($alice->call('invitation.list')), '3Lab 2Attic', 'a room may be silent');

# --- Markers. ---

$_->join_room($room{Lab}) for $alice, $bob;
$alice->post($room{Lab}, "m$_") for 1 .. 5;
is_deeply(
	$bob->call('marker.set', room => $room{Lab}, seq => 3),
	{ seq => 3, unread => 2 },
	'a marker says how much is unread'
);
my $phone = Pchat::Client->enter(server => $server, user => 'bob');
$bob->call('marker.set', room => $room{Lab}, seq => 4);
is_deeply([@{ $phone->next_note('marker') }{qw(seq unread)}], [4, 1], 'other sessions are told');
is($bob->call('marker.set', room => $room{Lab}, seq => 2)->{seq}, 4, 'it never goes back');
is($bob->call('marker.set', room => $room{Lab}, seq => 99)->{seq},
	5, 'nor beyond the last message');
$alice->post($room{Lab}, 'm6');
my $joined = $phone->call('room.join', room => $room{Lab})->{rooms}[0];
is_deeply([@$joined{qw(marker unread)}], [5, 1], 'a join says what is new');
is($carol->refusal('marker.set', room => $room{Lab}, seq => 1),
	'ErrorPermission', 'who may not read has no marker');
is($bob->refusal('marker.set', room => $room{Lab}), 'InvalidArgument', 'a marker needs a message');

sub mine ($client, %params) {
	return join ' ', map {
		"$_->{name}:" . ($_->{member} ? 'm' : '') . ($_->{manager} ? 'M' : '') . ":$_->{unread}"
	} @{ $client->call('room.mine', %params)->{rooms} };
}
is(mine($bob), 'Attic:mM:0 Lab:m:1', 'users see their rooms and what is unread there');
is(mine($bob, as => 'manager'), 'Attic:mM:0', 'or those that they manage');

my $begin = time;
$alice->post($room{Lab}, "n$_") for 7 .. 56;
$bob->call('marker.set', room => $room{Lab}, seq => $_) for 7 .. 56;
cmp_ok(time - $begin, '>=', 1, 'markers in a loop have to wait');

# --- Leaving the list, and asking for a place in it. ---

is($bob->refusal('room.quit', room => $room{Lab}),
	'ErrorPermission', 'no category lets members leave at first');
is($carol->refusal('access.request', room => $room{Lab}),
	'ErrorPermission', 'nor users ask for access');
my ($code) = $server->pchatctl(qw(category update General --members-leave yes --requests yes));
is($code, 0, 'an administrator lets them');
$bob->call('room.quit', room => $room{Lab});
is($bob->next_note('left')->{reason}, 'no_access', 'who leaves the list leaves the room');
is(mine($bob), 'Attic:mM:0', 'and is a member no more');
is($bob->refusal('room.quit', room => $room{Lab}), 'InvalidFlowOfOperations', 'only once');

roles('Lab', managers => { add => ['bob'] });
$carol->call('access.request', room => $room{Lab}, text => 'let me in');
$note = $bob->next_note('access');
is_deeply(
	[@$note{qw(state text room)}, $note->{user}{uri}],
	['asked', 'let me in', $room{Lab}, 'sip:carol@example.test'],
	'a manager is told who asks'
);
is($carol->next_note('access')->{state}, 'asked', 'and so is who asks');
my $requests = $bob->call('access.list', room => $room{Lab})->{requests};
is_deeply([map { @$_{qw(text room)} } @$requests], ['let me in', $room{Lab}], 'or looks it up');
is(scalar @{ $carol->call('access.list')->{requests} }, 1, 'users see what they asked for');
is($carol->refusal('access.list', room => $room{Lab}), 'ErrorPermission', 'not what others did');
is($carol->refusal('access.grant', room => $room{Lab}, user => 'carol'),
	'ErrorPermission', 'nor grant it');
is($bob->refusal('access.grant', room => $room{Lab}, user => 'alice'),
	'NoSuchPrincipal', 'nothing is granted to one who did not ask');
is($alice->refusal('access.request', room => $room{Lab}),
	'InvalidFlowOfOperations', 'a member need not ask');
$carol->call('access.request', room => $room{Attic});
is($carol->refusal('access.request', room => $room{Cellar}), 'LimitExceeded', 'requests have a bound');
$carol->call('access.withdraw', room => $room{Attic});
$bob->call('access.grant', room => $room{Lab}, user => 'carol');
is($carol->next_note('invited')->{name}, 'Lab', 'who is let in is invited');
is(mine($carol), 'Lab:m:56', 'and a member');
$carol->call('access.request', room => $room{Attic}, text => 'again');
$bob->call('access.deny', room => $room{Attic}, user => 'carol');
is(scalar @{ $carol->call('access.list')->{requests} }, 0, 'what is denied is over');
$carol->call('access.request', room => $room{Cellar}, text => 'for ever');

# --- Feeds. ---

my $feed = $bob->call('feed.add', name => 'Tea', words => 'tea milk', match => 'any')->{feed};
$bob->call('feed.add', name => 'Me', ego => true);
$bob->call('feed.add', name => 'Alice in the Attic', from => 'alice', room => $room{Attic});
is($feed, 1, 'a feed has a number');
is($bob->refusal('feed.add', name => 'Nothing'), 'InvalidArgument', 'a feed is about something');
is($bob->refusal('feed.add', name => '', words => 'x'), 'InvalidArgument', 'and has a name');
is($bob->refusal('feed.add', name => 'x', words => 'x' x 513), 'TooLarge', 'and a bound');
is($bob->refusal('feed.add', name => 'x', words => 'x', from => 'nobody'),
	'NoSuchPrincipal', 'of nobody who does not exist');
is($bob->refusal('feed.update', feed => 9, name => 'x', words => 'x'),
	'NoSuchNode', 'what is not there cannot be changed');
is($bob->refusal('feed.add', name => 'x', words => 'x'), 'LimitExceeded', 'users have so many');
is_deeply(
	[map { $_->{name} } sort { $a->{feed} <=> $b->{feed} } @{ $bob->call('feed.list')->{feeds} }],
	['Tea', 'Me', 'Alice in the Attic'],
	'they are listed'
);
my $open = $server->add_room('Open');
$_->join_room($open) for $alice, $carol;
$alice->post($open, 'Milk, please, Bob');
$note = $bob->next_note('feed');
is_deeply(
	[$note->{message}{text}, map { $_->{name} } @{ $note->{feeds} }],
	['Milk, please, Bob', 'Tea', 'Me'],
	'who is not in a room is told once of what he waits for'
);
is($phone->next_note('feed')->{message}{room}, $open, 'in each session');
$alice->post($room{Lab}, 'tea for members only');
$alice->post($open, 'TEA');
is($bob->next_note('feed')->{message}{text}, 'TEA', 'but not of what he may not read');
$bob->call('feed.update', feed => 1, name => 'Coffee', words => 'coffee');
$alice->post($open, 'tea and coffee');
is($bob->next_note('feed')->{feeds}[0]{name}, 'Coffee', 'a feed that is changed is another one');
$alice->join_room($room{Attic});
$alice->post($room{Attic}, 'hello');
is($bob->next_note('feed')->{feeds}[0]{name}, 'Alice in the Attic', 'a feed may be of an author');
$bob->call('feed.remove', feed => 2);
$alice->post($open, 'bob');
$alice->post($open, 'coffee');
is($bob->next_note('feed')->{message}{text}, 'coffee', 'one that is removed is silent');

# --- All of it stays. ---

sub state_of ($client) {
	return {
		invitations => $client->call('invitation.list'),
		rooms => $client->call('room.mine'),
		requests => $client->call('access.list'),
		feeds => $client->call('feed.list') };
}

sub everything () {
	my %state;
	for my $user (qw(alice bob carol)) {
		my $one = Pchat::Client->enter(server => $server, user => $user);
		$state{$user} = state_of($one);
		$_->{participants} = 0 for @{ $state{$user}{rooms}{rooms} };
		$one->close;
	}
	return \%state;
}
my $before = everything();
$server->kill_role('sequencer');
is_deeply(everything(), $before, 'a killed sequencer loses nothing of it');
my @all = map { $_->{pid} } $server->processes;
$server->kill(\@all);
wait_for('all to be back', sub { $server->processes == @all });
is_deeply(everything(), $before, 'nor do all processes that are killed at once');
$server->restart;
is_deeply(everything(), $before, 'nor a cold start');
is(scalar(@{ [$server->sql('SELECT * FROM pc_invitation')] }), 3, 'SQL knows who is invited');

my $output;
($code, $output) = $server->pchatctl(qw(data verify));
is($code, 0, 'SQL and the cache agree') or diag $output;
my $invited = 'pc_invited SET read_id = read_id';
$server->change_sql("UPDATE $invited + 1");
($code, $output) = $server->pchatctl(qw(data verify));
is($code, 65, 'and where they do not, it is said');
like($output, qr/principal 1 .*another invitation 0/, 'of whom');
$server->change_sql("UPDATE $invited - 1");
$server->change_sql($server->copy_sql('pc_marker', 'kept'), 'DELETE FROM pc_marker');
($code, $output) = $server->pchatctl(qw(data verify));
like($output, qr/markers 0 are 1, of which the database has 0/, 'and what is missing');
$server->change_sql('INSERT INTO pc_marker SELECT * FROM kept', 'DROP TABLE kept');

# --- With a room all that was about it goes. ---

$server->admin('room.delete', room => $room{Lab});
wait_for('the sweep',
	sub { !grep { $_->{room} == 1 } $server->sql('SELECT room FROM pc_marker') });
wait_for('the sweep',
	sub { !grep { $_->{room} == 1 } $server->sql('SELECT room FROM pc_invitation') });
$alice = Pchat::Client->enter(server => $server, user => 'alice');
is(names($alice->call('invitation.list')), '2Attic', 'with a room its invitations go');

# --- A number that no server gives, out of an archive. ---

my @before = $server->pids('worker');
$server->admin(
	'data.import',
	kind => 'feed',
	line => { feed => 'sip:alice@example.test', number => 4294967295, name => 'Last',
		match => 'all', words => 'last' });
my ($error) = $server->try_admin(
	'data.import',
	kind => 'feed',
	line => { feed => 'sip:alice@example.test', number => 4294967297, name => 'Beyond',
		match => 'all', words => 'x' });
is($error->{name}, 'InvalidArgument', 'a feed whose number is too large is refused');
my ($one, $other) = $server->spread(qw(alice alice));
$_->close for $alice, $one, $other;
($one, $other) = $server->spread(qw(alice bob));
is_deeply([$server->pids('worker')],
	\@before, 'a user whose feed has the largest of numbers can leave');
$_->close for $one, $other;
$server->admin('user.remove', uri => 'alice');
wait_for('alice to be gone',
	sub { !grep { $_->{principal} == 1 } $server->sql('SELECT principal FROM pc_invited') });
pass('with a user all that was his goes');

$server->finish;
done_testing;
