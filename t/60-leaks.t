use v5.36;
use Mojo::IOLoop;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Under the sanitizers memory grows by design; there the descriptors count, and fewer cycles do.
my $sanitized = Pchat::Server->has_sanitizers;
my ($warm_up, $cycles, $beside) = ($sanitized ? (200, 1000) : (1000, 10000), 16);
my $margin = 1024;    # KiB of private memory

my $server = Pchat::Server->start(tls => 0);
$server->add_users('alice');
my $room = $server->add_room('lobby');
my $first = Pchat::Client->enter(server => $server, user => 'alice');
my $token = $first->{token};
$first->close;
my ($begun, $done, @errors) = (0, 0);

# connect, sign in, join, post, leave, close; then the next one, until there were enough.
sub cycle ($goal) {
	return if $begun >= $goal;
	my $id = 'cycle-' . ++$begun;
	my $client;
	my @steps = (
		['auth.resume', { token => $token }],
		['room.join', { room => $room }],
		['message.post', { room => $room, id => $id, text => $id }],
		['room.leave', { room => $room }],
	);
	my ($next, $step);
	$next = sub ($error, $result) {
		$error //= $result->{rooms}[0]{error}{data} if $result->{rooms};
		if ($error && $error->{name} eq 'busy') { # of a machine that is: the same again
			return Mojo::IOLoop->timer(0.1 => sub { $client->request(@$step, $next) });
		}
		push @errors, "$id: $step->[0]: $error->{name}" if $error;
		$step = shift @steps;
		return $client->request(@$step, $next) if $step && !$error;
		undef $next;
		$client->end;
	};
	$client = Pchat::Client->new(
		server => $server,
		on_message => sub ($) { },
		on_close => sub { undef $client; $done++; cycle($goal) },
	);
	$client->start(
		sub ($error = undef) {
			push @errors, $error if defined $error;
			return defined $error ? do { $done++; cycle($goal) } : $next->(undef, {});
		});
}

sub cycles ($goal) {
	cycle($goal) for 1 .. $beside;
	wait_for("$goal cycles", sub { $done >= $goal }, 600);
}

# What each process holds, once the server has seen all connections end.
sub measure () {
	wait_for('connections to end', sub { $server->status->{connections} == 0 });
	my %found;
	for my $process ($server->processes, { pid => $server->pid, role => 'master' }) {
		my $pid = $process->{pid};
		open my $in, '<', "/proc/$pid/status" or die;
		my ($memory) = map { /^RssAnon:\s+(\d+)/ ? $1 : () } <$in>;
		my $files = () = glob "/proc/$pid/fd/*";
		$found{$pid} = { role => $process->{role}, files => $files, memory => $memory };
	}
	return \%found;
}

cycles($warm_up);
my $before = measure;
cycles($warm_up + $cycles);
is_deeply(\@errors, [], "$cycles times a client connects, signs in, joins, posts, leaves and goes");
my $after = measure;
is_deeply([sort keys %$after], [sort keys %$before], 'no process died of it');
for my $pid (sort { $a <=> $b } keys %$before) {
	my ($old, $new) = ($before->{$pid}, $after->{$pid} // next);
	is($new->{files}, $old->{files}, "the $old->{role} has no more descriptors than before");
	next if $sanitized;
	my $growth = $new->{memory} - $old->{memory};
	cmp_ok($growth, '<=', $margin, "the $old->{role} has not grown ($growth KiB)");
}
is(scalar($server->stored($room, $begun)), $begun, 'every post of them is in SQL');

done_testing;
