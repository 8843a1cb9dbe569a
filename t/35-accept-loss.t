use v5.36;
use File::Copy 'copy';
use Mojo::JSON qw(false true);
use Test::More;
use Pchat::Archive;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# The only database that is left is older than what the journal still has. It is refused until an
# administrator accepts what is lost; then chat goes on with it, and all but messages is as it was.
my $server = Pchat::Server->new(tls => 0);
my $directory = $server->directory;
$server->configure({
	limits => { history => 500 },
	journal => { size => '4M' },
	content => {
		dsn => [map {"Driver=SQLite3;Database=$directory/state/$_.db"} qw(content mirror)] }
});
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob carol));
my %room =
	map { $_ => $server->add_room($_, "about $_", category => 'General') } qw(lobby old quiet);
$server->admin('room.roles', room => $room{old}, managers => { add => [qw(alice bob)] });
$server->admin('group.add', uri => 'ma-grp:all', name => 'All');
my $alice = Pchat::Client->new(server => $server, user => 'alice')->connect->sign_in;
$alice->join_room($_) for values %room;
$alice->post($room{lobby}, "kept $_") for 1 .. 20;
$alice->post($room{quiet}, 'kept');
$alice->call('feed.add', name => 'first', words => 'one');
archive_stored($server);

sub wait_log ($text) {
	return wait_for("\"$text\" in the log", sub { index($server->log, $text) >= 0 });
}

# The copy: as a mirror that was cut off here.
my $copy = $server->connect_sql;
$copy->do("VACUUM INTO '$directory/mirror.db'");
$copy->disconnect;

# --- What the copy does not know. ---

$alice->post($room{quiet}, "in memory $_") for 1 .. 5;
$server->admin('message.remove', room => $room{quiet}, seq => 1);
$server->admin('message.remove', room => $room{quiet}, seq => 3, replace => 'replaced');
$server->add_users('dave');
$server->admin('user.remove', uri => 'carol');
$room{new} = $server->add_room('new', 'a room of its own', category => 'General');
$server->admin('room.delete', room => $room{old});
$server->admin('group.members', uri => 'ma-grp:all', add => ['alice']);
$server->admin('room.roles', room => $room{lobby}, managers => { add => ['bob'] });
$alice->call('feed.add', name => 'second', words => 'two');
$alice->call('marker.set', room => $room{lobby}, seq => 7);
my $posted = 20;

while ($posted < 800) {
	$alice->post_again($room{lobby}, 'x' x 8000);
	$alice->next_note;
	$posted++;
}
archive_stored($server);

# --- The other one is gone. ---

my $state = "$directory/state";
rename "$state/content.db", "$state/gone.db" or die;
unlink glob "$state/content.db-*";
mkdir "$state/content.db" or die;
rename "$directory/mirror.db", "$state/mirror.db" or die;
$server->kill_role('store');
wait_log('it is an older copy');
pass('a database that is too old is refused');
$posted++, is($alice->post($room{lobby}, 'meanwhile')->{seq}, $posted, 'chat goes on');
my ($code, $output) = $server->pchatctl(qw(pool failover));
is($code, 65, 'an administrator has to accept the loss') or diag $output;
like(
	$output,
	qr/^lost are messages, and removals of messages, of \d+ bytes/m,
	'of which he is told'
);
($code, $output) = $server->pchatctl(qw(pool failover --accept-loss --dry-run));
is($code, 0, 'he can look first');
($code, $output) = $server->pchatctl(qw(pool failover --accept-loss));
is($code, 64, 'nobody does it by mistake');
($code, $output) = $server->pchatctl(qw(pool failover --accept-loss --yes));
is($code, 0, 'then it is used') or diag $output;
wait_log('connected to content database 2');
archive_stored($server);

# --- What is there. ---

my $db = DBI->connect("dbi:SQLite:dbname=$state/mirror.db", '', '', { RaiseError => 1 });
my $lobby = $room{lobby} =~ s{.*/}{}r;
my $seqs = $db->selectcol_arrayref(
	'SELECT seq FROM pc_message WHERE room = (SELECT id FROM pc_room WHERE uuid = ?) ORDER BY seq',
	undef, $lobby
);
is_deeply([@$seqs[0 .. 19]], [1 .. 20], 'what it had is there');
is($seqs->[-1], $posted, 'and the newest');
is_deeply(
	[@$seqs[20 .. $#$seqs]],
	[$seqs->[20] .. $posted],
	'and everything from where the journal begins'
);
cmp_ok(scalar @$seqs, '<', $posted, 'only what is between is lost');
is($server->admin('room.get', room => $room{quiet})->{last_seq}, 6, 'numbers that were given');
is_deeply($db->selectcol_arrayref('SELECT last_seq FROM pc_room WHERE name = ?', undef, 'quiet'),
	[6], 'are not given again');
$db->disconnect;
($code, $output) = $server->pchatctl(qw(data verify));
is($code, 0, 'the database agrees with the cache') or diag $output;

# --- And after a start. ---

$server->restart;
is_deeply([sort map { $_->{name} } @{ $server->admin('room.list')->{rooms} }],
	[qw(lobby new quiet)], 'rooms that came and went have come and gone');
is_deeply(
	{ map { $_->{uri} => $_->{state} } @{ $server->admin('user.list')->{users} } },
	{
		'sip:alice@example.test' => 'active',
		'sip:bob@example.test' => 'active',
		'sip:carol@example.test' => 'deleted',
		'sip:dave@example.test' => 'active'
	},
	'so have users'
);
is_deeply($server->admin('room.get', room => $room{lobby})->{managers},
	['sip:bob@example.test'], 'roles are as they were');
$alice = Pchat::Client->new(server => $server, user => 'alice')->connect->sign_in;
is(scalar @{ $alice->call('feed.list')->{feeds} }, 2, 'and what users have');
my $joined = $alice->join_room($room{quiet}, history => 50);
is_deeply(
	[map { $_->{text} } @{ $joined->{messages} }],
	['in memory 1', 'replaced', map {"in memory $_"} 3 .. 5],
	'messages that were in memory are not lost, nor what was removed and replaced there'
);
is($alice->post($room{quiet}, 'new')->{seq}, 7, 'and their numbers are not used again');
($code, $output) = $server->pchatctl(qw(pool failover));
is($code, 0, 'nothing more is to be accepted');
like($output, qr/nothing is lost/, 'which is told');
ok($server->finish, 'the server ends without complaint');
done_testing;
