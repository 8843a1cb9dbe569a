use v5.36;
use Cwd 'abs_path';
use Digest::SHA 'sha256_hex';
use File::Basename 'dirname';
use Encode 'encode_utf8';
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# What is on record: each thing that happened, once, in its order, in a chain of hashes that anybody
# can work out.
my $server = Pchat::Server->start(conf => { compliance => { enabled => 'true' } });
$server->add_users(qw(alice bob));
my $room = $server->add_room('Lab');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$alice->join_room($room);
$bob->join_room($room);
my $port = $alice->local_port;
my $nasty = "Hello \x{1f600} <b>\x{202e}\t\"'\\ \x{e9} ";
$alice->post($room, $nasty, id => 'one');
$alice->post($room, 'Once upon a time',
	title => 'A story',
	importance => 'alert',
	rich => { type => 'text/html', content => '<i>Once</i>' });
$server->admin('message.remove', room => $room, seq => 1, replace => 'gone');
$server->admin('message.remove', room => $room, seq => 2);
$server->admin('room.update', room => $room, name => 'Laboratory', description => 'bigger');
$server->admin('room.update', room => $room, privacy => 'closed');
my ($left) = $bob->next_note('left');
$server->admin('room.roles', room => $room, members => { add => ['bob'] });
$server->admin('message.purge', room => $room, seq => 2);
$alice->close;
$bob->close;
$server->wait_recorded;

# The records of one type, with what they say about the room or the detail.
sub of_type ($type) { return $server->records($type) }
sub detail ($record) { return decode_json(encode_utf8 $record->{detail}) }

my @chats = of_type('chat');
is(scalar @chats, 2, 'each post is on record once');
is($chats[0]{content}, $nasty, 'with its text, character by character');
is_deeply(detail($chats[0]), { id => 'one' }, 'and the id that its client gave it');
is_deeply(
	[@{ $chats[0] }{qw(room room_name category user_uri user_name message)}],
	[$room, 'Lab', 'General', 'sip:alice@example.test', 'Alice', 1],
	'where, who, and which number in the room');
like($chats[0]{address}, qr/^127\.[\d.]+:$port$/, 'from which address');
is_deeply(
	[@{ $chats[1] }{qw(title content rich_type rich flags)}],
	['A story', 'Once upon a time', 'text/html', '<i>Once</i>', 3],
	'a story with its title, its rich part and its importance');

is_deeply([map { $_->{user_name} } of_type('join')], ['Alice', 'Bob'], 'who came');
is_deeply(
	[map {"$_->{user_name} $_->{detail}"} of_type('part')],
	['Alice {"reason":"no_access"}', 'Bob {"reason":"no_access"}'],
	'who had to leave, and why');
my ($replaced) = of_type('replace');
is_deeply(
	[@{$replaced}{qw(message content address)}, detail($replaced)->{author}],
	[1, 'gone', 'unix:uid=' . $<, 'sip:alice@example.test'],
	'what an administrator replaced, by what, and whose it was');
is((of_type('remove'))[0]{message}, 2, 'what he removed');
is((of_type('purge'))[0]{message}, 2, 'and purged');

my @rooms = of_type('room');
is(detail($rooms[0])->{before}, undef, 'a new room was nothing before');
is_deeply(
	[map { my $after = detail($_)->{after}; "$after->{name} $after->{privacy}" } @rooms[0 .. 2]],
	['Lab open', 'Laboratory open', 'Laboratory closed'],
	'what became of it');
is(detail($rooms[1])->{before}{name}, 'Lab', 'and what it was before each change');
is($rooms[2]{room_name}, 'Laboratory', 'from then on it goes by its new name');
my ($role) = of_type('role');
is_deeply(
	[$role->{room_name}, detail($role)],
	[   'Laboratory',
		{   principal => 'sip:bob@example.test',
			role => 'member',
			before => Mojo::JSON->false,
			after => Mojo::JSON->true
		}
	],
	'who got which role where');
is((grep { $_->{user_name} eq 'Bob' } of_type('sign_in')), 1, 'who signed in');
wait_for('Bob to be out', sub { grep { $_->{user_name} eq 'Bob' } of_type('sign_out') });
is((grep { $_->{user_name} eq 'Bob' } of_type('sign_out')), 1, 'and out');

# Settings and policies: what they were, and what they are.
is(($server->pchatctl(qw(config set global participant_update_limit=50)))[0], 0, 'a setting');
is(($server->pchatctl(qw(config set global participant_update_limit=60)))[0], 0, 'another value');
$server->wait_recorded;
is_deeply(
	[map { my $d = detail($_); join ' ', map { $d->{$_} // 'null' } qw(kind scope name before after) }
			of_type('setting')],
	['config global participant_update_limit null 50', 'config global participant_update_limit 50 60'],
	'a setting that was changed, before and after');

# Reading and searching are on record before anything is shown; attempts that were refused, too.
$server->admin('room.update', room => $room, privacy => 'open');
my $carol = do { $server->add_users('carol'); Pchat::Client->enter(server => $server, user => 'carol') };
my $shown = $server->add_room('Shown');
$alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($shown);
$alice->post($shown, "number $_") for 1 .. 40;
$carol->join_room($shown, history => 0);
$carol->call('message.history', room => $shown, before => 21, limit => 10);
$carol->call(
	'message.search',
	room => $shown,
	words => 'number "7"',
	match => 'any',
	from => 'alice',
	end => '2100-01-01');
$carol->call('room.leave', room => $shown);
$carol->join_room($shown, since => 38);
my $secret = $server->add_room('Secret', undef, privacy => 'secret');
is($carol->refusal_of_join($secret), 'NoSuchNode', 'a secret room is hidden');
is($carol->refusal('room.update', room => $shown, name => 'Mine'), 'ErrorPermission', 'not hers');
my $closed = $server->add_room('Closed', undef, privacy => 'closed');
is($carol->refusal('message.search', room => $closed, words => 'x'), 'ErrorPermission', 'nor to search');
is($carol->refusal('message.history', room => $closed), 'UserNotJoined', 'or to read');
# No event, but an answer of the sequencer: behind what came before it from the same worker.
$carol->join_room($shown, history => 0);
my $mallory = Pchat::Client->new(server => $server, user => 'alice', password => 'guess')->connect;
ok(!eval { $mallory->sign_in; 1 }, 'a wrong password');
$server->wait_recorded;
is_deeply(
	[map {"$_->{type} $_->{user_name} $_->{room_name}: $_->{content}"} of_type('view'),
		of_type('search')],
	[   'view Carol Shown: messages 11 to 20',
		'view Carol Shown: messages 39 to 40',
		'search Carol Shown: any of "number "7"" by "alice" to 2100-01-01T00:00:00.000000Z'
	],
	'who was shown what, and who searched for what');
my @refused = map { [$_->{user_name}, $_->{room_name}, detail($_)] } of_type('refused');
is_deeply(
	\@refused,
	[   ['Carol', 'Secret', { request => 'join', error => 'NoSuchNode' }],
		['Carol', 'Shown', { request => 'room', error => 'ErrorPermission' }],
		['Carol', 'Closed', { request => 'view', error => 'ErrorPermission' }],
		['Carol', 'Closed', { request => 'view', error => 'UserNotJoined' }],
		[   '', '',
			{   request => 'sign_in',
				error => 'AuthenticationFailed',
				user => 'sip:alice@example.test'
			}
		]
	],
	'who tried what he may not do') or diag explain \@refused;
$_->close for $alice, $carol, $mallory;

cmp_ok($server->status->{compliance}{rows}, '>', 50, 'pchatctl status tells how many were written');
ok(wait_for('no lag', sub { $server->status->{compliance}{lag} == 0 }), 'and when none is missing');
like(($server->pchatctl('status'))[1], qr/^compliance database: \d+ rows in /m, 'to a person, too');

# The chain, by what pchat-compliance(7) says of it.
sub net ($bytes) { return length($bytes) . ":$bytes," }

sub chain (@records) {
	my $hash = '0' x 64;
	for my $record (@records) {
		my $text = join '', map { net(encode_utf8 $_) } $hash,
			@{$record}{qw(number lsn time type flags room_id room room_name category user_id
			user_uri user_name address session message title content rich_type rich detail)};
		$hash = sha256_hex($text);
		return "record $record->{number}" if $hash ne $record->{hash};
	}
	return $hash;
}
my @records = $server->records;
is_deeply([map { $_->{number} } @records], [1 .. @records], 'records are numbered without a gap');
is(chain(@records), $records[-1]{hash}, 'each hash covers its record and the hash before it');
is_deeply(
	[map { $_->{lsn} } @records],
	[sort { $a <=> $b } map { $_->{lsn} } @records],
	'the order is that of the journal');

# What the manual says of the tables is what there is.
{
	my $db = $server->connect_records(ReadOnly => 1);
	my $page = do {
		open my $in, '<', dirname(dirname(abs_path(__FILE__))) . '/man/pchat-schema.7' or die;
		local $/;
		<$in>;
	};
	my @missing;
	for my $table (
		qw(schema cursor record object open_session open_room checkpoint adapter hold purge))
	{
		my $rows = $db->prepare("SELECT * FROM pcc_$table WHERE 1 = 0");
		$rows->execute;
		my ($text) = $page =~ /^\.Ss [^\n]*\bpcc_$table\b(.*?)^\.S[sh]/ms or push @missing, $table;
		push @missing, map {"$table.$_"} grep { $table ne 'schema' && $text !~ /\b$_\b/ } @{ $rows->{NAME} };
	}
	is("@missing", '', 'every table and column stands in pchat-schema(7)');
	my ($version) = $db->selectrow_array('SELECT MAX(version) FROM pcc_schema');
	like($page, qr/of these tables; this program has version $version\./, 'and the version');
	my ($steps) = $page =~ /^\.Ss Steps\n(.*?)^\.Sh /ms;
	like($steps, qr/^$version:$/m, 'and what it brought');
	$db->disconnect;
}

# Whoever dies, nothing is missing and nothing is there twice.
for my $role (qw(compliance sequencer compliance)) {
	$alice = Pchat::Client->enter(server => $server, user => 'bob');
	$alice->join_room($room);
	$alice->post($room, "before the $role dies");
	$server->kill_role($role);
	$server->wait_ready;
	$alice->post($room, "after the $role died");
	$alice->close;
}
$server->wait_recorded;
@records = $server->records;
is(chain(@records), $records[-1]{hash}, 'the chain is whole after processes were killed');
is_deeply(
	[map { $_->{content} =~ /(before|after) the/ ? $_->{message} : () } of_type('chat')],
	[3 .. 8], 'every post is there once');

# The server dies with open sessions: their ends are on record, though nobody said so.
wait_for('the sessions to end', sub { $server->status->{sessions} == 0 });
my $last = Pchat::Client->enter(server => $server, user => 'bob');
$last->join_room($room);
$server->wait_recorded;
my $before = @records = $server->records;
$server->kill_all;
$server->launch;
$server->wait_ready;
$server->wait_recorded;
my @new = grep { $_->{number} > $before } $server->records;
is_deeply(
	[map {"$_->{type} $_->{user_name} $_->{detail}"} @new[0 .. 2]],
	[   'part Bob {"reason":"restart"}',
		'sign_out Bob {"reason":"restart"}',
		'start  {"cold":true}'
	],
	'sessions that ended with the server have their end on record before the start');
@records = $server->records;
is(chain(@records), $records[-1]{hash}, 'in the same chain');

# Several rooms by one call: what is read of each is on record before it is read.
my @others = map { $server->add_room($_) } qw(Attic Cellar);
my $writer = Pchat::Client->enter(server => $server, user => 'bob');
$writer->join_room($_), $writer->post($_, "in $_") for @others;
my $reader = Pchat::Client->enter(server => $server, user => 'alice');
my $joined = $reader->call('room.join', rooms => [map { { room => $_ } } @others])->{rooms};
is_deeply(
	[map { $_->{messages}[0]{text} } @$joined],
	[map {"in $_"} @others], 'who joins several rooms at once gets their messages');
$_->close for $writer, $reader;
$server->wait_recorded;
is_deeply(
	[map {"$_->{user_name} $_->{room}"} (of_type('view'))[-2, -1]],
	[map {"Alice $_"} @others], 'and that he read each of them is on record');

done_testing;
