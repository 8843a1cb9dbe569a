use v5.36;
use Mojo::JSON 'decode_json';
use POSIX 'strftime';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# The clock of the host is set ahead by a minute, and back again: events keep their order, their times
# never go back, and the log says that they are not those of the clock.
my $server = Pchat::Server->new(tls => 0);
my $clock = $server->directory . '/clock';

# In place, for the server has it mapped.
sub set_clock ($seconds) {
	open my $out, -e $clock ? '+<:raw' : '>:raw', $clock or die;
	print {$out} pack 'q', $seconds;
	close $out;
}
set_clock(0);
$server->{environment} =
	{ LD_PRELOAD => "$Pchat::Server::build/t/shim/clock.so", PCHAT_CLOCK => $clock };
$server->configure({ compliance => { enabled => 'true' } });
$server->launch;
$server->wait_ready;
$server->add_users('alice');
my $room = $server->add_room('Lab');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, 'now');
set_clock(60);
$alice->post($room, 'ahead');
set_clock(0);
$alice->post($room, 'back');
wait_for('the log to tell', sub { $server->log =~ /the clock was set back by \d\d s: until/ });
$alice->post($room, 'still');

# It has caught up.
set_clock(70);
wait_for('it to catch up', sub { $server->log =~ /the clock has caught up/ });
$alice->post($room, 'later');
$alice->close;
$server->wait_recorded;

my @chat = $server->records('chat');
is_deeply([map { $_->{content} } @chat], [qw(now ahead back still later)], 'records are in their order');
my @times = map { $_->{time} } @chat;
cmp_ok($times[1] - $times[0], '>', 59e6, 'with the times that the clock had');
is_deeply([@times[2, 3]], [$times[1], $times[1]], 'which stand still');
cmp_ok($times[4], '>', $times[3], 'and go on');
my @all = map { $_->{time} } $server->records;
is_deeply(\@all, [sort { $a <=> $b } @all], 'none is before the one before');
is(($server->pchatctl(qw(compliance verify)))[0], 0, 'the chain is whole');

# What is found in a time, in microseconds.
sub found ($from, $to) {
	my @given = map { strftime('%Y-%m-%dT%H:%M:%S', gmtime(int $_ / 1e6)) . sprintf '.%06dZ', $_ % 1e6 }
		$from, $to;
	my ($code, $output) = $server->pchatctl('--json', qw(compliance search --kind chat --start),
		$given[0], '--end', $given[1]);
	return [map { $_->{record}{content} } @{ decode_json($output)->{records} }];
}
is_deeply(found($times[0], $times[1] - 1), ['now'], 'a search finds what was at a time');
is_deeply(found($times[1], $times[1]), [qw(ahead back still)], 'that they have');

done_testing;
