use v5.36;
use Mojo::JSON 'decode_json', 'encode_json';
use Test::More;
use Pchat::Pchatctl;
use Pchat::Server;

# pchatctl test: the synthetic transaction; pchatctl topology.
my $server = administer(Pchat::Server->start);
$server->add_users(qw(alice bob carol));
my $directory = $server->directory;

sub pchatctl (@words) {
	my ($code, $output) = $server->pchatctl(@words);
	return ($code, $output);
}

# --- The transaction. ---

sub file ($name, $text) {
	open my $out, '>', "$directory/$name" or die "could not write $name: $!\n";
	print $out $text;
	close $out or die "could not write $name: $!\n";
	return "$directory/$name";
}

sub passwords (@users) {
	return ('--password-file',
		file('passwords', join "\n", map { $server->password($_) } @users));
}
my @file = passwords(qw(alice bob));

fails(
	'without a room nothing can be tested',
	69, qr/test setup/, qw(test message),
	@file, qw(alice bob)
);
my ($code, $output) = pchatctl(qw(test setup alice bob));
is($code, 0, 'a room is made for it') or diag $output;
($code, $output) = pchatctl(qw(test message), @file, qw(alice bob));
is($code, 0, 'two users chat in it') or diag $output;
like($output, qr/^receive +bob +\d/m, 'how long each step took is shown');
like($output, qr/: success$/m, 'with the result');
($code, $output) = pchatctl(qw(--json test message), @file, qw(alice bob));
my $result = decode_json $output;
is($result->{result}, 'success', 'also as JSON');
is_deeply(
	[sort map {"$_->{user} $_->{step}"} @{ $result->{steps} }],
	[
		'alice find the room',
		sort map { ("alice $_", "bob $_") } 'sign in',
		'join', 'post', 'receive', 'sign out'
	],
	'with every step of both'
) or diag $output;
cmp_ok($result->{latency_ms}, '>', 0, 'and the time from a post to its receipt');
my ($room) = $server->admin('room.list', text => 'pchatctl test')->{rooms}[0];
is($room->{last_seq}, 4, 'each run posts two messages');
is($room->{participants}, 0, 'and leaves nobody behind');

fails(
	'somebody who is no member',
	69,
	qr/ErrorPermission: carol could not join/,
	qw(test message),
	passwords(qw(alice carol)),
	qw(alice carol)
);
file('passwords', "wrong\n");
fails(
	'a wrong password',
	69,
	qr/AuthenticationFailed: \w+ could not sign in/,
	qw(test message),
	@file, qw(alice bob)
);
fails(
	'a server that is not there',
	69,
	qr/unreachable: /,
	qw(test message --url ws://127.0.0.1:9),
	@file, qw(alice bob)
);
fails('one user alone', 64, qr/two users/, qw(test message), @file, qw(alice alice));
fails(
	'a certificate that is not to be trusted',
	69, qr/refused: /, qw(test message --url),
	$server->url, @file, qw(alice bob)
);

# --- Topologies. ---

sub write_topology ($topology) {
	return file('topology.json', encode_json $topology);
}
my %pool = (
	name => 'chat.example.test',
	edition => 'enterprise',
	next_hop => 'fe.example.test',
	single => Mojo::JSON->true,
	content_store => { server => 'sql.example.test' },
	servers => [{ name => 'a.example.test' }]);
fails('before one was published there is none', 66, qr/no topology/, qw(topology export));
($code, $output) =
	pchatctl(qw(topology validate), write_topology({ version => 1, pools => [\%pool] }));
is($code, 0, 'a topology that keeps the rules is valid') or diag $output;
($code, $output) =
	pchatctl(qw(topology publish), write_topology({ version => 1, pools => [\%pool] }));
is($code, 0, 'and can be published') or diag $output;
fails(
	'one that breaks them is not',
	65,
	qr/two of this name/,
	qw(topology validate),
	write_topology({ version => 1, pools => [\%pool, \%pool] }));
push @{ $pool{servers} }, { name => 'b.example.test' };
delete $pool{single};
fails(
	'nor one that breaks them only after the one that holds',
	65,
	qr/made for a single computer/,
	qw(topology publish),
	write_topology({ version => 1, pools => [\%pool] }));
fails(
	'what is no JSON',
	65,
	qr/topology.json:1: /,
	qw(topology validate),
	file('topology.json', '{"version":'));
fails('what is not there', 66, qr/nowhere/, qw(topology validate), "$directory/nowhere");
$pool{name} = 'other.example.test';
$pool{content_store}{server} = 'sql2.example.test';
$pool{servers} = [{ name => 'c.example.test' }];
($code, $output) = pchatctl(qw(topology import), write_topology({ pools => [\%pool] }));
is($code, 0, 'pools of another topology are added') or diag $output;
$server->restart;
($code, $output) = pchatctl(qw(topology export));
is_deeply(
	[map { $_->{name} } @{ decode_json($output)->{pools} }],
	[qw(chat.example.test other.example.test)],
	'and all of it is still there after a restart'
);

$server->stop;
done_testing;
