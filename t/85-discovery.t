use v5.36;
use Encode 'encode_utf8';
use Mojo::JSON 'decode_json', 'encode_json';
use POSIX 'strftime';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# pchatctl compliance search: what is on record is found, and that somebody looked is on record before
# he sees anything.
my $server = Pchat::Server->start(
	conf => {
		compliance => { enabled => 'true' },
		admin => { operators => ['daemon'], readers => ['nobody'], compliance => ['games'] }
	});
$server->add_users(qw(alice bob carol));
my %room = map { $_ => $server->add_room($_) } 'Lab', 'Trading Floor';
my ($alice, $bob) = map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
for my $client ($alice, $bob) {
	$client->join_room($_) for values %room;
}
for my $number (1 .. 20) {
	my $client = $number % 2 ? $alice : $bob;
	$client->post($room{Lab}, "lab $number");
	$client->post($room{'Trading Floor'}, $number == 10 ? "Sell STRA\x{df}E now" : "floor $number");
}
$alice->post($room{Lab}, "a bell \a and \x{9b}31m a line\nof its own");
$server->admin('message.remove', room => $room{Lab}, seq => 3, replace => 'never said');
$server->admin('room.update', room => $room{Lab}, name => 'Laboratory');
$server->admin('room.roles', room => $room{Lab}, members => { add => ['carol'] });
$bob->call('message.history', room => $room{Lab}, before => 11, limit => 10);
$server->wait_recorded;

sub found (@words) {
	my ($code, $output) = $server->pchatctl('--json', qw(compliance search), @words);
	is($code, 0, encode_utf8 "search @words") or diag $output;
	return decode_json($output);
}

sub contents (@words) { return [map { $_->{record}{content} } @{ found(@words)->{records} }] }

is_deeply(contents('--words', 'floor 7'), ['floor 7', 'floor 17'], 'words are found, all of them');
is_deeply(
	contents('--words', 'lab 7', '--match', 'phrase'),
	['lab 7'], 'or one behind the other');
is_deeply(
	contents('--words', encode_utf8("stra\x{df}e"), '--match', 'any', '--room', 'Trading Floor'),
	["Sell STRA\x{df}E now"],
	'whether they are in capitals or not');
is_deeply(
	contents('--words', 'lab', '--user', 'bob', '--from', 1, '--kind', 'chat', '--limit', 3),
	['lab 2', 'lab 4', 'lab 6'],
	'of one person, no more than was asked for');
ok(found('--user', 'bob', '--limit', 3)->{more}, 'and it is said that there is more');
is_deeply(
	contents('--kind', 'chat', '--room', $room{Lab}, '--words', 'lab 20', '--match', 'phrase'),
	['lab 20'], 'in a room by its URI');
is_deeply(
	contents('--kind', 'chat', '--room', 'Laboratory', '--words', 'lab 20', '--match', 'phrase'),
	['lab 20'], 'or by the name that it has now, also before it had it');
is_deeply(
	[map { $_->{record}{type} } @{ found('--user', 'carol')->{records} }],
	[qw(principal role)],
	'records about a person are found, not only those by him');
is_deeply(
	contents('--kind', 'replace', '--user', 'alice'),
	['never said'], 'as what others put in the place of his words');
is_deeply(
	contents('--kind', 'view', '--room', 'Laboratory,Trading Floor'),
	['messages 1 to 10'], 'and who read what');

# Dates. The records of before are those of today.
my $today = strftime('%Y-%m-%d', gmtime);
my $all = @{ found('--kind', 'chat')->{records} };
is($all, 41, 'everything that was said is there');
is(@{ found('--kind', 'chat', '--start', $today, '--end', $today)->{records} },
	$all, 'a day is the whole day')
	if strftime('%Y-%m-%d', gmtime) eq $today;
is(@{ found('--start', '2100-01-01')->{records} }, 0, 'nothing is in the future');
is(@{ found('--end', '2001-01-01')->{records} }, 0, 'nor long ago');
my ($tenth) = @{ found('--words', 'floor 9')->{records} };
my $time = $tenth->{record}{time};
is_deeply(
	contents('--start', $time, '--end', $time, '--kind', 'chat'),
	['floor 9'], 'a moment is found by its time');

# What was said around.
my ($hit) = @{ found('--words', 'floor 9', '--match', 'phrase', '--context', 2)->{records} };
is_deeply(
	[map { $_->{content} } @{ $hit->{before} }, $hit->{record}, @{ $hit->{after} }],
	['floor 7', 'floor 8', 'floor 9', "Sell STRA\x{df}E now", 'floor 11'],
	'what was said around it in the room, in its order');
my ($code, $text) = $server->pchatctl(
	qw(compliance search --match phrase --context 1 --words), 'floor 9');
like(
	$text,
	qr/^  \d+ \S+ chat sip:bob\@example.test Trading Floor: floor 8\n> .* floor 9\n  .*Sell/m,
	'also for a person');
($code, $text) = $server->pchatctl(qw(compliance search --words bell --kind chat));
like($text, qr/a bell \\x07 and \S+31m a line\\nof its own$/,
	'who reads it is not at the mercy of who wrote it');
unlike($text, qr/[\x00-\x09\x0b-\x1f]|\xc2[\x80-\x9f]/, 'no control character is left');

# All of it is on record, before.
$server->wait_recorded;
my @looked = $server->records('discovery');
is($looked[0]{content}, 'search, all of "floor 7"', 'a search is on record');
like($looked[0]{user_name}, qr/^unix:/, 'with who it was');
my ($context) = grep { $_->{content} =~ /around/ } @looked;
is(
	$context->{content},
	'search, phrase of "floor 9", with what was said around, 2',
	'and all that he asked for');
my ($people) = grep { $_->{content} =~ /people sip:bob/ } @looked;
is(
	$people->{content},
	'search, all of "lab", people sip:bob@example.test, kinds chat, from record 1',
	'people and kinds, too');
my ($newest) = reverse @{ found('--kind', 'discovery')->{records} };
like($newest->{record}{content}, qr/^search/, 'searches are found by searches');

# Mistakes are named, and show nothing.
for my $wrong (
	[64, qr/no records of the kind "chats"/, '--kind', 'chats'],
	[64, qr/--start is a time/, '--start', 'yesterday'],
	[64, qr/--end is a time/, '--end', '2026-13-01'],
	[64, qr/--context is at most/, '--context', '101'],
	[64, qr/--match is/, '--words', 'a', '--match', 'some'],
	[64, qr/no user's name/, '--user', 'a b'],
	[64, qr/--from and --to/, '--from', 'x'],
	[65, qr/no room "Cellar"/, '--room', 'Cellar'],
	[65, qr/TooLarge/, '--user', join ',', map { sprintf 'u%0100d', $_ } 1 .. 64],
	)
{
	my ($expected, $message, @options) = @$wrong;
	($code, $text) = $server->pchatctl(qw(compliance search), @options);
	is($code, $expected, "$options[0] can be wrong");
	like($text, $message, 'and it is said how');
}

# The manual page knows the same kinds.
open my $page, '<', ($ENV{PCHAT_SOURCE} // '.') . '/man/pchat-compliance.7' or die;
my ($part) = do { local $/; <$page> } =~ /What is recorded\n(.*?)\n\.Ss/s;
my @kinds = map { split / , | /, $_ } $part =~ /^\.It Li (.*)/mg;
cmp_ok(scalar @kinds, '>', 20, 'the manual page lists them');
is(($server->pchatctl(qw(compliance search --limit 0 --kind), join ',', @kinds))[0],
	0, 'and all can be asked for');

# The role.
my @as = qw(setpriv --clear-groups --reuid);
my $ask = q(use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => shift) or die; print $s @ARGV, "\n";
	$s->flush; print scalar <$s>);
sub ask_as ($user, $method, %params) {
	my $request = encode_json({ jsonrpc => '2.0', id => 1, method => $method, params => \%params });
	my ($status, $output) =
		$server->command(@as, $user, $^X, '-e', $ask, $server->admin_socket, $request);
	my $answer = eval { decode_json $output } or return "no answer: $output";
	return $answer->{error} ? $answer->{error}{data}{name} : $answer->{result};
}
SKIP: {
	skip 'only root can become other users', 1
		if $> != 0 || grep { !defined getpwnam $_ } qw(daemon nobody games);
	chmod 0711, $server->directory;
	is(ask_as('games', 'room.list'), 'ErrorPermission', 'who may search records sees no rooms');
	is(ask_as('games', 'user.add', uri => 'x', name => 'X', password => 'x'),
		'ErrorPermission', 'and changes nothing');
	my $noted = ask_as('games', 'compliance.note', text => 'looked at by games');
	cmp_ok(eval { $noted->{lsn} } // 0, '>', 0, 'he says what he looks at');
	is(ask_as('games', 'compliance.note', text => ''), 'InvalidArgument', 'something, that is');
	is(ask_as($_, 'compliance.note', text => 'me, too'),
		'ErrorPermission', "$_, who administers other things, does not")
		for qw(daemon nobody);
	my ($record) = grep { $_->{record}{content} eq 'looked at by games' }
		@{ found('--kind', 'discovery')->{records} };
	is($record->{record}{user_name}, 'unix:games', 'it is on record');
	my ($session) = grep { $_->{record}{user_name} eq 'unix:games' }
		@{ found('--kind', 'sign_in')->{records} };
	is($session->{record}{detail}{role}, 'compliance', 'with the role');

	# With a configuration of his own, as the manual page has it.
	my $own = $server->directory . '/reader.conf';
	my $dsn = $server->postgres ? $server->records_dsn : 'Driver=SQLite3;Database='
		. $server->records_database;
	open my $out, '>', $own or die;
	print $out "domain = example.test\nrun_directory = @{[$server->directory]}/run\n"
		. "json { tls = false }\ncompliance {\n\tdsn = '$dsn'\n}\n";
	close $out;
	my $state = $server->directory . '/state';
	chmod 0755, $own, $state;
	$server->command(qw(chmod -R a+rwX), "$state/compliance") if !$server->postgres;
	my $pchatctl = "$Pchat::Server::build/daemon/pchatctl";
	($code, $text) = $server->command(@as, 'games', $pchatctl, '-f', $own,
		qw(compliance search --match phrase --words), 'floor 9');
	is($code, 0, 'he searches');
	like($text, qr/ chat \S+ Trading Floor: floor 9$/m, 'and finds');
	($code, $text) = $server->command(@as, 'nobody', $pchatctl, '-f', $own,
		qw(compliance search --match phrase --words), 'floor 9');
	is($code, 77, 'whoever can read the database, but has not the role, does not');
	unlike($text, qr/ chat /, 'and sees nothing');
}

# Where nothing can be put on record nothing is shown.
$_->close for $alice, $bob;
$server->stop;
($code, $text) = $server->pchatctl(qw(compliance search --words lab));
is($code, 69, 'without the server nobody searches');
unlike($text, qr/lab \d/, 'and nothing is shown');
$server->configure({});
$server->launch;
$server->wait_ready;
my ($error) = $server->try_admin('compliance.note', text => 'nobody will know');
is($error->{name}, 'InvalidFlowOfOperations', 'nor where nothing is recorded');

done_testing;
