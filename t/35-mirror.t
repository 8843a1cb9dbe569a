use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Load;
use Pchat::Postgres;
use Pchat::Server;
use Pchat::Wait;

# A content database that goes away in every way, under load, and its mirror.
plan skip_all => 'PostgreSQL is not installed' if !Pchat::Postgres->directory_of_programs;

my $principal = Pchat::Postgres->start;
my $mirror = Pchat::Postgres->start(standby_of => $principal);
$principal->do(
	'postgres',
	q{ALTER SYSTEM SET synchronous_standby_names = '*'},
	'SELECT pg_reload_conf()'
);
my $server = Pchat::Server->new(tls => 0, postgres => $principal);
$server->configure({
	limits => { history => 500 },
	journal => { size => '4M' },
	content => { dsn => [$server->dsn, $mirror->dsn($server->{content})] } });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob carol));
my $room = $server->add_room('lobby');
my $load = Pchat::Load->new(server => $server, room => $room, users => [qw(alice bob carol)]);
$load->proceed(50);

sub wait_log ($text) {
	return wait_for("\"$text\" in the log", sub { index($server->log, $text) >= 0 });
}

# --- Killed, stopped, hanging: and there again. ---

$principal->kill;
$load->proceed(100);
pass('chat goes on while the database is dead');
$principal->launch;
wait_log('the content database is back');
$load->proceed(50);
$principal->stop;
$load->proceed(50);
$principal->launch;
$load->proceed(50);
# The master takes whoever waits for that for too long for one that hangs.
$server->expect_end($server->pids($_)) for qw(store reader auth);
$principal->signal('STOP');
$load->proceed(100);
pass('and while it hangs');
$principal->signal('CONT');
$load->proceed(50);
$load->finish;
$load->verify('after the database was killed, stopped and hung');
my $count = $load->acked;
is_deeply(
	[map { $_->{seq} } $server->stored($room, $count)],
	[1 .. $count],
	'SQL has every message once and in order'
);

# --- The mirror takes over. ---

$room = $server->add_room('second');
$load = Pchat::Load->new(server => $server, room => $room, users => [qw(alice bob carol)]);
$load->proceed(50);
$principal->kill;
$load->proceed(50);
wait_log('could not use database 2: it takes no writes');
pass('a mirror that takes no writes is refused');
$mirror->do('postgres', 'SELECT pg_promote()');
$load->proceed(50);
wait_log('connected to content database 2');
$server->{postgres} = $mirror;
$load->finish;
$load->verify('after the mirror was promoted');
$count = $load->acked;
is_deeply(
	[map { $_->{seq} } $server->stored($room, $count)],
	[1 .. $count],
	'the promoted mirror has every message once and in order'
);

# --- The old principal comes back, and lags behind. ---

my $alice = Pchat::Client->new(server => $server, user => 'alice')->connect->sign_in;
$alice->join_room($room);
for (1 .. 700) {
	$alice->post_again($room, 'x' x 8000);
	$alice->next_note;
	$count++;
}
$server->stored($room, $count);
$principal->launch;
$server->kill_role('store');
wait_log('it is an older copy');
pass('a database that lags behind the journal is refused');
$alice->post($room, 'last');
is(($server->stored($room, $count + 1))[-1]{text}, 'last', 'and the next one is used');

done_testing;
