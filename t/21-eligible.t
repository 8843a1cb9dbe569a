use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Server;

# Who could be a member or a presenter: groups are expanded, who is denied is left out.
my $server = Pchat::Server->start;
$server->add_users(qw(alice bob carol dave erin));
$server->admin('group.add', uri => "ma-grp:$_", name => ucfirst) for qw(staff labs);
$server->admin('group.members', uri => 'ma-grp:labs', add => [qw(bob carol)]);
$server->admin('group.members', uri => 'ma-grp:staff', add => [qw(alice ma-grp:labs dave)]);
$server->admin('category.create', name => 'Labs');
$server->admin(
	'category.roles',
	category => 'Labs',
	allowed => { add => ['ma-grp:staff'] },
	denied => { add => ['dave'] });
my %room = map {
	my ($name, $privacy, $type) = split /:/;
	$name => $server->admin(
		'room.create',
		name => $name,
		category => 'Labs',
		privacy => $privacy,
		type => $type
	)->{room}
} qw(Atom:closed:normal Stage:closed:auditorium Hall:open:auditorium);
$server->admin('room.roles', room => $room{Stage}, members => { add => ['ma-grp:labs'] });

sub eligible (@words) {
	my ($code, $output) = $server->pchatctl('--json', @words);
	return $output if $code;
	return join ' ',
		map { $_->{uri} =~ s/sip:(.*)\@.*/$1/r } @{ decode_json($output)->{users} };
}

is(
	eligible(qw(category eligible Labs)),
	'alice bob carol',
	'in scope are those in groups of groups, less those who are denied'
);
is(eligible(qw(category eligible General)), 'alice bob carol dave erin', 'or everybody');
is(eligible(qw(room eligible Atom)), 'alice bob carol', 'members of a room are from its category');
is(eligible(qw(room eligible Atom BO)), 'bob', 'a text chooses among them');
is(eligible(qw(room eligible Atom --limit 1 --offset 1)), 'bob', 'and so does a page');
is(eligible(qw(room eligible Stage --as presenter)), 'bob carol', 'presenters have to be members');
is(eligible(qw(room eligible Hall --as presenter)), 'alice bob carol', 'but in open rooms');
like(eligible(qw(room eligible Atom --as presenter)),
	qr/InvalidArgument/, 'a normal room has no presenters');
like(eligible(qw(room eligible Nowhere)), qr/NoSuchNode/, 'nor has one that is not there');
like(eligible(qw(room eligible Atom --as owner)), qr/InvalidArgument/, 'nor is there such a thing');

$server->admin('user.disable', uri => 'carol');
$server->admin('group.members', uri => 'ma-grp:labs', remove => ['bob']);
is(eligible(qw(room eligible Atom)), 'alice', 'who is disabled or left the group is none any more');

$server->admin(
	'room.create',
	name => 'Quiet',
	category => 'Labs',
	invitations => Mojo::JSON->false
);
my ($code, $output) = $server->pchatctl(qw(--json room list --invitations no));
is(join(' ', map { $_->{name} } @{ decode_json($output)->{rooms} }),
	'Quiet', 'rooms that do not invite can be listed');

$server->stop;
done_testing;
