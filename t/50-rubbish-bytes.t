use v5.36;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# What a stranger may send to each port before he has signed in. The server must close the connection,
# or answer.
sub head ($line, %with) {
	my %head = (
		Host => 'localhost',
		Upgrade => 'websocket',
		Connection => 'Upgrade',
		'Sec-WebSocket-Version' => 13,
		'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==',
		'Sec-WebSocket-Protocol' => 'pchat.v1',
		%with
	);
	return join "\r\n", $line,
		(map {"$_: $head{$_}"} grep { defined $head{$_} } sort keys %head), '', '';
}

sub frame ($first, $payload, $length = length $payload, $masked = 0x80) {
	my $size =
		  $length < 126 ? pack('C', $masked | $length)
		: $length < 65536 ? pack('Cn', $masked | 126, $length)
		: pack('CQ>', $masked | 127, $length);
	return pack('C', $first) . $size . ($masked ? "\0\0\0\0" : '') . $payload;
}

my $upgrade = head('GET /pchat HTTP/1.1');
my $ask = '{"jsonrpc":"2.0","id":1,"method":"server.info"}';
srand 1;
my %http = (
	'nothing' => '',
	'a line' => "hello\r\n",
	'a lot of random bytes' => join('', map { chr int rand 256 } 1 .. 65536),
	'a few random bytes' => join('', map { chr int rand 256 } 1 .. 100),
	'a head that does not end' => "GET /pchat HTTP/1.1\r\n" . ("X-Filler: y\r\n" x 5000),
	'a line that does not end' => 'GET /' . 'a' x 100000,
	'half an upgrade' => substr($upgrade, 0, 80),
	'a TLS hello cut short' => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" . 'r' x 40,
	'a post that is long by its own word' =>
		"POST /pchat HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
	'chunks without an end' =>
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
	'NUL bytes' => "\0" x 5000,
);
my %status = (
	'a request for another page' => [404, head('GET /other HTTP/1.1')],
	'a request without an upgrade' => [426, "GET /pchat HTTP/1.1\r\nHost: x\r\n\r\n"],
	'an upgrade without our protocol' =>
		[400, head('GET /pchat HTTP/1.1', 'Sec-WebSocket-Protocol' => 'chat')],
	'an upgrade without a key' =>
		[400, head('GET /pchat HTTP/1.1', 'Sec-WebSocket-Key' => undef)],
	'an upgrade of an unknown version' =>
		[qr/400|426/, head('GET /pchat HTTP/1.1', 'Sec-WebSocket-Version' => 8)],
	'rubbish where HTTP should be' => [400, "\x01\x02\x03 rubbish\r\n\r\n"],
);
my %websocket = (
	'a binary message' => [1003, frame(0x82, 'binary')],
	'text that is not UTF-8' => [1007, frame(0x81, "{\"a\":\"\xff\xfe\"}")],
	'a surrogate in UTF-8' => [1007, frame(0x81, "\"\xed\xa0\x80\"")],
	'an overlong NUL' => [1007, frame(0x81, "\"\xc0\x80\"")],
	'a frame longer than allowed' => [1009, frame(0x81, '', 1 << 40)],
	'a frame of an impossible length' => [qr/100[29]/, frame(0x81, '', ~0)],
	'a frame without a mask' => [1002, frame(0x81, $ask, length $ask, 0)],
	'reserved bits' => [1002, frame(0xf1, $ask)],
	'an unknown opcode' => [1002, frame(0x83, $ask)],
	'a ping longer than allowed' => [1002, frame(0x89, 'p' x 126)],
	'a ping in pieces' => [1002, frame(0x09, 'p')],
	'a continuation of nothing' => [1002, frame(0x80, $ask)],
	'a message inside another' => [1002, frame(0x01, 'a') . frame(0x81, 'b')],
	'a close with half a code' => [1002, frame(0x88, 'x')],
	'a close with a reserved code' => [1002, frame(0x88, pack 'n', 1005)],
	'too many messages that are not JSON' => [1008, frame(0x81, 'this is not JSON') x 20],
	'too many objects that are no requests' => [1008, frame(0x81, '{"id":{}}') x 20],
);
my @json = (
	['an empty text', '', 'ParseError'],
	['no JSON', 'hello', 'ParseError'],
	['half an object', '{"jsonrpc":', 'ParseError'],
	['two objects', '{}{}', 'ParseError'],
	['deep nesting', '[' x 8000, 'ParseError'],
	['deep nesting with an end', '[' x 8000 . ']' x 8000, qr/ParseError|InvalidRequest/],
	[
		'deep nesting in an object',
		'{"a":' x 8000 . '1' . '}' x 8000,
		qr/ParseError|InvalidRequest/
	],
	['a batch', '[{"jsonrpc":"2.0","id":1,"method":"server.info"}]', 'InvalidRequest'],
	['a number', '1', qr/ParseError|InvalidRequest/],
	['null', 'null', qr/ParseError|InvalidRequest/],
	['a request without a version', '{"id":1,"method":"server.info"}', 'InvalidRequest'],
	[
		'a request of another version', '{"jsonrpc":"1.0","id":1,"method":"server.info"}',
		'InvalidRequest'
	],
	['a request without an id', '{"jsonrpc":"2.0","method":"server.info"}', 'InvalidRequest'],
	[
		'an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"server.info"}',
		'InvalidRequest'
	],
	[
		'an id that is too long',
		'{"jsonrpc":"2.0","id":"' . 'x' x 65 . '","method":"server.info"}',
		'InvalidRequest'
	],
	['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"server.info"}', 'InvalidRequest'],
	['a method that is a number', '{"jsonrpc":"2.0","id":1,"method":5}', 'InvalidRequest'],
	[
		'params that are a list',
		'{"jsonrpc":"2.0","id":1,"method":"server.info","params":[]}',
		qr/InvalidRequest|InvalidArgument/
	],
	[
		'params that are a text',
		'{"jsonrpc":"2.0","id":1,"method":"server.info","params":"x"}',
		qr/InvalidRequest|InvalidArgument/
	],
	[
		'an unknown method', '{"jsonrpc":"2.0","id":1,"method":"server.explode"}',
		'MethodNotFound'
	],
	[
		'a member twice',
		'{"jsonrpc":"2.0","id":1,"method":"server.info","method":"server.info"}',
		qr/ParseError|InvalidRequest|ok/
	],
	[
		'a number beyond all',
		'{"jsonrpc":"2.0","id":1e999,"method":"server.info"}',
		qr/ParseError|InvalidRequest/
	],
	[
		'a lone surrogate', '{"jsonrpc":"2.0","id":1,"method":"\ud800"}',
		qr/ParseError|MethodNotFound/
	],
);

for my $tls (0, 1) {
	my $server = Pchat::Server->start(
		tls => $tls,
		conf => { json => { handshake_timeout => '2s' } });
	$server->add_users('alice');
	my $room = $server->add_room('lobby');
	my $port = $tls ? 'the TLS port' : 'the plain port';
	my @before = map { $_->{pid} } $server->processes;
	my $open = sub {
		IO::Socket::INET->new(PeerAddr => $server->address, PeerPort => $server->port)
			or die "could not connect: $!\n";
	};

	for my $what (sort keys %http) {
		ok(defined talk($open->(), $http{$what}, 1),
			"$what on $port closes the connection");
	}
	if (!$tls) {
		for my $what (sort keys %status) {
			my ($code, $bytes) = @{ $status{$what} };
			like(
				talk($open->(), $bytes),
				qr{^HTTP/1\.1 $code },
				"$what is answered with $code"
			);
		}
		for my $what (sort keys %websocket) {
			my ($code, $bytes) = @{ $websocket{$what} };
			my $answer = talk($open->(), $upgrade . $bytes);
			like(close_code($answer), qr/^$code$/,
				"$what closes the connection with $code");
		}
		my $pieces = talk(
			$open->(),
			$upgrade
				. join('',
				map { frame($_->[0], $_->[1]) } [0x01, substr($ask, 0, 10)],
				[0x89, 'ping'],
				[0x00, substr($ask, 10, 10)],
				[0x80, substr $ask, 20],
				[0x88, pack 'n', 1000]));
		like($pieces, qr/"protocol":\s*"pchat\.v1"/,
			'a message in pieces with a ping between them is understood');
		like($pieces, qr/\x8a\x04ping/, 'and the ping is answered');
	}
	for my $case (@json) {
		my ($what, $text, $name) = @$case;
		my $client = Pchat::Client->new(server => $server)->connect;
		my $answer = $client->raw($text);
		like($answer ? $answer->{error}{data}{name} // 'ok' : 'nothing',
			qr/^$name$/, "$what is answered with $name on $port");
		is($client->call('server.info')->{protocol},
			'pchat.v1', 'and the connection stands');
	}

	# Many that stop half-way, at once.
	my @half =
		map { my $socket = $open->(); syswrite $socket, substr($upgrade, 0, 50); $socket }
		1 .. 200;
	ok(
		eval { Pchat::Client->enter(server => $server, user => 'alice') },
		"200 half handshakes on $port do not hinder anybody"
	) or diag $@;
	ok(defined talk($half[-1], ''), 'a half handshake is closed after a while');
	my $silent = $open->();
	ok(
		IO::Select->new($silent)->can_read($ENV{PCHAT_WAIT} // 60),
		'a connection that says nothing is closed by the server'
	);

	is_deeply([map { $_->{pid} } $server->processes],
		\@before, "no process died of rubbish on $port");
	is(scalar($server->sql('SELECT * FROM pc_message')),
		0, "rubbish on $port has posted nothing");
	is($server->admin('room.list')->{rooms}[0]{last_seq}, 0, 'and moved no number');
}

# Sends, ends the own side if asked to, and reads until the server closes.
sub talk ($socket, $bytes, $end = 0) {
	local $SIG{PIPE} = 'IGNORE';
	my ($answer, $select) = ('', IO::Select->new($socket));
	$socket->blocking(0);
	wait_for(
		'server to close',
		sub {
			if (length $bytes && $select->can_write(0)) {
				my $sent = syswrite $socket, $bytes;
				$bytes = defined $sent ? substr $bytes, $sent : '';
			}
			shutdown $socket, 1 if $end && !length $bytes;
			return if !$select->can_read(0);
			my $read = sysread $socket, $answer, 65536, length $answer;
			return !$read;
		});
	return $answer;
}

# The code of the close frame among the frames behind the upgrade's answer.
sub close_code ($answer) {
	$answer =~ s/\AHTTP\/1\.1 101 .*?\r\n\r\n//s or return 'no upgrade';
	while (length $answer >= 2) {
		my ($first, $length) = unpack 'CC', $answer;
		my $skip = 2;
		($length, $skip) = (unpack('x2n', $answer), 4) if $length == 126;
		($length, $skip) = (unpack('x2Q>', $answer), 10) if $length == 127;
		return unpack "x${skip}n", $answer if ($first & 15) == 8 && $length >= 2;
		substr $answer, 0, $skip + $length, '';
	}
	return 'no close';
}

done_testing;
