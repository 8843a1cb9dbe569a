use v5.36;
use IO::Socket::UNIX;
use Mojo::JSON 'decode_json', 'encode_json', 'false', 'true';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Categories, rooms, add-ins, groups and roles, through the whole server.
my $server = Pchat::Server->start;
my @names = qw(alice bob carol dave eve);
$server->add_users(@names);
my %client = map { $_ => Pchat::Client->enter(server => $server, user => $_) } @names;
my ($alice, $bob, $carol, $dave, $eve) = @client{@names};
my %uri = map { $_ => "sip:$_\@example.test" } @names;

sub admin ($method, %params) { return $server->admin($method, %params) }

sub admin_refusal ($method, %params) {
	my ($error) = $server->try_admin($method, %params);
	return $error ? $error->{name} : 'ok';
}

# The letter by which the kernel says what a process does.
sub stat_of ($pid) {
	open my $in, '<', "/proc/$pid/stat" or return '';
	return (<$in> =~ /\) (\S) /)[0];
}

sub names_of ($page, $list) {
	return join ' ', map { $_->{name} } @{ $page->{$list} };
}

# --- Categories. ---

my $general = admin('category.list')->{categories}[0];
is($general->{name}, 'General', 'there is a category from the start');
my $labs = admin(
	'category.create',
	name => 'Labs',
	description => 'for research',
	files => true
)->{category};
like($labs, qr{^ma-cat://example\.test/[0-9a-f-]{36}$}, 'a category has a URI');
is(admin_refusal('category.create', name => 'LABS'),
	'DuplicateRoomName', 'two categories do not have one name');
is($alice->refusal('category.create', name => 'Mine'),
	'ErrorPermission', 'a user makes no categories');
is($alice->refusal('category.get', category => $labs), 'ErrorPermission', 'nor sees their lists');
my $seen = admin('category.get', category => 'labs');
is_deeply(
	[@$seen{qw(name description invitations files history authors_remove rooms)}],
	['Labs', 'for research', true, true, true, false, 0],
	'a category has the properties that it was given, and the defaults'
);
is_deeply([@$seen{qw(allowed denied creators)}], [[], [], []], 'and nobody in its lists');
is(
	admin_refusal(
		'category.roles',
		category => $labs,
		creators => { add => ['alice'] }
	),
	'PrincipalsNotInScope',
	'creators must be allowed'
);
admin('group.add', uri => 'ma-grp:Staff', name => 'Staff');
admin('group.members', uri => 'ma-grp:staff', add => [qw(alice bob carol)]);
is_deeply(
	[sort @{ admin('group.get', uri => 'ma-grp:staff')->{members} }],
	[@uri{qw(alice bob carol)}],
	'a group has the members that it was given'
);
admin('group.members', uri => 'ma-grp:staff', replace => [qw(alice bob dave)]);
is_deeply(
	[sort @{ admin('group.get', uri => 'ma-grp:staff')->{members} }],
	[@uri{qw(alice bob dave)}],
	'replacing them takes those away who are not in the list'
);
admin('group.members', uri => 'ma-grp:staff', add => ['carol'], remove => []);
admin(
	'category.roles',
	category => $labs,
	allowed => { add => ['ma-grp:staff'] },
	denied => { add => ['dave'] },
	creators => { add => ['alice'] });
$seen = admin('category.get', category => $labs);
is_deeply(
	[@$seen{qw(allowed denied creators)}],
	[['ma-grp:staff'], [$uri{dave}], [$uri{alice}]],
	'all lists of a category are changed by one call'
);
is(
	admin_refusal(
		'category.update',
		category => $labs,
		description => 'x',
		if_revision => $seen->{revision} + 1
	),
	'DataCollision',
	'a change of another revision than the one that was seen is refused'
);
admin(
	'category.update',
	category => $labs,
	history => false,
	if_revision => $seen->{revision});
my $after = admin('category.get', category => $labs);
is_deeply(
	[@$after{qw(description files history)}],
	['for research', true, false],
	'an update changes what it names and nothing else'
);
is($after->{revision}, $seen->{revision} + 1, 'and counts the revision up');
is(names_of($alice->call('category.list'), 'categories'),
	'Labs', 'a creator finds the categories in which he may make rooms');
is(names_of($bob->call('category.list'), 'categories'), '', 'who is none finds none');

# --- Rooms made by creators, and changed by managers. ---

is($bob->refusal('room.create', name => 'bobs', category => $labs),
	'ErrorPermission', 'who is no creator makes no room');
is($bob->refusal('room.create', name => 'bobs'), 'ErrorPermission', 'nor without a category');
is(admin_refusal('room.create', name => 'x'),
	'InvalidArgument', 'where there are two categories one has to be named');
my $room = $alice->call('room.create', name => 'Atom', description => 'small')->{room};
$seen = $alice->call('room.get', room => $room);
is_deeply(
	[@$seen{qw(name description category privacy type invitations addin disabled)}],
	['Atom', 'small', $labs, 'closed', 'normal', true, '', false],
	'a new room is closed and stands in the category of its creator'
);
is_deeply(
	[@$seen{qw(members managers presenters)}],
	[[$uri{alice}], [$uri{alice}], []],
	'who made it manages it and is a member'
);
is_deeply($seen->{rights}, [qw(see join post manage)], 'and may do everything in it');
is_deeply($bob->call('room.get', room => $room)->{rights},
	['see'], 'others in the scope see that it is there');
is($dave->refusal('room.get', room => $room), 'NoSuchNode', 'who is denied does not');
is($eve->refusal('room.get', room => $room), 'NoSuchNode', 'nor who is not in the scope');
is($bob->refusal_of_join($room), 'ErrorPermission', 'who is no member cannot join');
is($eve->refusal_of_join($room), 'NoSuchNode', 'and for others there is no such room');
is($bob->refusal('room.roles', room => $room, members => { add => ['bob'] }),
	'ErrorPermission', 'who is no manager changes no roles');
is($alice->refusal('room.roles', room => $room, members => { add => ['eve'] }),
	'PrincipalsNotInScope', 'a manager takes in nobody from outside');
is($alice->refusal('room.roles', room => $room, members => { add => ['nobody'] }),
	'NoSuchPrincipal', 'nor anybody unknown');
is(
	$alice->refusal(
		'room.roles',
		room => $room,
		members => { add => ['bob'], replace => ['bob'] }
	),
	'InvalidArgument',
	'a list is either edited or replaced'
);
is(
	$alice->refusal(
		'room.roles',
		room => $room,
		members => { add => [('bob') x 501] }
	),
	'LimitExceeded',
	'a list has at most 500 entries'
);
$alice->call('room.roles', room => $room, members => { add => [qw(bob carol)] });
$_->join_room($room) for $alice, $bob, $carol;
is($bob->post($room, 'hello')->{seq}, 1, 'members join and post');

$alice->call('room.update', room => $room, name => 'Molecule', privacy => 'secret');
my $note = $bob->next_note('room');
$note = $bob->next_note('room') while $note->{name} ne 'Molecule';
is_deeply(
	[@$note{qw(room privacy type)}],
	[$room, 'secret', 'normal'],
	'those in a room hear that it has changed'
);
ok(!exists $note->{members}, 'without its lists');
is(names_of($bob->call('room.search'), 'rooms'), 'Molecule', 'a member finds a secret room');
is(names_of($eve->call('room.search'), 'rooms'), '', 'others do not');
is(names_of($bob->call('room.mine', as => 'member'), 'rooms'),
	'Molecule', 'members have it among their rooms');
is(names_of($bob->call('room.mine', as => 'manager'), 'rooms'), '', 'but not to manage');
is(names_of($alice->call('room.mine', as => 'manager'), 'rooms'),
	'Molecule', 'the manager has it there');
is($bob->refusal('room.update', room => $room, name => 'x'),
	'ErrorPermission', 'a member does not change it');

# --- Who loses access. ---

my $bobs_second = Pchat::Client->enter(server => $server, user => 'bob');
$bobs_second->join_room($room);
$alice->call('room.roles', room => $room, members => { remove => ['bob'] });
for my $client ($bob, $bobs_second) {
	$note = $client->next_note('left');
	is_deeply(
		[@$note{qw(room reason)}, $note->{user}{uri}],
		[$room, 'no_access', $uri{bob}],
		'every session of who loses a room hears of it'
	);
	is($client->refusal('message.history', room => $room),
		'UserNotJoined', 'and reads no more of it');
}
$note = $carol->next_note('left');
is_deeply(
	[@$note{qw(reason)}, $note->{user}{uri}],
	['no_access', $uri{bob}],
	'the others hear that he is gone'
);
is(scalar $carol->notes('left'), 0, 'once');
is($bob->refusal('room.get', room => $room), 'NoSuchNode', 'a secret room is gone for him');
is($bob->refusal('room.roles', room => $room, members => { add => ['bob'] }),
	'NoSuchNode', 'whatever he asks of it');

admin('group.members', uri => 'ma-grp:staff', remove => ['carol']);
is($carol->next_note('left')->{reason},
	'no_access', 'who leaves the group that is in scope loses its rooms');
admin('group.members', uri => 'ma-grp:staff', add => ['carol']);
$carol->join_room($room);
pass('who comes back may join again');

# --- Revisions, names. ---

my $revision = $alice->call('room.get', room => $room)->{revision};
is(
	$alice->refusal(
		'room.update',
		room => $room,
		description => 'x',
		if_revision => $revision - 1
	),
	'DataCollision',
	'of two who change a room at the same time the second hears of it'
);
$alice->call(
	'room.update',
	room => $room,
	description => 'two or more atoms',
	if_revision => $revision
);
is(
	$alice->refusal(
		'room.roles',
		room => $room,
		if_revision => $revision,
		members => { add => ['bob'] }
	),
	'DataCollision',
	'the same holds of roles'
);
my $other = admin('room.create', name => 'Other', category => 'Labs')->{room};
for my $name ('molecule', 'labs', 'GENERAL') {
	is(admin_refusal('room.update', room => $other, name => $name),
		'DuplicateRoomName', "a room is not renamed to the name $name");
}
is(admin_refusal('category.update', category => $labs, name => 'OTHER'),
	'DuplicateRoomName', 'nor a category to that of a room');
is(admin_refusal('category.delete', category => $labs),
	'InvalidFlowOfOperations', 'a category with rooms in it stays');
admin('room.update', room => 'Other', name => 'OTHER');
is(admin('room.get', room => $other)->{name}, 'OTHER', 'a room may change the case of its name');

# --- Auditorium. ---

is(admin_refusal('room.roles', room => $room, presenters => { add => ['carol'] }),
	'InvalidArgument', 'a normal room has no presenters');
$alice->call('room.update', room => $room, type => 'auditorium');
is(admin_refusal('room.roles', room => $room, presenters => { add => ['bob'] }),
	'PresenterNotInMemList', 'a presenter is a member');
is($carol->refusal('message.post', room => $room, text => 'x', id => 'x'),
	'ErrorPermission', 'in an auditorium only presenters speak');
$alice->call('room.roles', room => $room, presenters => { add => ['carol'] });
is($carol->post($room, 'welcome')->{seq}, 2, 'who is one does');

# --- Add-ins. ---

is(admin_refusal('addin.create', name => 'Map', url => 'ftp://example.test'),
	'InvalidArgument', 'an add-in has an http URL');
is(admin('addin.create', name => 'Map', url => 'https://example.test/map')->{name},
	'Map', 'an add-in is registered');
is(admin_refusal('addin.create', name => 'MAP', url => 'https://example.test/'),
	'DuplicateAddinName', 'under a name of its own');
is($alice->refusal('addin.create', name => 'x', url => 'https://example.test/'),
	'ErrorPermission', 'by administrators only');
is_deeply(
	$alice->call('addin.list')->{addins},
	[{ name => 'Map', url => 'https://example.test/map' }],
	'everybody sees which there are'
);
$alice->call('room.update', room => $room, addin => 'map');
admin('addin.update', addin => 'Map', name => 'Chart');
is($alice->call('room.get', room => $room)->{addin}, 'Chart', 'a room has an add-in');
is(names_of($alice->call('room.search', addin => 'chart'), 'rooms'),
	'Molecule', 'and is found by it');
admin('addin.delete', addin => 'Chart');
is($alice->call('room.get', room => $room)->{addin}, '', 'until that is removed');

# --- Searching. ---

my $open = admin('room.create', name => 'Hall', category => 'General', privacy => 'open')->{room};
my $everybody = sub (%filter) { names_of(admin('room.list', %filter), 'rooms') };
is($everybody->(), 'Hall Molecule OTHER', 'an administrator finds all rooms');
is($everybody->(privacy => 'secret'), 'Molecule', 'or those of one privacy');
is($everybody->(type => 'normal'), 'Hall OTHER', 'or of one type');
is($everybody->(category => $labs), 'Molecule OTHER', 'or of a category');
is($everybody->(member => 'carol'), 'Molecule', 'or with a member');
is($everybody->(manager => 'alice'), 'Molecule', 'or with a manager');
is($everybody->(disabled => true), '', 'or those that are disabled');
is(names_of($eve->call('room.search'), 'rooms'), 'Hall', 'a user finds those that he may see');
is($eve->refusal('room.search', disabled => true),
	'ErrorPermission', 'disabled ones only administrators find');

# --- Disabled and deleted. ---

$_->join_room($open) for $eve, $dave;
admin('room.disable', room => $open);
is($eve->next_note('left')->{reason}, 'no_access', 'who is in a room that is disabled is put out');
is($eve->refusal_of_join($open), 'NodeDisabled', 'it cannot be joined');
is(names_of($eve->call('room.search'), 'rooms'), '', 'nor found');
is($eve->refusal('room.enable', room => $open), 'ErrorPermission', 'users do not enable it');
is($everybody->(disabled => true), 'Hall', 'administrators find it');
admin('room.enable', room => $open);
$eve->join_room($open);
is($eve->refusal('room.delete', room => $open), 'ErrorPermission', 'users delete no rooms');
admin('room.delete', room => $open);
is($eve->next_note('left')->{reason}, 'no_access', 'who is in a room that is deleted is put out');
is($eve->refusal('room.get', room => $open), 'NoSuchNode', 'then there is no such room');

# --- Users and groups. ---

is(admin_refusal('group.add', uri => 'ma-grp:staff', name => 'Staff'),
	'PrincipalsAlreadyDefined', 'a group is there once');
is(admin_refusal('group.members', uri => 'ma-grp:staff', add => ['ma-grp:staff']),
	'InvalidArgument', 'and is no member of itself');
is(names_of(admin('group.list'), 'groups'), 'Staff', 'groups are listed');
is(names_of(admin('user.list'), 'users'),
	'Alice Bob Carol Dave Eve', 'and are not among the users');
admin('user.disable', uri => 'eve');
$eve->wait_closed;
ok(
	!eval { Pchat::Client->enter(server => $server, user => 'eve') },
	'who is disabled is signed out and does not come in'
);
admin('user.enable', uri => 'eve');
ok(eval { Pchat::Client->enter(server => $server, user => 'eve') }, 'until he is enabled');

# --- All of it is kept. ---

sub state_of () {
	my $room_now = admin('room.get', room => $room);
	delete $room_now->{participants};
	$room_now->{$_} = [sort @{ $room_now->{$_} }] for qw(members managers presenters);
	my $category = admin('category.get', category => $labs);
	my $group = admin('group.get', uri => 'ma-grp:staff');
	$group->{members} = [sort @{ $group->{members} }];
	return [$room_now, $category, $group, admin('room.list')->{rooms}[1]{name}];
}
my $before = state_of();
$server->kill_role('sequencer');
is_deeply(state_of(), $before, 'a killed sequencer loses nothing of it');
$server->restart;
is_deeply(state_of(), $before, 'nor does a restart');
$server->kill_master;
$server->launch;
$server->wait_ready;
is_deeply(state_of(), $before, 'nor a killed master');
$carol = Pchat::Client->enter(server => $server, user => 'carol');
is($carol->join_room($room)->{name}, 'Molecule', 'and members are members');
$bob = Pchat::Client->enter(server => $server, user => 'bob');
is($bob->refusal_of_join($room), 'NoSuchNode', 'and others are not');

# --- Removed users and groups. ---

{
	my $club =
		$server->add_room('Club', '', privacy => 'closed', category => 'General');
	$server->add_users('frank');
	admin('group.add', uri => 'ma-grp:club', name => 'Club');
	admin('group.members', uri => 'ma-grp:club', add => ['frank']);
	admin(
		'room.roles',
		room => $club,
		members => { add => [qw(frank ma-grp:club)] },
		managers => { add => ['frank'] }
	);
	admin('user.remove', uri => 'frank');
	is_deeply(admin('room.get', room => $club)->{members},
		['ma-grp:club'], 'a user who is removed loses his roles');
	is_deeply(admin('room.get', room => $club)->{managers}, [], 'all of them');
	is_deeply(admin('group.get', uri => 'ma-grp:club')->{members}, [], 'and leaves his groups');
	$server->add_users('frank');
	my $frank = Pchat::Client->enter(server => $server, user => 'frank');
	is($frank->refusal_of_join($club),
		'ErrorPermission', 'somebody else of the same name has no part in it');
	admin('group.members', uri => 'ma-grp:club', add => ['frank']);
	is($frank->refusal_of_join($club), 'ok', 'until he is let in');
	admin('group.remove', uri => 'ma-grp:club');
	is($frank->next_note('left')->{reason}, 'no_access', 'a group that is removed lets nobody in');
	admin('group.add', uri => 'ma-grp:club', name => 'Another club');
	is_deeply(admin('group.get', uri => 'ma-grp:club')->{members},
		[], 'another one of the same URI begins empty');
	admin('room.delete', room => $club);
	admin('group.remove', uri => 'ma-grp:club');
	admin('user.remove', uri => 'frank');
}

# A removed user comes back in two steps: the new password, then the user. The worker may hear of the
# first from pchat-auth before the journal tells it, too; then the first must not pass for the second.
{
	my ($auth) = $server->pids('auth');
	my ($sequencer) = $server->pids('sequencer');
	my @workers = $server->pids('worker');
	my $socket = IO::Socket::UNIX->new(Peer => $server->admin_socket);
	my ($list, %answer) = (1);
	my $send = sub ($id, $method, %params) {
		print $socket encode_json(
			{ jsonrpc => '2.0', id => $id, method => $method, params => \%params }), "\n";
		$socket->flush;
	};
	my $next = sub { my $line = decode_json(scalar <$socket>); $answer{ $line->{id} } = $line };
	# What was asked before has been begun when the answer to this is there.
	my $await_turn = sub { $send->(++$list, 'category.list'); $next->() until $answer{$list} };
	local $SIG{ALRM} = sub { die "no answer to what was stopped\n" };
	alarm 30;
	$await_turn->(); # now it is known who asks
	kill 'STOP', $auth;
	my $durable = $server->status->{journal}{durable};
	$send->(1, 'user.add', uri => 'frank', name => 'Frank', password => 'secret of frank');
	$await_turn->();
	kill 'STOP', @workers;
	kill 'CONT', $auth;
	wait_for('the new password', sub { $server->status->{journal}{durable} > $durable });
	wait_for('pchat-auth to rest', sub { stat_of($auth) eq 'S' });
	kill 'STOP', $sequencer;
	kill 'CONT', @workers;
	$await_turn->() for 1 .. 2;
	ok(!$answer{1}, 'a user is not there again when only his password is');
	kill 'CONT', $sequencer;
	$next->() until $answer{1};
	alarm 0;
	ok($answer{1}{result}, 'but when he is');
	is(Pchat::Client->enter(server => $server, user => 'frank')->refusal('room.mine'),
		'ok', 'and signs in as soon as that is said');
}

done_testing;
