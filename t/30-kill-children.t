use v5.36;
use IO::Socket::INET;
use Test::More;
use Pchat::Load;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start(tls => 0, conf => { limits => { history => 500 } });
$server->add_users(qw(alice bob carol));
my $load = Pchat::Load->new(
	server => $server,
	room => $server->add_room('lobby'),
	users => [qw(alice bob carol)]);
$load->proceed(50);

# A second process connects all the time and counts what is refused.
pipe my $counts, my $counts_in or die;
my $connector = fork // die;
if (!$connector) {
	my ($stop, $good, $refused) = (0, 0, 0);
	local $SIG{TERM} = sub { $stop = 1 };
	until ($stop) {
		my $socket = IO::Socket::INET->new(
			PeerAddr => $server->address,
			PeerPort => $server->port,
			Timeout => 10
		);
		$socket ? $good++ : $refused++;
		select undef, undef, undef, 0.005;
	}
	syswrite $counts_in, "$good $refused\n";
	POSIX::_exit(0);
}
close $counts_in;

for my $turn (1 .. 3) {
	my @workers = $server->pids('worker');
	my %active = map { ($server->worker_of($_->{client}) // 0) => 1 }
		grep { $_->{client}{tx} } @{ $load->{receivers} }, @{ $load->{posters} };
	my ($victim) = grep { $active{$_} } @workers;
	$server->kill($victim);
	$load->proceed(50);
	wait_for(
		'another worker',
		sub {
			(grep { $_ != $victim } $server->pids('worker')) == @workers;
		});
	pass("a worker is killed and posting goes on ($turn)");
}
kill 'TERM', $connector;
my ($good, $refused) = split ' ', <$counts>;
waitpid $connector, 0;
cmp_ok($good, '>', 0, 'connections were tried all the time');
is($refused, 0, 'and none was refused');

for my $role (qw(sequencer store reader auth)) {
	for my $turn (1 .. ($role eq 'sequencer' ? 8 : 2)) {
		$load->proceed(1 + int rand 40);
		$server->kill_role($role);
		$load->proceed(20);
		pass("the $role is killed and posting goes on ($turn)");
	}
}

for my $turn (1 .. 2) {
	my @all = map { $_->{pid} } $server->processes;
	$server->kill(\@all);
	$load->proceed(50);
	wait_for('all to be back', sub { $server->processes == @all });
	pass("all are killed at once and posting goes on ($turn)");
}

$load->finish;
$load->verify('after all this');
note("$load->{repeated} posts were answered as repeated");

done_testing;
