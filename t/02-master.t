use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Whether this user may raise a process's priority, or the limit up to which a process may do that itself.
sub may_be_less_nice () {
	open my $in, '<', '/proc/self/status' or return 0;
	my ($effective) = map {/^CapEff:\s+([0-9a-f]+)/} <$in>;
	return hex(substr $effective, -8) & (1 << 23 | 1 << 24);
}

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

# The process group and the session of a process.
sub family ($pid) {
	open my $in, '<', "/proc/$pid/stat" or return;
	return (split ' ', <$in> =~ s/.*\) //r)[2, 3];
}

my ($group, $session) = family($server->{pid});
my @families = map { [family($_->{pid})] } $server->processes;
is(scalar(grep { $_->[0] == $group } @families),
	0, 'a key pressed at the terminal reaches none but the master');
is(scalar(grep { $_->[1] != $session } @families),
	0, 'all are of one session, so that priorities count');

my ($store) = $server->pids('store');
$server->add_users('alice');
SKIP: {
	skip 'the store could not be less nice again', 1 if !may_be_less_nice();
	wait_for('store to have stored',
		sub { getpriority(0, $store) == getpriority(0, $server->{pid}) + 10 });
	pass('the store leaves the processor to those for whom users wait');
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
