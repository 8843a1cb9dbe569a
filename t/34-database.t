use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# What an administrator, a disk or another program may do to the content database.
my $server =
	Pchat::Server->start(tls => 0, conf => { limits => { history => 5 }, content => { readers => 1 } });
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my $alice = Pchat::Client->new(server => $server, user => 'alice')->connect->sign_in;
$alice->join_room($room);

sub change (@sql) { return $server->change_sql(@sql) }

sub wait_log ($text) {
	return wait_for("\"$text\" in the log", sub { index($server->log, $text) >= 0 });
}

sub seqs (@rows) { return [map { $_->{seq} } @rows] }

# --- History that the cache does not have. ---

$alice->post($room, "text $_ \x{1f600} \"\\\n") for 1 .. 20;
$server->stored($room, 20);
my $page = $alice->call('message.history', room => $room, limit => 20);
is_deeply(seqs(@{ $page->{messages} }), [1 .. 20], 'older history comes from the database');
is($page->{messages}[0]{text}, "text 1 \x{1f600} \"\\\n", 'with its text unharmed');
is($page->{messages}[0]{from}, 'sip:alice@example.test', 'and its author');
$page = $alice->call('message.history', room => $room, after => 3, limit => 4);
is_deeply(seqs(@{ $page->{messages} }), [4 .. 7], 'onwards as well as backwards');
ok($page->{more}, 'and says that there is more');

# --- A message that the database refuses. ---

my %refuse = (
	sqlite => [
		q{CREATE TRIGGER refuse BEFORE INSERT ON pc_message WHEN NEW.body LIKE 'poison%'
			BEGIN SELECT RAISE(ABORT, 'no poison here'); END}
	],
	postgresql => [
		q{CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
			RAISE 'no poison here' USING ERRCODE = 'check_violation'; END $$},
		q{CREATE TRIGGER refuse BEFORE INSERT ON pc_message FOR EACH ROW
			WHEN (NEW.body LIKE 'poison%') EXECUTE FUNCTION refuse()}
	],
	mssql => [q{ALTER TABLE pc_message ADD CONSTRAINT [no poison here] CHECK (body NOT LIKE 'poison%')}]
);
my %let = (
	sqlite => 'DROP TRIGGER refuse',
	postgresql => 'DROP TRIGGER refuse ON pc_message',
	mssql => 'ALTER TABLE pc_message DROP CONSTRAINT [no poison here]'
);
change(@{ $refuse{ $server->dialect } });
$alice->post($room, $_) for 'before', 'poison 1', 'between', 'poison 2', 'behind';
is_deeply(
	seqs($server->stored($room, 23)),
	[1 .. 21, 23, 25],
	'messages that the database refuses do not keep the others out'
);
my @dead = $server->sql('SELECT type, reason, record FROM pc_dead_letter ORDER BY lsn');
is(scalar @dead, 2, 'they become dead letters');
like($dead[0]{reason}, qr/no poison here/, 'with the reason');
like(pack('H*', $dead[1]{record}), qr/poison 2/, 'and all that was to be stored');
wait_log('was put into pc_dead_letter');
change($let{ $server->dialect });

# --- A database that is newer, or another one. ---

sub refused ($damage, $repair, $message, $what) {
	my $last = ($server->sql('SELECT MAX(seq) AS n FROM pc_message'))[0]{n};
	change($damage);
	$server->kill_role('store');
	wait_log($message);
	pass("$what is refused");
	$alice->post($room, "while $what") for 1 .. 3;
	is(($server->sql('SELECT MAX(seq) AS n FROM pc_message'))[0]{n},
		$last, 'chat goes on, and nothing is stored');
	change($repair);
	wait_for('drain',
		sub { ($server->sql('SELECT MAX(seq) AS n FROM pc_message'))[0]{n} == $last + 3 });
	pass('when it is set right all is stored');
}

my ($cursor) = $server->sql('SELECT * FROM pc_cursor');
refused(
	'INSERT INTO pc_schema (version, applied) VALUES (999, 0)',
	'DELETE FROM pc_schema WHERE version = 999',
	'its schema has version 999',
	'a database of a newer version'
);
refused(
	"UPDATE pc_cursor SET journal_id = 'ff" . substr($cursor->{journal_id}, 2) . q{'},
	"UPDATE pc_cursor SET journal_id = '$cursor->{journal_id}'",
	'belongs to another journal',
	"another server's database"
);
is(scalar(my @stores = $server->pids('store')), 1, 'the store is still there');

# --- All of it again from the database. ---

$server->restart;
$alice = Pchat::Client->new(server => $server, user => 'alice')->connect->sign_in;
my $joined = $alice->join_room($room, history => 50);
is($joined->{last_seq}, 31, 'after a cold start a room goes on where it was');
is_deeply(
	[grep { $_ != 22 && $_ != 24 } @{ seqs(@{ $joined->{messages} }) }],
	[1 .. 21, 23, 25 .. 31],
	'and has its history'
);

# --- Another program holds SQLite's lock. ---

my $next = 32;

# The master takes whoever is silent for 10 seconds for one that hangs.
SKIP: {
	skip 'only SQLite has one lock for all', 3 if $server->dialect ne 'sqlite';
	my ($store) = $server->pids('store');
	$next++;
	my $holder = $server->connect_sql(AutoCommit => 1);
	$holder->do('BEGIN IMMEDIATE');
	$alice->post($room, 'into a locked database');
	wait_for('the store to say so',
		sub { $server->log =~ /the content database failed.*locked/ });
	pass('a store that waits for a lock says so');
	$holder->do('ROLLBACK');
	$holder->disconnect;
	ok(scalar(grep { $_->{seq} == 32 } $server->stored($room, 30)), 'and stores when the lock is gone');
	is_deeply([$server->pids('store')], [$store], 'in the same process: it was not taken for one that hangs');
}

# --- The file is removed. ---

SKIP: {
	skip 'the database is no file', 4 if $server->postgres;
	unlink map { $server->database . $_ } '', '-wal', '-shm';
	is($alice->post($room, 'nowhere to go')->{seq}, $next, 'chat goes on when the file is removed');
	wait_log('was removed or replaced while it was in use');
	pass('which is noticed');
	is($alice->post($room, 'chat goes on')->{seq}, $next + 1, 'chat goes on then, too');
	wait_for('new tables', sub { eval { $server->sql('SELECT seq FROM pc_message'); 1 } });
	is_deeply(seqs($server->stored($room, $next + 1)),
		[1 .. $next + 1], 'what the journal has is stored in a new one');
}

done_testing;
