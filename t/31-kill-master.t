use v5.36;
use Test::More;
use Pchat::Load;
use Pchat::Server;

my $server = Pchat::Server->start(tls => 0, conf => { limits => { history => 500 } });
$server->add_users(qw(alice bob));
my $load = Pchat::Load->new(
	server => $server,
	room => $server->add_room('lobby'),
	users => [qw(alice bob)]);
for my $turn (1 .. 3) {
	$load->proceed(30 + int rand 60);
	$server->kill_master;
	$server->launch;
	$server->wait_ready;
	$load->proceed(30);
	pass("the master is killed, another is started, and posting goes on ($turn)");
}
$load->proceed(30);
$server->restart;
$load->proceed(30);
pass('the server is stopped in order under load, and posting goes on after its start');
$load->finish;
$load->verify('after all this');

done_testing;
