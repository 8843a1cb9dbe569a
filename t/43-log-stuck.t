use v5.36;
use Fcntl;
use POSIX 'mkfifo';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# The log goes into a pipe, and whoever should read it hangs: nobody waits for him.
my $server = Pchat::Server->new(tls => 0);
my ($log, $text) = ($server->log_file, '');
mkfifo $log, 0600 or die;
sysopen my $pipe, $log, O_RDWR | O_NONBLOCK or die;

# What is left of it is an ordinary file, for the end of the server.
sub give_back () {
	return if !-p $log;
	unlink $log;
	open my $out, '>', $log or die;
	print $out $text;
}

END { give_back() }

sub read_on () {
	1 while sysread $pipe, $text, 65536, length $text;
	return $text;
}

$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
like(read_on, qr/pchatd: ready\n/, 'there is a log');

for my $size (4096, 1) {
	1 while syswrite $pipe, 'x' x $size;
}
$server->kill_role('worker') for 1 .. 2;
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
is($alice->post($room, 'hello')->{seq}, 1, 'while nobody reads it users sign in and post');
ok($server->status, 'pchatctl status answers');
is(scalar(() = $server->processes), $server->{children}, 'and who dies is replaced');

read_on;
wait_for(
	'the word that lines are missing',
	sub {
		Pchat::Client->enter(server => $server, user => 'bob')->close;
		return read_on =~ /warning pchatd?\S*: \d+ lines of the log could not be written\n/;
	});
pass('when it is read again it says that lines are missing');
$server->stop;
like(read_on, qr/pchatd: stopped\n/, 'and goes on to its end');
give_back();
done_testing;
