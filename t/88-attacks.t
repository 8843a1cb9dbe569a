use v5.36;
use Digest::SHA 'sha256_hex';
use Encode 'encode';
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Somebody who may write to the compliance database, knows how hashes are made, and does not have the
# key: whatever he does is found by verify, or stops the recording.
my $server = Pchat::Server->new(tls => 0);
my $key = $server->directory . '/checkpoint.pem';
is(($server->command(qw(openssl genpkey -algorithm ed25519 -out), $key))[0], 0, 'a key');

# Root's server has users for its processes, who must be able to run them.
my @as_games = ('setpriv', '--reuid', 'games', '--clear-groups');
my $users = $> == 0
	&& system(@as_games, 'test', '-x', "$Pchat::Server::build/daemon/pchat-compliance") == 0;
if ($users) {
	my $state = $server->directory . '/state';
	chown scalar getpwnam('daemon'), -1, $state;
	chmod 0711, $server->directory, $state; # in place of a group that both are in
}
$server->configure(
	{   '' => {
			stop_timeout => '6s',
			$users ? (user => 'daemon', worker_user => 'nobody') : ()
		},
		compliance => {
			enabled => 'true',
			checkpoint_key => $key,
			checkpoint_interval => '1s',
			batch_rows => 7,
			$users ? (user => 'games') : ()
		}
	});
$server->launch;
$server->wait_ready;
SKIP: {
	skip 'only root can become somebody else', 4 if !$users;
	my ($pid) = $server->pids('compliance');
	open my $status, '<', "/proc/$pid/status" or die;
	my ($uid) = map {/^Uid:\s+(\d+)/} <$status>;
	is($uid, scalar getpwnam 'games', 'the process has a user of its own');
	my @directory = stat $server->directory . '/state/compliance';
	is(sprintf('%o %s', $directory[2] & 0777, scalar getpwuid $directory[4]),
		'700 games', 'who alone can look at its files');
	isnt(system('setpriv', '--reuid', $_, '--clear-groups', 'test', '-e', $server->records_database),
		0, "and $_ cannot")
		for qw(daemon nobody);
}
$server->add_users(qw(alice bob));
my $room = $server->add_room('Lab');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$_->join_room($room) for $alice, $bob;
for my $client ($alice, $bob) {
	$client->post($room, "message $_ \x{1f600}") for 1 .. 15;
}
my @hold = qw(compliance hold add Jones --user alice --start 2001-01-01 --reason audit);
is(($server->pchatctl(@hold))[0], 0, 'a hold');
$server->wait_recorded;

sub one ($sql) {
	my $db = $server->connect_records(ReadOnly => 1);
	my ($value) = $db->selectrow_array($sql);
	$db->disconnect;
	return $value;
}

sub last_checkpoint () { return one('SELECT MAX(number) FROM pcc_checkpoint') // 0 }

sub wait_checkpoint () {
	wait_for('a checkpoint', sub { last_checkpoint() == one('SELECT MAX(number) FROM pcc_record') });
}
wait_checkpoint();
my $early = one('SELECT signature FROM pcc_cursor');
my %early = map { $_ => one("SELECT $_ FROM pcc_cursor") } qw(lsn time number hash signature);
$alice->post($room, "message $_") for 31 .. 40;
$server->wait_recorded;
wait_checkpoint();
$_->close for $alice, $bob;
wait_for('all sessions to end', sub { $server->status->{sessions} == 0 });
$server->wait_recorded;
wait_checkpoint();
$server->stop;

sub verify (@arguments) {
	my ($code, $output) = $server->pchatctl('--json', qw(compliance verify), @arguments);
	my ($line) = $output =~ /^(\{.*\})$/ms;
	my $result = $line ? decode_json($line) : {};
	return $code ? "$result->{wrong}: $result->{reason}" : 'whole';
}

sub log_file () {
	my $path = $server->directory . '/kept.log';
	open my $out, '>:encoding(UTF-8)', $path or die;
	print {$out} $server->log;
	close $out;
	return $path;
}
is(verify(), 'whole', 'nothing is wrong before');
is(verify(log_file()), 'whole', 'nor by the log');

# The hashes of all records from one on are worked out anew, and of the cursor.
sub work_out ($db, $from) {
	my @columns = qw(number lsn time type flags room_id room room_name category user_id user_uri
		user_name address session message title content rich_type rich detail);
	my ($hash) = $db->selectrow_array('SELECT hash FROM pcc_record WHERE number = ?', {}, $from - 1);
	$hash //= '0' x 64;
	my $rows = $db->selectall_arrayref(
		'SELECT * FROM pcc_record WHERE number >= ? ORDER BY number',
		{ Slice => {} }, $from);
	my $number = $from - 1;
	for my $row (@$rows) {
		my $old = $row->{number};
		$row->{number} = ++$number;
		$hash = sha256_hex(join '',
			map { length($_) . ":$_," } map { encode('UTF-8', $_) } $hash, @{$row}{@columns});
		$db->do('UPDATE pcc_record SET number = ?, hash = ? WHERE number = ?',
			{}, $number, $hash, $old);
	}
	$db->do('UPDATE pcc_cursor SET number = ?, hash = ?', {}, $number, $hash);
}

# Does something to the database, verifies, and puts everything back. The anchor, a file of the server,
# may stand in for a log: without it what the database itself shows is enough.
my $anchor = $server->directory . '/state/compliance/anchor';
my @tables = map {"pcc_$_"} qw(record checkpoint cursor hold object open_session);

sub keep ($db) { $db->do("CREATE TABLE kept_$_ AS SELECT * FROM $_") for @tables }

sub put_back ($db) {
	for my $table (@tables) {
		$db->do("DELETE FROM $table");
		$db->do("INSERT INTO $table SELECT * FROM kept_$table");
		$db->do("DROP TABLE kept_$table");
	}
}

sub attack ($name, $expected, $strike, @arguments) {
	my $db = $server->connect_records;
	keep($db);
	$db->begin_work;
	$strike->($db);
	$db->commit;
	my $with = @arguments && $arguments[0] eq $anchor;
	rename $anchor, "$anchor.aside" or die if !$with;
	my $found = verify(@arguments);
	rename "$anchor.aside", $anchor or die if !$with;
	put_back($db);
	$db->disconnect;
	like($found, $expected, "$name is found");
}

sub do_all (@statements) {
	return sub ($db) { $db->do($_) for @statements };
}
my ($chat) = map { $_->{number} } $server->records('chat');
my $end = one('SELECT MAX(number) FROM pcc_record');
my $change = "UPDATE pcc_record SET content = 'never said' WHERE number = $chat";
my ($before, $behind) = map { one("SELECT $_") } (
	"COALESCE(MAX(number), 0) + 1 FROM pcc_checkpoint WHERE number < $chat",
	"MIN(number) FROM pcc_checkpoint WHERE number >= $chat");

sub rewrite (@statements) {
	return sub ($db) {
		$db->do($_) for $change, @statements;
		work_out($db, $chat);
	};
}
attack(
	'a record that was changed, with all hashes behind it',
	qr/^$behind: its checkpoint has another hash: it, or what is before it from record $before on,/,
	rewrite());
attack(
	'the same with the checkpoints changed, too',
	qr/^$behind: its checkpoint is not signed by this key$/,
	sub ($db) {
		rewrite()->($db);
		$db->do('UPDATE pcc_checkpoint SET hash = '
				. '(SELECT hash FROM pcc_record AS r WHERE r.number = pcc_checkpoint.number)');
	});
attack('the same without those checkpoints',
	qr/^$end: pcc_cursor is not signed by this key$/,
	rewrite("DELETE FROM pcc_checkpoint WHERE number >= $chat"));
attack(
	'everything as if there had never been a key',
	qr/^$end: pcc_cursor is not signed by this key$/,
	rewrite('DELETE FROM pcc_checkpoint', "UPDATE pcc_cursor SET signature = ''"));
attack(
	'signatures that were taken away',
	qr/^\d+: its checkpoint is not signed by this key$/,
	do_all("UPDATE pcc_checkpoint SET signature = ''"));
attack(
	'a record that was taken out, with all others moved up',
	qr/^\d+: (?:its checkpoint has another hash|it is missing; there is a checkpoint)/,
	sub ($db) {
		$db->do("DELETE FROM pcc_record WHERE number = $chat");
		work_out($db, $chat);
	});
attack(
	'the place up to which is recorded, moved on',
	qr/^$end: pcc_cursor is not signed by this key$/,
	do_all('UPDATE pcc_cursor SET lsn = lsn + 4096'));
attack(
	'a record added at the end',
	qr/^\d+: pcc_cursor is not signed by this key$/,
	sub ($db) {
		my $new = $end + 1;
		$db->do("INSERT INTO pcc_record SELECT $new, lsn, time, type, flags, room_id, room, "
				. 'room_name, category, user_id, user_uri, user_name, address, session, message, '
				. "title, 'never said', rich_type, rich, detail, hash "
				. "FROM pcc_record WHERE number = $chat");
		work_out($db, $new);
	});

# An older state is right in itself. That there was a later one only somebody else can know.
my $older = sub ($db) {
	$db->do("DELETE FROM $_ WHERE number > $early{number}") for qw(pcc_record pcc_checkpoint pcc_hold);
	$db->do('UPDATE pcc_cursor SET ' . join(', ', map {"$_ = ?"} sort keys %early),
		{}, map { $early{$_} } sort keys %early);
};
my $missing = $early{number} + 1;
attack(
	'an older state, by the anchor',
	qr/^$missing: it is missing; the log has a checkpoint of $end$/,
	$older, $anchor);
attack(
	'an older state, by the log',
	qr/^$missing: it is missing; the log has a checkpoint of $end$/,
	$older, log_file());
{
	open my $out, '>', $server->directory . '/forged.log' or die;
	print {$out} $server->log =~ s/(hash )[0-9a-f]{4}/${1}0000/gr;
	close $out;
	my ($code, $output) =
		$server->pchatctl(qw(compliance verify), $server->directory . '/forged.log');
	is($code, 65, 'a log that was changed is none');
	like($output, qr/the checkpoint of record \d+ in \S+ is not signed by this key/, 'and is named');
	($code, $output) = $server->pchatctl(qw(compliance verify), $key);
	is($code, 65, 'nor is a file without checkpoints');
}

# Tables that are not in the chain.
my ($held) = map { $_->{number} } $server->records('hold');
for my $statement (
	'DELETE FROM pcc_hold',
	"UPDATE pcc_hold SET user_uri = 'sip:nobody\@example.test'",
	"UPDATE pcc_hold SET end_time = start_time + 1",
	'UPDATE pcc_hold SET released = 1, released_lsn = 1')
{
	attack("a hold that was changed ($statement)",
		qr/^$held: the hold that it tells of is not as it should be in pcc_hold$/,
		do_all($statement));
}

# The server, started again, does not sign what it did not write.
sub refuses ($name, $reason, $strike) {
	my $db = $server->connect_records;
	keep($db);
	$db->begin_work;
	$strike->($db);
	$db->commit;
	$db->disconnect;
	my $log = length $server->log;
	$server->launch;
	wait_for("$name to be refused", sub { substr($server->log, $log) =~ /could not use database/ });
	like(substr($server->log, $log), qr/could not use database 1: $reason; see "pchatctl/, $name);
	$server->stop;
	$db = $server->connect_records;
	put_back($db);
	$db->disconnect;
}
refuses(
	'records that were written anew are not gone on with',
	'its pcc_cursor is not signed by compliance\.checkpoint_key',
	rewrite("DELETE FROM pcc_checkpoint WHERE number >= $chat"));
refuses(
	'nor is a place that was moved',
	'its pcc_cursor is not signed by compliance\.checkpoint_key',
	do_all('UPDATE pcc_cursor SET lsn = lsn + 4096'));
refuses(
	'nor a row that nobody signed any more',
	'its pcc_cursor is not signed by compliance\.checkpoint_key',
	do_all("UPDATE pcc_cursor SET signature = ''"));
refuses(
	'nor newest records that are others than they were',
	'its newest records are not those that were recorded',
	do_all("UPDATE pcc_record SET hash = '" . 'a' x 64 . "' WHERE number = $end"));
refuses(
	'nor an empty database',
	'it is empty, although there are records already',
	do_all(map {"DELETE FROM $_"} @tables));

# Names come from tables that are not in the chain; what is said under a wrong one is found.
my $db = $server->connect_records;
my ($id) = $db->selectrow_array("SELECT id FROM pcc_object WHERE uri = 'sip:alice\@example.test'");
$db->do("UPDATE pcc_object SET uri = 'sip:bob\@example.test' WHERE kind = 4 AND id = $id");
$db->disconnect;
$server->launch;
$server->wait_ready;
$alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, 'it was not me');
$server->wait_recorded;
my ($forged) = grep { $_->{user_id} == $id && $_->{number} > $end } $server->records;
is($forged->{user_uri}, 'sip:bob@example.test', 'a name can be changed for what is to come');
is(verify(), "$forged->{number}: its user was somebody else before: pcc_object was changed",
	'which is found');

done_testing;
