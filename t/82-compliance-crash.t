use v5.36;
use File::Temp 'tempdir';
use List::Util 'shuffle';
use Mojo::JSON 'decode_json';
use Mojo::UserAgent;
use Test::More;
use Pchat::Client;
use Pchat::Journal;
use Pchat::Load;
use Pchat::Postgres;
use Pchat::Server;
use Pchat::Wait;

# Whatever dies while people write: afterwards each event of the journal is on record once, in its
# order, each message of the content database among them, and the chain is whole. PCHAT_SEED chooses
# another order in which processes die.
my $seed = $ENV{PCHAT_SEED} // 1 + int rand 1e6;
srand $seed;
diag "PCHAT_SEED=$seed";

sub survive ($kind, %option) {
	my $lines = tempdir('pchat-crash.XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $server = Pchat::Server->start(
		tls => 0,
		%option,
		conf => {
			journal => { size => '64M' },
			limits => { history => 500 },
			compliance => { enabled => 'true', batch_rows => 20, checkpoint_interval => '1s' },
			'adapter lines' => { form => 'jsonl', directory => $lines },
			files => { directory => "$lines/files" },
		});
	$server->add_users(qw(alice bob carol));
	my $load = Pchat::Load->new(
		server => $server,
		room => $server->add_room('lobby'),
		users => [qw(alice bob carol)],
		posters => 3,
		receivers => 2
	);
	$load->proceed(30);
	my @uploaded;
	my @roles = shuffle qw(sequencer store worker auth reader adapter file), ('compliance') x 3;
	for my $role (@roles) {
		$server->kill_role($role);
		$server->pchatctl(qw(compliance run));
		push @uploaded, upload($server, $load->{room});
		$load->proceed(10 + int rand 20);
	}
	$option{strike}->($server, $load);
	$server->kill_all;
	$server->launch;
	$server->wait_ready;
	$load->proceed(50);
	$load->finish;
	$load->verify($kind);
	wait_for('all sessions to end', sub { $server->status->{sessions} == 0 });
	$server->wait_recorded;
	compare($kind, $server, $load);
	my %told = map { $_ => 1 } map { decode_json($_->{detail})->{file} } $server->records('upload');
	cmp_ok(scalar @uploaded, '>', 0, "$kind: files were uploaded");
	is_deeply([grep { !$told{$_} } @uploaded], [], "$kind: each of them is on record");
	handed_over($kind, $server, $lines);
}

# What was acknowledged; an upload into a server of which something has just died may fail.
sub upload ($server, $room) {
	my $alice = Pchat::Client->enter(server => $server, user => 'alice');
	my ($error, $grant) =
		$alice->try('file.upload', room => $room, name => 'a.txt', size => 5);
	$alice->close;
	return () if $error;
	my $tx = Mojo::UserAgent->new->put(
		'http://' . $server->address . ':' . $server->port . $grant->{url} => 'hello');
	return ($tx->res->code // 0) == 201 ? $grant->{file} : ();
}

# The adapter's files have every record once, too.
sub handed_over ($kind, $server, $lines) {
	my ($code, $output) = $server->pchatctl(qw(compliance run --wait));
	is($code, 0, "$kind: the adapter has everything") or diag $output;
	my @numbers;
	for my $file (sort glob "$lines/*.jsonl") {
		open my $in, '<', $file or die;
		push @numbers, map { decode_json($_)->{number} } <$in>;
	}
	is_deeply(\@numbers, [1 .. @numbers], "$kind: and each record once");
	is($numbers[-1], ($server->records)[-1]{number}, "$kind: to the last one");
}

sub compare ($kind, $server, $load) {
	my @records = $server->records;
	my ($code, $output) = $server->pchatctl(qw(compliance verify));
	is($code, 0, "$kind: the chain is whole") or diag $output;
	is_deeply(
		[map {"$_->{message} $_->{content}"} grep { $_->{type} eq 'chat' } @records],
		[map {"$_->{seq} $_->{text}"} $server->stored($load->{room}, $load->acked)],
		"$kind: the messages on record are those of the content database"
	);

	# Ends that nobody said belong to the start behind them.
	my @told = map {"$_->{lsn} $_->{type}"} grep { $_->{detail} !~ /"reason":"restart"/ } @records;
	my $end = $server->status->{journal}{durable};
	my %kept = map { $_ => 1 } qw(pad invitation marker feed);
	my @events = map {"$_->{lsn} $_->{type}"}
		grep { !$kept{ $_->{type} } } Pchat::Journal::events($server->journal, $end);
	cmp_ok(scalar @events, '>', 200, "$kind: the journal has many events");
	is_deeply(\@told, \@events, "$kind: each event of the journal is on record, once, in its order");

	my %open;
	for my $record (@records) {
		my $key = "$record->{session} $record->{room_id}";
		$open{$key}++ if $record->{type} =~ /^(?:join|sign_in|resume)$/;
		$open{"$1 $record->{room_id}"}--
			if $record->{type} eq 'resume' && $record->{detail} =~ /"from":"([\d.]+)"/;
		$open{$key}-- if $record->{type} =~ /^(?:part|sign_out)$/;
	}
	is_deeply([grep { $open{$_} } sort keys %open],
		[], "$kind: every session and every stay in a room has its end");
}

survive(
	'SQLite',
	strike => sub ($server, $load) {
		my $lock = $server->connect_records;
		$lock->do('BEGIN IMMEDIATE');
		$load->proceed(60);
		$lock->do('ROLLBACK');
		$lock->disconnect;
	});

my $postgres = Pchat::Postgres->start;
survive(
	'PostgreSQL',
	records => $postgres,
	strike => sub ($server, $load) {
		for (1 .. 2) {
			$postgres->kill;
			$load->proceed(60);
			$postgres->launch;
			$load->proceed(60);
		}
		# The master takes whoever waits for that for too long for one that hangs.
		$server->expect_end($server->pids($_)) for qw(compliance adapter);
		$postgres->signal('STOP');
		$load->proceed(60);
		$postgres->signal('CONT');
		$load->proceed(30);
	});

done_testing;
