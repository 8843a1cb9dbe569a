use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# The compliance database is put back to an older state, emptied, or of an older version, and its key is
# changed: nothing of that is passed over in silence, and nothing is lost that the journal has.
my $server = Pchat::Server->new(tls => 0);
plan skip_all => 'copies files of SQLite' if $server->postgres;
my $directory = $server->directory;
my $key = "$directory/checkpoint.pem";

sub make_key ($path) {
	is(($server->command(qw(openssl genpkey -algorithm ed25519 -out), $path))[0], 0, 'a key');
	$server->command(qw(openssl pkey -pubout -in), $path, '-out', "$path.public");
}

sub configure (%compliance) {
	$server->configure(
		{   '' => { stop_timeout => '6s' },
			compliance =>
				{ enabled => 'true', checkpoint_key => $key, checkpoint_interval => '1s', %compliance }
		});
}
make_key($key);
configure();
$server->launch;
$server->wait_ready;
$server->add_users('alice');
my $room = $server->add_room('Lab');
my $number = 0;

sub talk ($count) {
	my $alice = Pchat::Client->enter(server => $server, user => 'alice');
	$alice->join_room($room);
	$alice->post($room, 'message ' . ++$number) for 1 .. $count;
	$alice->close;
	wait_for('the session to end', sub { $server->status->{sessions} == 0 });
	$server->wait_recorded;
}

sub verify (@arguments) {
	my ($code, $output) = $server->pchatctl('--json', qw(compliance verify), @arguments);
	my ($line) = $output =~ /^(\{.*\})$/ms;
	my $result = $line ? decode_json($line) : {};
	return $code ? "$result->{wrong}: $result->{reason}" : 'whole';
}

sub log_file ($from = 0) {
	open my $out, '>:encoding(UTF-8)', "$directory/kept.log" or die;
	print {$out} substr $server->log, $from;
	close $out;
	return "$directory/kept.log";
}

# The database's files, set aside or put back while the server is stopped.
sub copy ($from, $to) {
	unlink glob "$to*";
	for my $file (glob "$from*") {
		$server->command('cp', '-p', $file, $to . substr $file, length $from);
	}
}
my $database = $server->records_database;

sub restart ($change) {
	my $log = length $server->log;
	$server->stop;
	$change->();
	$server->launch;
	$server->wait_ready;
	$server->wait_recorded;
	return substr $server->log, $log;
}

# --- An older copy, and a journal that has everything since. ---

talk(5);
restart(sub { copy($database, "$directory/older") });
talk(10);
my (@before, $found);
my $log = restart(
	sub {
		@before = $server->records;
		copy("$directory/older", $database);
	});
like(
	$log,
	qr/compliance database 1 is an older copy: it lacks the records \d+ to $before[-1]{number}, which/,
	'an older copy is noticed');
like($log, qr/the compliance database has again what it lacked/, 'and filled again');
my @after = $server->records;
is_deeply([@after[0 .. $#before]], \@before, 'with the records that it had, hash by hash');
is(verify(log_file()), 'whole', 'as the checkpoints in the log say');

# --- The same, and something in between that the journal does not know. ---

configure(retention => '1s', purge_interval => 0);
restart(sub { copy($database, "$directory/older") });
talk(3);
my ($newest) = map { $_->{time} } reverse $server->records;
wait_for('the records to be old enough', sub { time > $newest / 1e6 + 2 });
is(($server->pchatctl(qw(compliance purge --yes)))[0], 0, 'records are purged');
talk(3);
$log = restart(
	sub {
		@before = $server->records;
		copy("$directory/older", $database);
	});
like($log, qr/record $before[-1]{number} of the compliance database is not again what it was/,
	'what is not as it was is noticed');
wait_for('it to be on record', sub { $server->records('restored') });
my ($restored) = $server->records('restored');
is_deeply(
	decode_json($restored->{detail}),
	{ number => $before[-1]{number}, hash => $before[-1]{hash} },
	'and on record, with what it was'
);
is(verify(), 'whole', 'in a chain that is whole');
$found = verify(log_file());
like($found, qr/^\d+: its checkpoint in the log has another hash/, 'the log still tells');

# --- Nothing is left. ---

configure();
@before = $server->records;
$server->stop;
unlink glob "$database*";
$log = length $server->log;
$server->launch;
wait_for(
	'the server to refuse it',
	sub { substr($server->log, $log) =~ /it is empty, although there are records already/ });
$server->stop;
is(($server->pchatctl(qw(compliance accept-gap --yes)))[0], 0, 'an administrator accepts it');
$server->launch;
$server->wait_ready;
talk(1);
my ($gap) = $server->records;
is($gap->{type}, 'gap', 'then that is the first thing on record');
is_deeply(
	decode_json($gap->{detail})->{lost},
	{ number => $before[-1]{number}, hash => $before[-1]{hash} },
	'with what is lost'
);
my $anew = $log;
is(verify(), 'whole', 'and goes on from there');

# --- Another key. ---

$server->stop;
rename $key, "$directory/old.pem" or die;
rename "$key.public", "$directory/old.public" or die;
make_key($key);
$log = length $server->log;
$server->launch;
wait_for(
	'a key without the one before to be refused',
	sub { substr($server->log, $log) =~ /pcc_cursor is not signed by compliance\.checkpoint_key/ });
$server->stop;
$server->command('sh', '-c', "cat $directory/old.public >> $key");
$server->launch;
$server->wait_ready;
talk(1);
wait_for(
	'a checkpoint by the new key',
	sub { $server->log =~ /checkpoint: record ${\ ($server->records)[-1]{number}},/ });
my (@keys) = map { decode_json($_->{detail}) } $server->records('key');
is(scalar @keys, 2, 'a change of keys is on record');
is($keys[0]{before}, undef, 'first there was none');
is($keys[1]{before}, $keys[0]{after}, 'then the one, and now another');
my ($der) = ($server->command('sh', '-c', "openssl pkey -pubin -in $key.public -outform DER | sha256sum"))[1];
is($keys[1]{after}, substr($der, 0, 64), 'by its name');
is(verify(), 'whole', 'what both signed is right');
like(verify('--public-key', "$key.public"), qr/not signed by this key/, 'by the new one alone it is not');
$server->command('sh', '-c', "cat $directory/old.public $key.public > $directory/both.pem");
is(verify('--public-key', "$directory/both.pem", log_file($anew)),
	'whole', 'an auditor has the public keys of both');

# --- An older version. ---

$log = restart(
	sub {
		my $db = $server->connect_records;
		$db->do('ALTER TABLE pcc_cursor DROP COLUMN signature');
		$db->do('DELETE FROM pcc_schema WHERE version = 5');
		$db->disconnect;
		unlink "$directory/state/compliance/anchor"; # which that version did not have
	});
like($log, qr/the tables of compliance database 1 are changed from version 4 to 5/, 'tables are changed');
like($log, qr/the tables of compliance database 1 have version 5 now/, 'to this version');
talk(1);
is(verify(), 'whole', 'and the record goes on');

done_testing;
