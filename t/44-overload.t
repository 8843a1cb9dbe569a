# More is posted than can be handed out: what is accepted comes soon, the rest is refused, and
# afterwards all is as before.
use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;
use Time::HiRes 'time';

use constant { READERS => 400, SENDERS => 32, WINDOW => 64, LIMIT => '10ms' };
use constant { CALM => 20, SLACK => 0.05 };

# Some in one room post, each with so many posts under way: what goes out for them all takes
# the worker seconds.
sub flood ($server, $room, @options) {
	my $file = $server->directory . '/rooms';
	open my $out, '>', $file or die;
	print $out "$room\n";
	close $out or die;
	open my $in, '-|', "$Pchat::Server::build/t/bench/pchat-load", '--server',
		$server->address . ':' . $server->port, '--rooms', $file, '--connections', READERS,
		'--join', '1:' . READERS, '--users', 1, '--user', 'user', '--password',
		$server->password('user0'), '--senders', SENDERS, '--window', WINDOW, '--warmup',
		0, '--forget', @options
		or die "could not start pchat-load: $!\n";
	my $line = do { local $/; <$in> };
	close $in or die "pchat-load failed\n";
	return decode_json $line;
}

sub server ($limit) {
	my $server = Pchat::Server->start(
		tls => 0,
		conf => {
			journal => { size => '64M' },
			workers => { active => 1, standby => 1 },
			limits => { delivery_delay => $limit },
			cache => { messages => 200000 } });
	$server->add_users('user0');
	return $server;
}

sub delay ($server) {
	my ($delay) =
		map { $_->{delay} }
		grep { $_->{role} eq 'worker' && $_->{state} eq 'active' }
		@{ $server->status->{processes} };
	return $delay;
}

sub faults ($figures) {
	return join ' ', map {"$_:$figures->{$_}"}
		grep { $figures->{$_} } qw(lost repeated disordered malformed disconnects);
}

# Posts until so many in a row were accepted and came back within a time; when the first of these was
# posted, and the longest that one of them took.
sub probe ($user, $room, $within) {
	state $number = 0;
	my ($calm, $since, $longest);
	wait_for(
		'posts to be as quick as before',
		sub {
			my $begun = time;
			my $answer = $user->refusal(
				'message.post',
				room => $room,
				text => 'on',
				id => 'probe ' . ++$number
			);
			$user->next_note if $answer eq 'ok';
			my $took = time - $begun;
			($calm, $since, $longest) = (0, time, 0)
				if $answer ne 'ok' || $took > $within;
			return 0 if $answer ne 'ok' || $took > $within;
			$since //= $begun;
			$longest = $took if $took > ($longest // 0);
			return ++$calm == CALM;
		});
	return ($since, $longest);
}

my $server = server(LIMIT);
my $room = $server->add_room('lobby');
my $user = Pchat::Client->enter(server => $server, user => 'user0');
my $aside = $server->add_room('aside');
$user->join_room($aside);

# How soon is for t/bench/overload to say: here others may have the processors.
my (undef, $usual) = probe($user, $aside, 3600);
my $bound = flood($server, $room, '--seconds', 2);
my $over = time;
my ($calm) = probe($user, $aside, 2 * $usual + SLACK);
pass('afterwards posts are accepted and delivered as quickly as they were before');
note sprintf 'that was %.2f s after the last of them', $calm - $over;
cmp_ok($bound->{refused}{busy} // 0,
	'>', 0, 'when more comes in than goes out posts are refused as busy');
cmp_ok($bound->{acked}, '>', 0, 'others are accepted');
is(faults($bound), '',
	'and of those nothing is lost, repeated or out of order, and nobody is dropped');
like($server->log, qr/refusing posts: workers need \d+ ms/, 'the log says so');
wait_for('calm', sub { delay($server) == 0 });
$user->join_room($room);
is($user->refusal('message.post', room => $room, text => 'on', id => 'on'),
	'ok', 'afterwards the first post is accepted');
ok($user->next_note, 'and delivered');
$server->finish;

# The same without a limit, to see that it is the limit that refuses.
my $without = server('1h');
my $unbound = flood($without, $without->add_room('lobby'), '--seconds', 2);
is($unbound->{refused}{busy} // 0, 0, 'without a limit nothing is refused');

done_testing;
