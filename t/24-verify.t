use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# pchatctl data verify: finds nothing where nothing is wrong, and each thing that is changed in the
# database behind the server's back.
my $server = Pchat::Server->start;
$server->add_users(qw(alice bob));
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $room = $server->add_room('Lab');
my $other = $server->add_room('Bar');
$server->admin('category.create', name => 'Labs', allowed => ['*']);
$server->admin('addin.create', name => 'Wiki', url => 'https://example.test/');
$server->admin('group.add', uri => 'ma-grp:staff', name => 'Staff');
$server->admin('group.members', uri => 'ma-grp:staff', add => [qw(alice bob)]);
$server->admin('room.roles', room => $room, managers => { add => [qw(alice bob)] });
$alice->join_room($room);
$alice->post($room, "message $_") for 1 .. 60;
$alice->post($room, 'a story', title => 'Title');
$server->admin('message.remove', room => $room, seqs => [3, 59]);
$server->admin('message.remove', room => $room, seq => 58, replace => 'other');

$server->admin(
	'data.import',
	kind => 'file',
	line => {
		file => '00000000-0000-4000-8000-000000000001',
		room => $room =~ s{.*/}{}r,
		name => 'a.txt',
		size => 1,
		sha256 => 'ab' x 32,
		time => '2025-11-21T09:30:00Z',
		from => 'sip:alice@example.test'
	});

sub verify () { return $server->pchatctl(qw(data verify)) }

my ($status, $output) = verify();
is($status, 0, 'what a server has stored agrees with what it knows') or diag $output;
like($output, qr/^\d+ rows compared, 0 differences$/m, 'and it says so');

# Changes the database, and back; the lines between.
sub differences ($change, $back) {
	$server->change_sql($change);
	my ($code, $json) = $server->pchatctl(qw(--json data verify));
	$server->change_sql($back);
	my $found = decode_json($json)->{differences};
	return "$code " . join '; ', map { "$_ $found->{$_}" } sort keys %$found;
}

my ($id) = map { $_->{id} } $server->sql('SELECT id FROM pc_room WHERE name = ?', 'Lab');
my @cases = (
	[   "UPDATE pc_principal SET name = 'Mallory' WHERE id = 2",
		"UPDATE pc_principal SET name = 'Bob' WHERE id = 2",
		qr/^65 principal 2 has other properties in the database$/
	],
	[   "INSERT INTO pc_principal VALUES (99, 5, 0, 0, 'sip:mallory', 'Mallory')",
		'DELETE FROM pc_principal WHERE id = 99',
		qr/^65 principal 99 is in the database only$/
	],
	[   "UPDATE pc_room SET privacy = 2 WHERE id = $id",
		"UPDATE pc_room SET privacy = 6 WHERE id = $id",
		qr/^65 room $id has other properties in the database$/
	],
	[   "UPDATE pc_room SET last_seq = 62 WHERE id = $id",
		"UPDATE pc_room SET last_seq = 61 WHERE id = $id",
		qr/^65 room $id has 61 messages, in the database 62$/
	],
	[   "UPDATE pc_category SET description = 'x' WHERE name = 'Labs'",
		"UPDATE pc_category SET description = '' WHERE name = 'Labs'",
		qr/^65 category 2 has other properties in the database$/
	],
	[   "UPDATE pc_addin SET url = 'https://example.com/'",
		"UPDATE pc_addin SET url = 'https://example.test/'",
		qr/^65 add-in 1 has other properties in the database$/
	],
	[   "DELETE FROM pc_role WHERE node = $id AND principal = 2",
		"INSERT INTO pc_role VALUES (2, $id, 2, 5)",
		qr/^65 room $id does not give principal 2 all its roles in the database$/
	],
	[   "INSERT INTO pc_role VALUES (2, $id, 1, 4)",
		"DELETE FROM pc_role WHERE node = $id AND role = 4",
		qr/^65 room $id gives principal 1 role 4 in the database only$/
	],
	[   'UPDATE pc_file SET room = 99',
		"UPDATE pc_file SET room = $id",
		qr/^65 file [0-9a-f-]{36} is of a room that is not in the cache$/
	],
	[   'UPDATE pc_file SET author = 99',
		'UPDATE pc_file SET author = 1',
		qr/^65 file [0-9a-f-]{36} is of a user who is not in the cache$/
	],
	[   "UPDATE pc_file SET sha256 = 'ab'",
		"UPDATE pc_file SET sha256 = '" . 'ab' x 32 . "'",
		qr/^65 file [0-9a-f-]{36} has a malformed hash$/
	],
	[   'DELETE FROM pc_affiliation WHERE member = 1',
		'INSERT INTO pc_affiliation VALUES (1, 3)',
		qr/^65 principal 1 is in no group in the database$/
	],
	[   "UPDATE pc_message SET body = 'forged' WHERE seq = 60",
		"UPDATE pc_message SET body = 'message 60' WHERE seq = 60",
		qr/^65 room $id message 60 differs$/
	],
	[   "UPDATE pc_message SET seq = 3 WHERE seq = 57",
		"UPDATE pc_message SET seq = 57 WHERE seq = 3",
		qr/^65 room $id message \d+ /
	],
);
for my $case (@cases) {
	my ($change, $back, $expected) = @$case;
	like(differences($change, $back), $expected, $change);
}
($status, $output) = verify();
is($status, 0, 'when all is as it was, nothing is found') or diag $output;

my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$bob->join_room($other);
$bob->post($other, "busy $_") for 1 .. 200;
($status, $output) = verify();
is($status, 0, 'nor right after many posts') or diag $output;

($status, $output) =
	$server->command("$ENV{PCHAT_BUILD}/daemon/pchatctl", '-s', $server->directory . '/run',
	qw(data verify));
like("$status $output", qr/^64 .*configuration is needed/s, 'without a configuration it says why');
is($server->stop, 0, 'the server stops');
($status, $output) = verify();
is($status, 69, 'a server that is down is an error');
done_testing;
