package Pchat::Wait;

# Waiting for conditions. Tests never sleep for a time: they name what they wait for, and die when it
# has not come after PCHAT_WAIT seconds, which is far more than anything here takes.

use v5.36;
use Exporter 'import';
use Mojo::IOLoop;
use Time::HiRes 'time';

our @EXPORT = qw(wait_for);

# Runs the event loop (all clients of this test live in it) until condition gives something true,
# and returns that.
sub wait_for ($what, $condition, $seconds = $ENV{PCHAT_WAIT} // 60) {
	my $end = time + $seconds;
	my $turn = Mojo::IOLoop->recurring(0.02 => sub { });
	my $result;
	until ($result = $condition->()) {
		die "gave up waiting: $what\n" if time > $end;
		Mojo::IOLoop->one_tick;
	}
	Mojo::IOLoop->remove($turn);
	return $result;
}

1;
