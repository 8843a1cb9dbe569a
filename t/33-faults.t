use v5.36;
use File::Temp 'tempdir';
use Test::More;
use Pchat::Client;
use Pchat::Load;
use Pchat::Server;
use Pchat::Wait;

plan skip_all => 'built without fault points' if !Pchat::Server->has_faults;

my $source = $ENV{PCHAT_SOURCE} // '.';
my %points;
for my $file (glob "$source/{shm,odbc,worker,daemon}/*.c") {
	open my $in, '<', $file or die;
	local $/;
	$points{$_} = 1 for <$in> =~ /fault_point\("([^"]+)"\)/g;
}
# Those of pchat-file are t/46-file-faults'.
delete @points{ grep {/^file[.]/} keys %points };
cmp_ok(scalar keys %points, '>', 5, 'the code has fault points');

my $out = tempdir('pchat-test.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $server = Pchat::Server->start(
	tls => 0,
	conf => {
		limits => { history => 500 },
		# Looks for records that are old enough, of which there are none.
		compliance => { enabled => 'true', retention => '1d', purge_interval => '1s' },
		'adapter lines' => { form => 'jsonl', directory => $out },
	});
$server->add_users(qw(alice bob carol));
my $load = Pchat::Load->new(
	server => $server,
	room => $server->add_room('lobby'),
	users => [qw(alice bob carol)],
	posters => 3,
	receivers => 2
);

# Something of every kind: a session that comes and goes, a user, a room, a password.
sub everything () {
	state $turn = 0;
	$turn++;
	$load->proceed(10);
	$server->pchatctl(qw(compliance run));
	my $client = Pchat::Client->new(server => $server, user => 'alice');
	eval { $client->connect->sign_in; $client->join_room($load->{room}); $client->close };
	$server->admin('user.add', uri => "user$turn", name => "User $turn", password => 'a secret')
		if $turn % 3 == 0;
	$server->admin('user.passwd', uri => 'carol', password => $server->password('carol'))
		if $turn % 3 == 1;
	$server->admin('room.create', name => "room $turn", privacy => 'open') if $turn % 3 == 2;
}

# What is only passed by a process that starts is reached by killing its predecessor.
# An adapter writes only when there is something new and it has been told to run.
sub reach ($name) {
	for my $turn (1 .. ($name =~ /^(?:adapter|compliance)/ ? 40 : 6)) {
		return 1 if !$server->fault_pending;
		everything;
	}
	for my $role (qw(sequencer store compliance adapter auth reader worker)) {
		return 1 if !$server->fault_pending;
		$server->kill_role($role);
		everything;
	}
	return !$server->fault_pending;
}

for my $name (sort keys %points) {
	for my $count (1, $name =~ /^adapter|expiring/ ? () : 2 + int rand 20) {
		$server->arm_fault($name, $count);
		ok(reach($name), "a process dies at $name ($count)") or $server->disarm_fault;
		$load->proceed(10);
	}
}
$load->finish;
$load->verify('after a death at every fault point');
$server->wait_recorded;
is(($server->pchatctl(qw(compliance verify)))[0], 0, 'and the record is whole');
my %times;
$times{ $_->{message} }++ for grep { $_->{room} eq $load->{room} } $server->records('chat');
is_deeply([map { $times{$_} // 0 } 1 .. $load->acked], [(1) x $load->acked], 'with each message once');

done_testing;
