use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
$server->add_room('garden');
for my $user (qw(alice bob)) {
	open my $out, '>', $server->directory . "/$user" or die;
	chmod 0600, $out;
	print $out $server->password($user), "\n";
}

sub pchat_command ($user, @arguments) {
	return (
		"$Pchat::Server::build/daemon/pchat", '--server',
		$server->url, '--ca',
		$server->certificate, '--user',
		$user, '--password-file',
		$server->directory . "/$user", '--timeout',
		30, @arguments
	);
}

# Feeds it a text; its exit status.
sub feed ($text, @command) {
	open my $pipe, '|-', 'sh', '-c', 'exec "$@" >/dev/null', 'sh', @command or die;
	print $pipe $text;
	close $pipe;
	return $?;
}

sub pchat ($user, @arguments) { return $server->command(pchat_command($user, @arguments)) }

my ($code, $output) = pchat('alice', 'rooms');
is($code, 0, 'pchat rooms succeeds') or diag $output;
like($output, qr/garden.*lobby/s, 'and lists the rooms');
($code, $output) = pchat('alice', 'rooms', 'gard');
unlike($output, qr/lobby/, 'or those with a text in their name');
$server->admin('room.roles', room => $room, members => { add => ['alice'] });
($code, $output) = pchat('alice', 'mine');
like($output, qr/^$room\tlobby\t0\t0\t[^\n]*\n$/, 'or only those of a user, and what is new there');
is((pchat('alice', 'mine', 'x'))[0], 64, 'without a text');

my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$bob->join_room($room);
($code, $output) = pchat('alice', 'post', 'lobby', 'hello from a script');
is($code, 0, 'pchat post succeeds') or diag $output;
is($bob->next_note->{text}, 'hello from a script', 'and the others see it');

# Standard input: each line a message.
is(feed(join('', map {"line $_\n"} 1 .. 50), pchat_command('alice', 'post', 'lobby', '-')),
	0, 'pchat post reads lines from its standard input');
is_deeply(
	[map { $bob->next_note->{text} } 1 .. 50],
	[map {"line $_"} 1 .. 50],
	'and posts each, in order'
);

($code, $output) = pchat('bob', 'history', '--limit', 3, 'lobby');
is($code, 0, 'pchat history succeeds') or diag $output;
like($output, qr/line 48\n.*line 49\n.*line 50\n/,
	'and shows the newest messages, the newest last');
unlike($output, qr/line 47/, 'as many as asked');
($code, $output) = pchat('bob', '--json', 'history', '--limit', 51, 'lobby');
my @history = map { decode_json $_ } split /\n/, $output;
is_deeply([map { $_->{seq} } @history], [1 .. 51], 'as JSON it gives an object a line');

($code, $output) = pchat('bob', '--json', 'tail', '--since', 49, '--count', 2, 'lobby');
is_deeply(
	[map { decode_json($_)->{text} } split /\n/, $output],
	['line 49', 'line 50'],
	'pchat tail begins behind a number'
) or diag $output;

# A chat without a terminal: the lines are carried out, then it ends.
my $lines = "typed\n/alert loud\n//slash\n/who\n/join garden\nhello garden\n/leave\n/quit\n";
is(feed($lines, pchat_command('alice', 'lobby')), 0, 'a chat is led from a file');
my @typed = map { $bob->next_note } 1 .. 3;
is_deeply([map { $_->{text} } @typed], ['typed', 'loud', '/slash'], 'and says what stands there');
is($typed[1]{importance}, 'alert', 'with its alert');

# tail goes on when its worker dies.
my $tail = open my $follow, '-|',
	pchat_command('bob', '--json', 'tail', '--since', 54, '--count', 21, 'lobby')
	or die;
for my $turn (1 .. 3) {
	pchat('alice', 'post', 'lobby', "around death $turn.$_") for 1 .. 3;
	for my $worker ($server->pids('worker')) {
		$server->kill($worker);
	}
	wait_for('workers', sub { (my @now = $server->pids('worker')) == 3 });
	pchat('alice', 'post', 'lobby', "around death $turn.$_") for 4 .. 7;
}
my @seen = map { decode_json($_)->{text} } <$follow>;
close $follow;
is_deeply(
	\@seen,
	[
		map {
			my $turn = $_;
			map {"around death $turn.$_"} 1 .. 7
		} 1 .. 3
	],
	'pchat tail misses nothing when workers die, and shows nothing twice'
);

# What goes wrong has a clear end.
($code, $output) = pchat('alice', 'post', 'nowhere', 'x');
isnt($code, 0, 'a room that is not there is an error');
like($output, qr/nowhere/, 'and named') or diag $output;
for my $command (['rooms'], [qw(history lobby)], [qw(post lobby unheard)], [qw(tail --since 0 lobby)]) {
	($code, $output) =
		$server->command('sh', '-c', 'exec "$@" 2>&1 >/dev/full', 'sh', pchat_command('alice', @$command));
	is($code, 74, "what pchat $command->[0] prints into a full disk is an error");
	like($output, qr/could not write/, 'and said to be one');
}
open my $out, '>', $server->directory . '/mallory' or die;
print $out "guess\n";
close $out;
($code, $output) = pchat('mallory', 'rooms');
isnt($code, 0, 'a wrong password is an error');
unlike($output, qr/guess/, 'that does not show the password');
($code, $output) = $server->command(
	"$Pchat::Server::build/daemon/pchat",
	'--server', $server->url, '--user', 'alice',
	'--password-file', $server->directory . '/alice',
	'--timeout', 10, 'rooms'
);
isnt($code, 0, 'a certificate that nobody vouches for is an error');
like($output, qr/certificate/, 'and the reason is named') or diag $output;
($code, $output) = $server->command(
	"$Pchat::Server::build/daemon/pchat",
	'--server', 'ws://127.0.0.1:1', '--user', 'alice',
	'--password-file', $server->directory . '/alice',
	'--timeout', 1, 'rooms'
);
isnt($code, 0, 'a server that is not there is an error');
($code, $output) = $server->command("$Pchat::Server::build/daemon/pchat", '--frobnicate');
is($code, 64, 'an unknown option is an error of usage');

done_testing;
