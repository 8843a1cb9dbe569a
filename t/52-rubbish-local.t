use v5.36;
use File::Temp 'tempdir';
use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Socket;
use Test::More;
use Pchat::Server;
use Pchat::Wait;

# The two sockets for local administration, which anybody may connect to who gets at the directory.
my $server = Pchat::Server->start;
$server->add_users('alice');
my @before = map { $_->{pid} } $server->processes;

sub connect_to ($path) {
	return IO::Socket::UNIX->new(Peer => $path)
		// IO::Socket::UNIX->new(Peer => $path, Type => SOCK_SEQPACKET)
		// die "could not connect to $path: $!\n";
}

# Sends all of it and ends; what comes back, until the server closes.
sub talk ($path, $bytes) {
	local $SIG{PIPE} = 'IGNORE';
	my $socket = connect_to($path);
	$socket->blocking(0);
	my ($answer, $select) = ('', IO::Select->new($socket));
	wait_for(
		"close of $path",
		sub {
			if (length $bytes && $select->can_write(0)) {
				my $sent = syswrite $socket, $bytes, 8192;
				$bytes = defined $sent ? substr $bytes, $sent : '';
			}
			shutdown $socket, 1 if !length $bytes;
			return if !$select->can_read(0);
			return !sysread $socket, $answer, 65536, length $answer;
		});
	return $answer;
}

srand 2;
my %rubbish = (
	'nothing' => '',
	'a lone line end' => "\n",
	'many line ends' => "\n" x 10000,
	'random bytes' => join('', map { chr int rand 256 } 1 .. 20000),
	'a line that does not end' => 'x' x 300000,
	'deep nesting' => '[' x 8000 . "\n",
	'text that is not UTF-8' => "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n",
	'half a request' => '{"jsonrpc":"2.0","id":1,',
	'an unknown method' => qq({"jsonrpc":"2.0","id":1,"method":"user.explode"}\n),
	'a batch' => qq([{"jsonrpc":"2.0","id":1,"method":"user.list"}]\n),
	'a thousand bad lines' => "rubbish\n" x 1000,
	'the greeting of another version' => "status 9",
	'half a greeting' => 'sta',
	'a greeting with more behind it' => 'status 1' . 'x' x 1000,
);
for my $what (sort keys %rubbish) {
	for my $name (qw(admin control)) {
		my $path = "${name}_socket";
		ok(
			defined talk($server->$path, $rubbish{$what}),
			"$what on the $name socket ends in an answer or a close"
		);
		ok($server->running, 'and the master is there');
	}
}
is_deeply([map { $_->{pid} } $server->processes], \@before, 'no process died of it');
ok($server->status, 'pchatctl status answers');
is_deeply(
	[map { $_->{uri} } @{ $server->admin('user.list')->{users} }],
	['sip:alice@example.test'],
	'and the users are as they were'
);

# Those who connect and say nothing do not keep others out for long.
my @idle = map { connect_to($server->control_socket) } 1 .. 50;
wait_for(
	'answer beside idle connections',
	sub {
		eval { $server->status }
	});
pass('pchatctl status answers beside fifty that say nothing');

# A worker asks for itself only. This process takes a worker's socket and asks in its name.
use constant { FD_QUESTIONS => 8, PIDFD_OPEN => 434, PIDFD_GETFD => 438, WORKER => 8 };
my ($worker) = map { $_->{pid} } grep { $_->{role} eq 'worker' } $server->processes;
SKIP: {
	my $process = syscall PIDFD_OPEN, $worker + 0, 0;
	my $fd = syscall PIDFD_GETFD, $process, FD_QUESTIONS, 0;
	skip 'this system does not let a test take the descriptors of a worker', 1 if $fd < 0;
	open my $questions, '>&=', $fd or die "fdopen: $!";
	my $ask = sub ($slot, $generation) {
		my $head = pack 'L S S L L L l L L Q', 8, 2, $slot, $generation, 1, 1, 0, 0, 0, 0;
		send $questions, $head . pack('L L', 1, 0), 0;
	};
	for my $slot (WORKER .. WORKER + 7) {
		$ask->($slot, $_) for 1 .. 20;
	}
	wait_for('a question to be dropped', sub { $server->log =~ /in the name of slot/ });
	pass('a question in the name of a worker that did not ask it is dropped');
	wait_for(
		'the log to tell of others',
		sub {
			$ask->(WORKER, $_) for (1 .. 20) x 50;
			$server->log =~ /\d+ more questions were dropped/;
		});
	my %lines;
	$lines{$_}++ for $server->log =~ /^(\S{19})\S+ \S+ pchat-reader\S+ dropped a question/mg;
	is_deeply([grep { $_ > 4 * 20 } values %lines],
		[], 'and whoever asks so very often does not fill the log');
}

# What answers in place of a server has no hold on the terminal of whoever asked.
my $directory = tempdir(CLEANUP => 1);
my $listener = IO::Socket::UNIX->new(Local => "$directory/admin.sock", Listen => 5)
	or die "listen: $!";
my $liar = fork // die "fork: $!";
if ($liar == 0) {
	for my $answer ('"error":{"code":100,"message":"no\u001b]0;mine\u0007\u009b2J"}',
		'"result":{"room":"x\u001b[2J\u009b2J"}')
	{
		my $socket = $listener->accept or last;
		my $request = <$socket>;
		print {$socket} qq({"jsonrpc":"2.0","id":1,$answer}\n);
	}
	POSIX::_exit(0);
}
close $listener;
for my $call (['user', 'list'], ['room', 'create', 'x']) {
	my $said = qx($ENV{PCHAT_BUILD}/daemon/pchatctl -s $directory @$call 2>&1);
	unlike($said, qr/[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]/,
		"pchatctl @$call prints no control characters of a server's");
	like($said, qr/\\x1b/, 'it shows them');
}
kill 'TERM', $liar;
waitpid $liar, 0;

done_testing;
