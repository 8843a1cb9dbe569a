use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Journal;
use Pchat::Load;
use Pchat::Postgres;
use Pchat::Server;
use Pchat::Wait;

# Whatever dies while people write: afterwards each event of the journal is on record once, in its
# order, each message of the content database among them, and the chain is whole.
sub survive ($kind, %option) {
	my $server = Pchat::Server->start(
		tls => 0,
		%option,
		conf => {
			journal => { size => '64M' },
			limits => { history => 500 },
			compliance => { enabled => 'true', batch_rows => 20, checkpoint_interval => '1s' },
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
	for my $role (qw(compliance sequencer compliance store worker auth compliance reader)) {
		$server->kill_role($role);
		$load->proceed(20 + int rand 20);
	}
	$option{strike}->($server, $load);
	my @all = ($server->pid, map { $_->{pid} } $server->processes);
	$server->kill(\@all, 'STOP');
	$server->kill(\@all);
	wait_for('the server to be gone', sub { !$server->running });
	$server->launch;
	$server->wait_ready;
	$load->proceed(50);
	$load->finish;
	$load->verify($kind);
	wait_for('all sessions to end', sub { $server->status->{sessions} == 0 });
	$server->wait_recorded;
	compare($kind, $server, $load);
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
		$open{$key}++ if $record->{type} =~ /^(?:join|sign_in)$/;
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
		$postgres->signal('STOP');
		$load->proceed(60);
		$postgres->signal('CONT');
		$load->proceed(30);
	});

done_testing;
