use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;

# Categories, rooms, roles and groups, as an administrator makes them and others find them.
my $server = Pchat::Server->start;
$server->add_users(qw(alice bob carol));
my $group = $server->admin('group.add', uri => 'ma-grp:sales', name => 'Sales')->{uri};
$server->admin('group.members', uri => $group, add => ['carol']);
my $category = $server->admin('category.create', name => 'Projects')->{category};
$server->admin('category.roles', category => $category, allowed => { add => ['*'] });
my $closed = $server->admin(
	'room.create',
	name => 'Closed',
	category => $category,
	privacy => 'closed')->{room};
my $secret = $server->admin(
	'room.create',
	name => 'Secret',
	category => $category,
	privacy => 'secret')->{room};
for my $room ($closed, $secret) {
	$server->admin(
		'room.roles',
		room => $room,
		members => { add => ['alice', $group] },
		managers => { add => ['alice'] });
}

my %user = map { $_ => Pchat::Client->enter(server => $server, user => $_) } qw(alice bob carol);

sub found ($who) {
	return join ' ', sort map { $_->{name} } @{ $user{$who}->call('room.search')->{rooms} };
}

is(found('alice'), 'Closed Secret', 'a member finds a secret room');
is(found('bob'), 'Closed', 'a stranger does not');
is($user{bob}->refusal_of_join($closed), 'ErrorPermission', 'nor may he join a closed one');
is($user{bob}->refusal_of_join($secret), 'NoSuchNode', 'a secret one is not even there for him');
is($user{alice}->join_room($closed)->{name}, 'Closed', 'a member joins');
is($user{carol}->join_room($closed)->{name}, 'Closed', 'and who is one by a group');

my $revision = $user{alice}->call('room.get', room => $closed)->{revision};
is_deeply(
	$user{alice}->call('room.update', room => $closed, description => 'new', if_revision => $revision),
	{}, 'a manager changes his room');
is(
	$user{alice}->refusal('room.update', room => $closed, name => 'X', if_revision => $revision),
	'DataCollision', 'but not the one that somebody else has changed');
is($user{carol}->refusal('room.update', room => $closed, name => 'X'),
	'ErrorPermission', 'a member does not');
my ($error) = $server->try_admin('room.create', name => 'CLOSED', category => $category);
is($error->{name}, 'DuplicateRoomName', 'a name is given once, whatever its case');
($error) = $server->try_admin('category.delete', category => $category);
is($error->{name}, 'InvalidFlowOfOperations', 'a category with rooms stays');

$server->admin('group.members', uri => $group, remove => ['carol']);
my $left = $user{carol}->next_note('left');
is($left->{reason}, 'no_access', 'who leaves the group is told that he has left the room');
is($user{carol}->refusal('message.post', room => $closed, text => 'x', id => 'x'),
	'UserNotJoined', 'and can say nothing any more');

$_->close for values %user;
$server->stop;
done_testing;
