use v5.36;
use Test::More;
use IO::Socket::INET;
use Pchat::Stubs;
use Pchat::Wait;
use Time::HiRes 'time';

my $master = Pchat::Stubs->new->launch->wait_ready;
$master->wait_event(ready => 10);

sub connect_to ($self) {
	return IO::Socket::INET->new(PeerAddr => $self->{address}, PeerPort => $self->{port}, Timeout => 10);
}

# --- A worker dies. ---
my $victim = $master->wait_event(listen => 8);
my $before = $victim->{pid};
$master->wish(run => 8, 'crash');
my $promoted = $master->wait_event(listen => 10);
is($promoted->{number}, $victim->{number}, 'a standby gets the dead worker\'s place');
my $successor = $master->wait_event(ready => 8, 2);
isnt($successor->{pid}, $before, 'and its slot a new standby');
cmp_ok($successor->{generation}, '>', $victim->{generation}, 'of another generation');
$master->wait_log(qr/serves place $promoted->{number}\n.*started pchat-worker\[8\]/s);
pass('the place is given away before the new process is made');
like($master->log, qr/pchat-worker\[8\], process $before, was ended by signal 6 \(Aborted\)/, 'the log tells how it ended');
is(scalar $master->events('listen', 8), 1, 'the new standby serves nothing');

# --- The sockets never refuse. ---
my ($refused, $answered) = (0, 0);
my $serving = sub { grep { kill 0, $_ } map { $_->{pid} } $master->events('listen') };
for my $round (1 .. 4) {
	kill 'KILL', wait_for('both places to be served', sub { my @pids = $serving->(); @pids == 2 && \@pids })->@*;
	my $deadline = time + 0.2;
	while (time < $deadline) {
		my $client = connect_to($master);
		$refused++ if !$client;
		$answered++ if $client && defined scalar <$client>;
	}
}
is($refused, 0, 'while workers are killed no connection is refused');
cmp_ok($answered, '>', 0, 'and those that wait are served');

# --- A process that keeps dying. ---
my $store = $master->wait_event(ready => 2);
$master->wish(start => 2, 'die');
$master->wish(run => 2, 'die');
wait_for('back-off', sub { (() = $master->log =~ /pchat-store\[2\] will be started again in 0\.[124] s/g) >= 3 });
pass('a process that keeps dying is started again after longer and longer waits');
my @starts = $master->events('start', 2);
cmp_ok(scalar @starts, '>=', 3, 'the first time at once');
wait_for('a sixth death', sub { $master->events('start', 2) > 6 });
ok($master->running, 'and what once worked is never given up');
$master->forget(start => 2);
wait_for('the store', sub { ($master->events('ready', 2))[-1]{pid} != $store->{pid} });
pass('so it serves again when the cause is gone');
is(scalar $master->events('start', 1), 1, 'nobody else was disturbed');

# --- A reader hangs in its database. ---
my $reader = $master->process(16);
$master->stop;
$master->configure(content => "readers = 1\nquery_timeout = 300ms");
$master->clear;
$master->launch->wait_ready;
$reader = $master->process(16);
my $began = time;
$master->wish(run => 16, 'busy');
$master->wait_event(ready => 16, 2);
like($master->log, qr/killing pchat-reader\[16\], process $reader: its database has been answering a question/, 'a reader that exceeds query_timeout is killed');
unlike($master->log, qr/pchat-reader\[16\] will be started again in/, 'and replaced at once');
$master->wish(run => 16, 'busy');
$master->wait_event(ready => 16, 3);
unlike($master->log, qr/pchat-reader\[16\] will be started again in/, 'as often as it happens');

# --- The order of the end. ---
$master->clear;
is($master->stop, 0, 'an orderly stop ends with success');
my @order = map { $_->{slot} >= 8 && $_->{slot} < 16 ? 'w' : { 1 => 's', 2 => 'd', 3 => 'h', 16 => 'h' }->{ $_->{slot} } } $master->events('stop');
is(join('', @order), 'wwwhhsd', 'workers stop first, then authenticator and readers, the sequencer, the store last');
cmp_ok($_->{number}, '>', 0, "slot $_->{slot} is told how long it may take") for $master->events('stop');
ok(!-e $master->pid_file, 'the pid file is removed');

# --- One that does not stop. ---
$master->configure('' => 'stop_timeout = 10s');
$master->clear;
$master->launch;
wait_for('readiness', sub { $master->events('ready') >= 7 });
$master->wish(run => 8, 'deaf');
$master->wait_event(deaf => 8);
my $deaf = $master->process(8);
my $start = time;
is($master->stop, 70, 'a stop for which something must be killed says so by its status');
cmp_ok(time - $start, '<', 10, 'it is over within stop_timeout');
like($master->log, qr/killing pchat-worker\[8\], process $deaf: it did not stop in time/, 'and by its log');
is(scalar $master->events('stop', 2), 1, 'the others stop in order all the same');
is(scalar $master->children, 0, 'nobody is left');

# --- The master dies. ---
$master->clear;
$master->launch->wait_ready;
$master->wait_event(ready => 10);
kill 'KILL', $master->pid;
wait_for('children to leave', sub { !$master->children });
is(scalar $master->events('orphan'), scalar $master->events('ready'), 'when the master is killed its children leave');
$master->running;
ok(-e $master->pid_file, 'the pid file stays behind');
$master->launch;
$master->wait_log(qr/pchatd: ready$/m, 2);
pass('and does not keep a new master from starting');

# --- One that outlives the master. ---
my $sequencer = $master->process(1);
kill 'STOP', $sequencer;
kill 'KILL', $master->pid;
wait_for('end of the master', sub { !$master->running });
$master->configure('' => 'stop_timeout = 20s');
$master->launch->wait_log(qr/waiting for an earlier master's sequencer to end/);
is(scalar(grep { $_->{pid} != $sequencer } $master->events('ready', 1)), 1, 'no second sequencer is started beside one that is left over');
kill 'KILL', $sequencer;
$master->wait_log(qr/pchatd: ready$/m, 3);
is($master->stop, 0, 'when that one is gone the new master goes on');

done_testing;
