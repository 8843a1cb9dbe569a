use v5.36;
use Test::More;
use Pchat::Stubs;
use Pchat::Wait;
use Time::HiRes 'time';

# The limits are 10 s of silence and 30 s for a start, so that this takes a minute.
my $master = Pchat::Stubs->new;
$master->configure(content => "readers = 2\nquery_timeout = 5m");
$master->launch->wait_ready;
$master->wait_event(ready => 10);
$master->wait_event(ready => 17);

my $asked = $master->process(17);
$master->wish(run => 17, 'busy');
$master->wait_event(busy => 17);
kill 'STOP', $asked;

$master->wish(start => 3, 'mute');
$master->wish(run => 3, 'die');
$master->wish(start => 16, 'load');
$master->wish(run => 16, 'die');
$master->wish(start => 10, 'upgrade');
$master->wish(run => 10, 'die');
my $upgrading = $master->wait_event(start => 10, 2);
my $mute = $master->wait_event(start => 3, 2);
my $loading = $master->wait_event(start => 16, 2);

my $hung = $master->process(9);
$master->wish(run => 9, 'hang');
$master->wait_event(hang => 9);
my $stopped = $master->process(2);
kill 'STOP', $stopped;
my $began = time;
$master->wait_log(qr/killing pchat-worker\[9\], process $hung: it has given no sign of life for 1\d s/);
cmp_ok(time - $began, '>', 8, 'a process that hangs is killed, but not too early');
$master->wait_log(qr/killing pchat-store\[2\], process $stopped/);
pass('so is one that was stopped');
$master->wait_event(ready => 9, 2);
$master->wait_event(ready => 2, 2);
pass('both are replaced');

# The next one goes on where this one was, and may have to wait for the same.
sub stop_store ($seconds) {
	my $pid = $master->process(2);
	kill 'STOP', $pid;
	$master->wait_log(
		qr/killing pchat-store\[2\], process $pid: it has given no sign of life for $seconds s/);
}
stop_store(qr/2\d/);
pass('a store that did not get on has twice as long the next time');
$master->wait_event(ready => 2, 3);
$master->wish(run => 2, 'advance');
$master->wait_event(advance => 2);
stop_store(qr/1\d/);
pass('but not once it did');
$master->wait_event(ready => 2, 4);

$master->wait_log(qr/killing pchat-auth\[3\], process $mute->{pid}: it has not become ready for 3\d s/);
pass('a process that does not become ready is killed');
$master->forget(start => 3);
$master->wait_event(ready => 3, 2);
pass('and replaced');

is($master->process(16), $loading->{pid}, 'one that waits for its database may take longer, as long as it shows that it lives');
is($master->process(10), $upgrading->{pid}, 'so may one that changes the tables of its database, though it does not');
$master->forget(start => 10);
$master->wait_event(ready => 10, 2);
pass('which is ready in the end');
is($master->process(17), $asked, 'and a reader that waits for its database has as long as is set');
kill 'CONT', $asked;
is($master->stop, 0, 'the server stops in order');

done_testing;
