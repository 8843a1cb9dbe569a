use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# pchatctl compliance verify: finds nothing where nothing is wrong, and names the first record at which
# somebody has changed the database behind the server's back.
my $server = Pchat::Server->new;
my $key = $server->directory . '/checkpoint.pem';
for my $file ($key, $server->directory . '/other.pem') {
	is(($server->command(qw(openssl genpkey -algorithm ed25519 -out), $file))[0], 0, 'a key');
}
my $public = $server->directory . '/public.pem';
$server->command(qw(openssl pkey -pubout -in), $key, '-out', $public);
$server->configure(
	{   compliance => {
			enabled => 'true',
			checkpoint_key => $key,
			checkpoint_interval => '1s',
			batch_rows => 7
		}
	});
$server->launch;
$server->wait_ready;
$server->add_users('alice');
my $room = $server->add_room('Lab');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, "message $_ \x{1f600}") for 1 .. 60;
wait_for(
	'a checkpoint',
	sub { checkpoints() > 0 });

sub checkpoints () {
	my $db = $server->connect_records(ReadOnly => 1);
	my ($count) = $db->selectrow_array('SELECT COUNT(*) FROM pcc_checkpoint');
	$db->disconnect;
	return $count;
}
$alice->post($room, "message $_") for 61 .. 70;
my $count = checkpoints();
$server->wait_recorded;
wait_for('a checkpoint of the last record', sub { checkpoints() > $count && is_last_checked() });

sub is_last_checked () {
	my $db = $server->connect_records(ReadOnly => 1);
	my ($record) = $db->selectrow_array('SELECT MAX(number) FROM pcc_record');
	my ($checkpoint) = $db->selectrow_array('SELECT MAX(number) FROM pcc_checkpoint');
	$db->disconnect;
	return $record == $checkpoint;
}

sub verify (@arguments) {
	my ($code, $output) = $server->pchatctl('--json', 'compliance', 'verify', @arguments);
	my ($line) = $output =~ /^(\{.*\})$/ms;
	return ($code, $line ? decode_json($line) : { output => $output });
}

my ($code, $found) = verify();
is($code, 0, 'what was recorded is whole') or diag explain $found;
my $last = $found->{last};
is($found->{records}, $last, 'every record was looked at');
cmp_ok($found->{signatures}, '>=', 2, 'and every checkpoint with its signature');
is($found->{signatures}, $found->{checkpoints}, 'which is that of the configured key');
is((verify('--public-key', $public))[0], 0, 'the public key is enough');
($code, $found) = verify('--public-key', $server->directory . '/other.pem');
is($code, 65, 'another key is not');
like($found->{reason}, qr/not signed by this key/, 'and that is said');
($code, $found) = verify('--from', 10, '--to', 20);
is_deeply([$code, @{$found}{qw(first last records)}], [0, 10, 20, 11], 'a part can be looked at');
is(($server->pchatctl(qw(compliance verify --from nonsense)))[0], 64, 'if it is one');
like(
	($server->pchatctl(qw(compliance verify)))[1],
	qr/^$last records, 1 to $last, \d+ checkpoints, \d+ signatures$/,
	'a person can read it');

# Does something to the database, verifies, and puts everything back.
sub tampered ($name, $expected, @statements) {
	my $db = $server->connect_records;
	$db->do($server->copy_sql("pcc_$_", "kept_$_")) for qw(record checkpoint cursor);
	$db->do($_) for @statements;
	my ($status, $result) = verify();
	for my $table (qw(record checkpoint cursor)) {
		$db->do("DELETE FROM pcc_$table");
		$db->do("INSERT INTO pcc_$table SELECT * FROM kept_$table");
		$db->do("DROP TABLE kept_$table");
	}
	$db->disconnect;
	is($status, 65, "$name is found");
	is("$result->{wrong}: $result->{reason}", $expected, 'at its place') or diag explain $result;
}
sub first_checkpoint () {
	my $db = $server->connect_records(ReadOnly => 1);
	my ($number) = $db->selectrow_array('SELECT MIN(number) FROM pcc_checkpoint');
	$db->disconnect;
	return $number;
}
my $changed = 'its hash does not agree: it was changed, or is not in its place';
my ($chat) = map { $_->{number} } $server->records('chat');
tampered('a text that was changed', "$chat: $changed",
	"UPDATE pcc_record SET content = 'never said' WHERE number = $chat");
for my $column (qw(lsn time type flags room_id room room_name category user_id user_uri user_name
	address session message title rich_type rich detail))
{
	my $value = $column =~ /^(lsn|time|flags|room_id|user_id|message)$/ ? 7777 : "'x'";
	tampered("another $column", "$chat: $changed",
		"UPDATE pcc_record SET $column = $value WHERE number = $chat");
}
tampered('a hash that was changed', "$chat: $changed",
	"UPDATE pcc_record SET hash = '" . 'a' x 64 . "' WHERE number = $chat");
my $next = $chat + 1;
tampered('a record that was removed', "$chat: it is missing; the next one is $next",
	"DELETE FROM pcc_record WHERE number = $chat");
tampered(
	'a removed one, and the others moved up', "$chat: $changed",
	"DELETE FROM pcc_record WHERE number = $chat",
	"UPDATE pcc_record SET number = -number + 1 WHERE number > $chat" =~ s/-number \+ 1/number + 1000000/r,
	"UPDATE pcc_record SET number = number - 1000001 WHERE number > 1000000");
tampered(
	'two records in each other\'s place', "$chat: $changed",
	"UPDATE pcc_record SET number = 1000000 WHERE number = $chat",
	"UPDATE pcc_record SET number = $chat WHERE number = $next",
	"UPDATE pcc_record SET number = $next WHERE number = 1000000");
tampered('the first record gone', '1: it is missing; the first one is 2',
	'DELETE FROM pcc_record WHERE number = 1');
tampered(
	'the first ones gone up to a checkpoint',
	'1: it is missing; the first one is ' . (first_checkpoint() + 1),
	'DELETE FROM pcc_record WHERE number <= ' . first_checkpoint());
tampered('all records gone', '1: it is missing, as are all others', 'DELETE FROM pcc_record');
tampered('the last record gone', "$last: it is missing; the last one is $last",
	"DELETE FROM pcc_record WHERE number = $last");
my ($before) = map { $_->{hash} } grep { $_->{number} == $last - 1 } $server->records;
tampered(
	'the last one gone, and the cursor set back',
	"$last: it is missing; there is a checkpoint of $last",
	"DELETE FROM pcc_record WHERE number = $last",
	"UPDATE pcc_cursor SET number = $last - 1, hash = '$before'");
my $added = $last + 1;
tampered('a record that was added', "$added: $changed",
	"INSERT INTO pcc_record SELECT $added, lsn, time, type, flags, room_id, room, room_name, "
		. 'category, user_id, user_uri, user_name, address, session, message, title, content, '
		. "rich_type, rich, detail, hash FROM pcc_record WHERE number = $last");
my $checkpoint = first_checkpoint();
tampered(
	'a checkpoint whose signature was changed',
	"$checkpoint: its checkpoint is not signed by this key",
	"UPDATE pcc_checkpoint SET signature = 'AAAA' WHERE number = $checkpoint");
tampered(
	'one whose hash was changed',
	"$checkpoint: its checkpoint has another hash: it, or what is before it from record 1 on, "
		. 'was written anew',
	"UPDATE pcc_checkpoint SET hash = '" . 'b' x 64 . "' WHERE number = $checkpoint");
tampered(
	'one whose time was changed',
	"$checkpoint: its checkpoint is not signed by this key",
	"UPDATE pcc_checkpoint SET time = time + 1 WHERE number = $checkpoint");

($code, $found) = verify();
is($code, 0, 'put back, everything is whole again') or diag explain $found;
my ($line) = grep {/checkpoint: record $last,/} split /\n/, $server->log;
my ($signature) = $line =~ /signature (\S+)$/;
my ($stored) = do {
	my $db = $server->connect_records(ReadOnly => 1);
	$db->selectrow_array("SELECT signature FROM pcc_checkpoint WHERE number = $last");
};
is($signature, $stored, 'the log has the checkpoints, too');

done_testing;
