use v5.36;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::SSL;
use IO::Socket::UNIX;
use Mojo::JSON qw(decode_json encode_json);
use Socket;
use Test::More;
use Pchat::Authority;
use Pchat::Server;
use Pchat::Wait;

# The administration port: who comes in, as what, and who does not.
my $authority = Pchat::Authority->new('test authority');
my $other = Pchat::Authority->new('another authority');
my $below = Pchat::Authority->new('a department', $authority);
my %own = (
	alice => $authority->issue('alice'),
	olga => $authority->issue(
		'nobody in particular',
		subjectAltName => 'email:olga@example.test'
	),
	monitor => $authority->issue(
		'a host', subjectAltName => 'DNS:monitor.example.test,DNS:other.test'
	),
	dora => $authority->issue('dora'),
	stranger => $authority->issue('stranger'),
	expired => $authority->issue(
		'alice',
		file => 'old',
		start => '20200101000000Z',
		end => '20210101000000Z'
	),
	early => $authority->issue(
		'alice',
		file => 'early',
		start => '20400101000000Z',
		end => '20410101000000Z'
	),
	server => $authority->issue('alice', file => 'server', extendedKeyUsage => 'serverAuth'),
	foreign => $other->issue('alice'),
	revoked => $authority->issue('alice', file => 'revoked'),
	carol => $below->issue('carol'),
	trick => $authority->issue("alic\x{451}", file => 'trick'),
);
$authority->revoke($own{revoked});

my $server = Pchat::Server->new;
my $port = $server->port + 500;

sub text_of (@files) {
	local @ARGV = @files;
	return join '', <>;
}

sub write_file ($name, $text) {
	open my $out, '>', $server->directory . "/$name" or die "could not write $name: $!\n";
	print $out $text;
	close $out or die "could not write $name: $!\n";
	return $server->directory . "/$name";
}

# One list for each authority; and a chain, from the certificate upwards.
sub write_lists { return write_file('crl.pem', text_of($authority->crl, $below->crl)) }
my $lists = write_lists();
my $chain = write_file('carol.pem', text_of($own{carol}{certificate}, $below->certificate));

# Root's server runs pchat-admin as somebody else, who must be able to run it.
my @as_nobody = ('setpriv', '--reuid', 'nobody', '--clear-groups');
my $admin_user =
	$> == 0
	&& system(@as_nobody, 'test', '-x', "$Pchat::Server::build/daemon/pchat-admin") == 0
	? 'nobody'
	: '';
chmod 0711, $server->directory if $admin_user;
$server->configure({
	'' => { admin_user => $admin_user },
	admin => {
		listen => [$server->address . ":$port"],
		ca => $authority->certificate,
		crl => $lists,
		access => [
			'alice: administrator',
			'olga@example.test: operator',
			'monitor.example.test: read-only',
			'dora: read-only',
			'carol: read-only',
		],
		connections => 8,
		handshake_timeout => '2s',
	} });
$server->launch;
$server->wait_ready;
$server->add_users('bob');
my $room = $server->add_room('lobby');
my $pchatctl = "$Pchat::Server::build/daemon/pchatctl";

sub with ($who, @words) {
	my $files = $own{$who};
	return $server->command(
		$pchatctl, '--server',
		$server->address . ":$port", '--certificate',
		$files->{certificate}, '--key',
		$files->{key}, '--ca',
		$server->certificate, @words
	);
}

sub works ($sentence, $who, @words) {
	my ($code, $output) = with($who, @words);
	is($code, 0, "$who: $sentence") or diag $output;
	return $output;
}

sub fails ($sentence, $wanted, $pattern, $who, @words) {
	my ($code, $output) = with($who, @words);
	is($code, $wanted, "$who: $sentence") or diag $output;
	like($output, $pattern, 'and why is said');
}

# --- Roles. ---

like(works('lists rooms', 'alice', qw(room list)), qr/lobby/, 'and sees them');
works('makes a category', 'alice', qw(category create Labs));
my $password = $server->directory . '/password';
open my $out, '>', $password or die;
print $out "a new password\n";
close $out;
works('adds a user', 'alice', qw(user add carol --password-file), $password);
works("sets a password", 'alice', qw(user passwd bob --password-file), $password);
ok(Pchat::Client->enter(server => $server, user => 'carol', password => 'a new password'),
	'who can sign in');
works('makes a room', 'olga', qw(room create own --category General));
works('deletes it', 'olga', qw(room delete own --yes));
fails('may not add a user',
	77, qr/ErrorPermission/, 'olga', qw(user add dave --password-file), $password);
fails('may not make a category', 77, qr/ErrorPermission/, 'olga', qw(category create Other));

for my $who (qw(monitor dora)) {
	like(works('lists users', $who, qw(user list)), qr/bob/, 'and sees them');
	fails('may not make a room', 77, qr/ErrorPermission/, $who, qw(room create own));
}
like(
	$server->log,
	qr/administration by "cert:alice", administrator, from 127[\d.]+:\d+/,
	'the log says who came, from where, and as what'
);
like($server->log, qr/administration by "cert:olga\@example\.test", operator/, 'and who else');

$own{carol} = { certificate => $chain, key => $own{carol}{key} };
works('comes with the certificate of a department, and its own', 'carol', qw(room list));

# --- What it has. ---

SKIP: {
	my ($pid) = $server->pids('admin');
	my %status = map { /^(\w+):\s+(\S+)/ ? ($1 => $2) : () } split /\n/,
		text_of("/proc/$pid/status");
	my @files = map { readlink // () } glob "/proc/$pid/fd/*";
	is(scalar(grep {/journal|cache|mail|token|content/} @files),
		0, 'pchat-admin has neither journal nor cache nor mailbox nor database');
	is(scalar(grep {/\.pem$/} @files), 0, 'nor, any more, the file of its key');
	skip 'with sanitizers there is no filter', 1 if Pchat::Server->has_sanitizers;
	is($status{Seccomp}, 2, 'and may not make every system call');
	skip 'only root can become somebody else', 1 if !$admin_user;
	is($status{Uid}, scalar getpwnam 'nobody', 'it runs as admin_user');
}

# --- Who is not let in. ---

sub refused ($sentence, $who, $log) {
	my ($code, $output) = with($who, qw(room list));
	is($code, 77, "$sentence is not let in") or diag $output;
	# One line a second: others may have had this one's.
	wait_for(
		"log of $sentence",
		sub {
			return 1 if $server->log =~ $log;
			with($who, qw(room list));
			return;
		});
	pass('and the log says why');
}
refused('an expired certificate', 'expired', qr/refused: certificate has expired/);
refused('one that is not yet valid', 'early', qr/refused: certificate is not yet valid/);
refused('a revoked one', 'revoked', qr/refused: certificate revoked/);
refused('one of another authority', 'foreign', qr/refused: unable to get local issuer/);
refused("a server's certificate", 'server', qr/refused: unsuit\w+ certificate purpose/);
refused('one without a known name', 'stranger', qr/no name of its certificate \("stranger"\)/);
refused('a name that only looks alike', 'trick', qr/no name of its certificate/);

my $naked = IO::Socket::SSL->new(
	PeerAddr => $server->address,
	PeerPort => $port,
	SSL_verify_mode => 0
);
my $answer = $naked && do { print $naked "{}\n"; <$naked> };
ok(!defined $answer, 'nobody comes in without a certificate');
my $old = IO::Socket::SSL->new(
	PeerAddr => $server->address,
	PeerPort => $port,
	SSL_verify_mode => 0,
	SSL_version => 'TLSv1_1',
	SSL_cipher_list => 'ALL:@SECLEVEL=0',
	SSL_cert_file => $own{alice}{certificate},
	SSL_key_file => $own{alice}{key});
ok(!$old, 'nor by TLS 1.1');

# pchatctl trusts nobody either.
my ($code, $output) = $server->command(
	$pchatctl, '--server',
	$server->address . ":$port", '--certificate',
	$own{alice}{certificate}, '--key',
	$own{alice}{key}, '--ca',
	$other->certificate, qw(room list)
);
is($code, 77, 'pchatctl does not talk to a server that nobody vouches for') or diag $output;
like($output, qr/cannot be trusted/, 'and says so');

# --- The port itself. ---

sub tls ($who) {
	return IO::Socket::SSL->new(
		PeerAddr => $server->address,
		PeerPort => $port,
		SSL_verify_mode => 0,
		SSL_cert_file => $own{$who}{certificate},
		SSL_key_file => $own{$who}{key});
}

sub ask ($socket, $method, %params) {
	print $socket encode_json(
		{ jsonrpc => '2.0', id => 7, method => $method, params => \%params }), "\n";
	local $SIG{ALRM} = sub { die "no answer to $method\n" };
	alarm 30;
	my $line = <$socket>;
	alarm 0;
	return defined $line ? decode_json $line : undef;
}
my $alice = tls('alice') or die "could not connect: $SSL_ERROR\n";
is(ask($alice, 'room.list')->{result}{rooms}[0]{name},
	'lobby', 'JSON-RPC is spoken there, one object a line');
is(ask($alice, 'room.explode')->{error}{data}{name}, 'MethodNotFound', 'with its errors');
my $info = ask($alice, 'server.info')->{result};
is(
	"$info->{administrator} $info->{role}",
	'cert:alice administrator',
	'the server says who it takes her for'
);
my $long = tls('olga') or die "could not connect: $SSL_ERROR\n";
$info = ask($long, 'server.info')->{result};
is(
	"$info->{administrator} $info->{role}",
	'cert:olga@example.test operator',
	'and others for others'
);
print $long '{"x":"' . 'y' x 200000;
my $last = <$long>;
is($last && decode_json($last)->{error}{data}{name},
	'TooLarge', 'a line that does not end is too large');
ok(!defined <$long>, 'and the end');
my $many = join '', map {
	encode_json({ jsonrpc => '2.0', id => $_, method => 'room.list', params => {} }) . "\n"
} 1 .. 2000;
my ($got, $sent, $bytes) = (0, 0, '');
$alice->blocking(0);
wait_for(
	'2000 answers',
	sub {
		my $n = syswrite $alice, $many, 16384, $sent;
		$sent += $n // 0;
		while (sysread $alice, my $part, 65536) { $got += $part =~ tr/\n// }
		return $got >= 2000;
	});
is($got, 2000, 'many requests at once are all answered');
close $alice;

# One who asks and does not read is held, and dropped in the end; nobody else notices.
sub rss ($pid) {
	open my $in, '<', "/proc/$pid/status" or die;
	return (map { /^VmRSS:\s+(\d+)/ ? $1 : () } <$in>)[0];
}
my $memory = rss(($server->pids('admin'))[0]);
my $deaf = tls('alice') or die "could not connect: $SSL_ERROR\n";
$deaf->blocking(0);
my $asked = 0;
for my $turn (1 .. 400) {
	my $n = syswrite $deaf, $many, length $many;
	$asked += $n // 0;
	last if !defined $n && !IO::Select->new($deaf)->can_write(0.05);
}
cmp_ok($asked, '>', 100_000, 'a client asks much and reads nothing');
cmp_ok($asked, '<', 20_000_000, 'and is not read for ever');
cmp_ok(rss(($server->pids('admin'))[0]) - $memory, '<', 8192, 'what waits for it is bounded')
	if !Pchat::Server->has_sanitizers;
works('lists rooms beside it', 'alice', qw(room list));
close $deaf;

my @rubbish = (
	"GET / HTTP/1.1\r\n\r\n",
	"\x16\x03\x01" . "\xff" x 300,
	"\0" x 10000,
	'', "\x80\x2e\x01\x00\x02" . 'x' x 50,
	join '', map { chr int rand 256 } 1 .. 5000
);
my ($process) = $server->pids('admin');

for my $i (0 .. $#rubbish) {
	my $socket = IO::Socket::INET->new(PeerAddr => $server->address, PeerPort => $port)
		or die "could not connect: $!\n";
	local $SIG{PIPE} = 'IGNORE';
	print $socket $rubbish[$i];
	shutdown $socket, 1;
	my $end = wait_for('close', sub { IO::Select->new($socket)->can_read(1) && 1 });
	ok($end, "rubbish $i ends the connection");
}
is(($server->pids('admin'))[0], $process, 'and pchat-admin is there still');
works('lists rooms', 'alice', qw(room list));

# Those who connect and say nothing keep nobody out, and not for long.
my @idle = map { IO::Socket::INET->new(PeerAddr => $server->address, PeerPort => $port) // die }
	1 .. 30;
works('comes in beside thirty that say nothing', 'alice', qw(room list));
wait_for(
	'end of those who say nothing',
	sub {
		return !grep { !IO::Select->new($_)->can_read(0) } @idle;
	});
pass('and they are dropped');
@idle = ();

my @at_work = map { tls('alice') // die "could not connect: $SSL_ERROR\n" } 1 .. 8;
ask($_, 'server.info') for @at_work;
my $more = tls('alice');
ok(!$more || !defined ask($more, 'server.info'), 'no more come in than admin.connections allows');
is(ask($at_work[0], 'server.info')->{result}{name}, 'pchat', 'and those who are in stay');
@at_work = ();
wait_for('room for others', sub { (with('alice', qw(room list)))[0] == 0 });
pass('until they leave');

# --- Deaths. ---

my $before = tls('alice');
ask($before, 'server.info');
$server->kill_role('admin');
ok(!defined <$before>, 'when pchat-admin dies its connections end');
wait_for('pchat-admin to be back', sub { (with('alice', qw(room list)))[0] == 0 });
pass('and others come in through the next one');
my $through = tls('alice');
ask($through, 'server.info');
$server->kill_role('worker') for 1 .. 2;
wait_for('answer after the workers died', sub { (with('alice', qw(room list)))[0] == 0 });
pass('workers may die, too');

# --- Renewal. ---

works('comes in before she is revoked', 'dora', qw(room list));
$authority->revoke($own{dora});
write_lists();
works('and still, before the list is read again', 'dora', qw(room list));
my ($old_process) = $server->pids('admin');
kill 'HUP', $server->pid;
wait_for(
	'new pchat-admin',
	sub {
		my ($now) = $server->pids('admin');
		return $now && $now != $old_process && (with('alice', qw(room list)))[0] == 0;
	});
refused('who was revoked, after a reload,', 'dora', qr/revoked/);

# A list that is missing is a mistake that the log names; the server goes on without the port.
unlink $lists;
kill 'HUP', $server->pid;
wait_for('complaint of the missing list',
	sub { $server->log =~ /could not start pchat-admin.*could not open \S+crl\.pem/ });
ok($server->admin('user.list'), 'without its files the port is closed, and the server goes on');
write_lists();
wait_for('port to be back', sub { (with('alice', qw(room list)))[0] == 0 });
pass('until they are back');

# --- Nobody else can claim to be pchat-admin. ---

socket my $fake, PF_UNIX, SOCK_STREAM, 0 or die;
bind $fake, pack_sockaddr_un("\0pchat-admin/$$/1/0/127.0.0.1:1") or die "could not bind: $!\n";
connect $fake, pack_sockaddr_un($server->admin_socket) or die "could not connect: $!\n";
$fake->autoflush(1);
is(ask($fake, 'room.list')->{error}{data}{name},
	'ErrorPermission', 'a name of pchat-admin helps nobody else, even root');

# --- pchatctl. ---

like(($server->pchatctl('status'))[1], qr/admin/, 'pchatctl status shows pchat-admin');
fails('status works on the host only', 64, qr/on the server's host only/, 'alice', 'status');
($code, $output) = $server->pchatctl('--server', 'x', qw(room list));
is($code, 64, 'a server elsewhere needs a certificate') or diag $output;
($code, $output) =
	$server->command($pchatctl, '--server', 'a b', '--certificate', $own{alice}{certificate},
	'--ca', $server->certificate, qw(room list));
is($code, 64, 'and a name') or diag $output;
($code, $output) = $server->command($pchatctl, '--server', $server->address . ":$port",
	'--certificate', '/nonexistent', '--ca', $server->certificate, qw(room list));
is($code, 66, 'and a certificate that is there') or diag $output;
$server->stop;
fails('no server', 69, qr/could not connect/, 'alice', qw(room list));

done_testing;
