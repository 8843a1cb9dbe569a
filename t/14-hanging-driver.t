use v5.36;
use IO::Socket::UNIX;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Postgres;
use Pchat::Server;
use Pchat::Wait;

# A driver that hangs in a question, whatever time-outs it knows: the process is killed and replaced,
# who asked is told, and nobody else notices. FreeTDS makes this necessary (its query time-out comes
# late, and SQLCancel waits), but it is the same with all drivers.
plan skip_all => 'PostgreSQL is not installed' if !Pchat::Postgres->directory_of_programs;

my $build = $ENV{PCHAT_BUILD} // '.';
my @symbols = `nm '$build/odbc/libodbc.a' 2>/dev/null`;
cmp_ok(scalar @symbols, '>', 100, 'there is a layer of databases');
is_deeply([grep {/ U SQL(Cancel|CancelHandle)\b/} @symbols], [], 'which cancels nothing');

my $postgres = Pchat::Postgres->start;
my $server = Pchat::Server->new(tls => 0, postgres => $postgres);
$server->configure({
	limits => { history => 5 },
	cache => { messages => 16 },
	content => { query_timeout => '1s', readers => 2 } });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice));
my $room = $server->add_room('lobby');
my $alice = Pchat::Client->new(server => $server, user => 'alice')->connect->sign_in;
$alice->join_room($room);
$alice->post($room, "text $_") for 1 .. 40;
$server->stored($room, 40);
is(scalar @{ $alice->call('message.history', room => $room, limit => 40)->{messages} },
	40, 'older messages come from the database');

# An administrator who is signed in before: the store could not store that later.
my $socket = IO::Socket::UNIX->new(Peer => $server->admin_socket);
my $measure = sub {
	print $socket
		qq({"jsonrpc":"2.0","id":1,"method":"room.list","params":{"content_exceeds":1}}\n);
	$socket->flush;
	return decode_json scalar <$socket>;
};
is_deeply([map { $_->{name} } @{ $measure->()->{result}{rooms} }],
	['lobby'], 'and so does what is known of the sizes of rooms');

# Others who ask the database meanwhile may hang as well, on a busy machine for too long.
my @readers = $server->pids('reader');
$server->expect_end(@readers, $server->pids('store'), $server->pids('auth'));
$postgres->signal('STOP');
is($alice->refusal('message.history', room => $room, before => 20, limit => 10),
	'timeout', 'a question in which the driver hangs is answered "timeout"');
is($measure->()->{error}{data}{name}, 'timeout', 'and so is one for the rooms of some size');
is(scalar @{ $server->admin('room.list')->{rooms} }, 1, 'those of any size need no database');
is($alice->post($room, 'meanwhile')->{seq}, 41, 'others go on');
wait_for(
	'reader to be replaced',
	sub {
		my %now = map { $_ => 1 } $server->pids('reader');
		return grep { !$now{$_} } @readers;
	});
pass('the process that hung is replaced');
$server->expect_end($server->pids('reader'));
$postgres->signal('CONT');
wait_for(
	'older messages again',
	sub {
		my ($error, $result) =
			$alice->try('message.history', room => $room, before => 20, limit => 10);
		return !$error && @{ $result->{messages} } == 10;
	});
pass('and all is well when the database goes on');
$server->stored($room, 41);
ok($server->finish, 'the server ends without complaint');
$postgres->finish;
done_testing;
