use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start;
my @configuration = ('-f', $server->configuration);
my $pchatd = "$Pchat::Server::build/daemon/pchatd";

my ($code, $output) = $server->command($pchatd, '-n', @configuration);
is($code, 0, 'pchatd -n accepts a good configuration') or diag $output;

my $bad = $server->directory . '/bad.conf';
open my $out, '>', $bad or die;
print $out
	qq(domain = "example.test"\nworkers { active = 99 }\njournal { size = "1 furlong" }\nnonsense = 1\n);
close $out;
($code, $output) = $server->command($pchatd, '-n', '-f', $bad);
isnt($code, 0, 'pchatd -n refuses a bad configuration');
like($output, qr/\Q$bad\E:$_:/, "and names the mistake in line $_") for 2, 3, 4;

($code, $output) = $server->command($pchatd, '-F', '-L', $Pchat::Server::build, @configuration);
isnt($code, 0, 'a second server on the same state directory is refused');
like($output, qr/running|instance|locked|in use/, 'and is told why') or diag $output;
ok($server->running, 'the first one does not mind');

my %count;
$count{ $_->{role} }++ for $server->processes;
is($count{worker}, 3, 'there are two active workers and a standby');
is($count{sequencer}, 1, 'there is one sequencer');
is($count{store}, 1, 'there is one store');
is($count{auth}, 1, 'there is one authenticator');
is($count{reader}, 2, 'there are two readers');

# The calls that a process has given up can be seen; not which.
sub has_filter ($pid) {
	open my $in, '<', "/proc/$pid/status" or return 0;
	return scalar grep {/^Seccomp:\s+2$/} <$in>;
}

SKIP: {
	skip 'under the sanitizers no system calls are given up', 1 if Pchat::Server->has_sanitizers;
	skip 'nor on this kernel', 1 if $server->log =~ /could not install the filter of system calls/;
	my @without;
	# A standby may still be starting.
	eval {
		wait_for('the filters',
			sub { !(@without = map { $_->{role} } grep { !has_filter($_->{pid}) } $server->processes) });
	};
	is_deeply(\@without,
		[], 'every process but the master gives up system calls that it never needs');
}

# The session of a process.
sub session ($pid) {
	open my $in, '<', "/proc/$pid/stat" or return;
	return (split ' ', <$in> =~ s/.*\) //r)[3];
}

is_deeply(
	[map { session($_->{pid}) } $server->processes],
	[map { $_->{pid} } $server->processes],
	'a key pressed at the terminal reaches none but the master'
);

my ($store) = $server->pids('store');
$server->add_users('alice');
SKIP: {
	open my $in, '<', "/proc/$store/autogroup" or skip 'this kernel knows no autogroups', 1;
	wait_for('store to have stored',
		sub { seek $in, 0, 0; (<$in> // '') =~ / nice 10$/ });
	pass('the store leaves the processor to those for whom users wait');
}

# Whether this user may raise a priority, or the limit up to which a process may do that itself.
sub may_be_less_nice () {
	open my $in, '<', '/proc/self/status' or return 0;
	my ($effective) = map {/^CapEff:\s+([0-9a-f]+)/} <$in>;
	return hex(substr $effective, -8) & (1 << 23 | 1 << 24);
}

SKIP: {
	skip 'nobody may be less nice here', 1 if !may_be_less_nice();
	is(getpriority(0, ($server->pids('sequencer'))[0]),
		getpriority(0, $server->{pid}) - 10,
		'the sequencer, for which all wait, comes first');
}

my @children = map { $_->{pid} } $server->processes;
is($server->stop, 0, 'an orderly stop ends with success');
is(scalar(grep { kill 0, $_ } @children), 0, 'no process is left behind');
my ($pid_file) = glob $server->directory . '/run/*.pid';
is($pid_file, undef, 'the pid file is gone');

my $plain = Pchat::Server->start(tls => 0);
like($plain->log, qr/plain/i, 'a server without TLS says so in its log');
$plain->add_users('alice');
ok(eval { Pchat::Client->enter(server => $plain, user => 'alice') }, 'and serves its clients')
	or diag $@;
$plain->kill_master;
pass('when the master dies its children end');
$plain->launch;
$plain->wait_ready;
ok(eval { Pchat::Client->enter(server => $plain, user => 'alice') },
	'and a new master serves what the old one left')
	or diag $@;

done_testing;
