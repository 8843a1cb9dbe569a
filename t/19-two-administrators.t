use v5.36;
use POSIX ();
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Several administrators and a manager count in the description of one room: each reads it, adds one
# and writes it back, if nobody was faster. So no addition may get lost.
use constant { WRITERS => 3, TIMES => 40 };

my $server = Pchat::Server->start(tls => 0);
$server->add_users('alice');
my $room = $server->add_room('Counter', '0');
$server->admin('room.roles', room => $room, managers => { add => ['alice'] });

# Counts; how often it was told that somebody else was faster. A server that is busy has changed nothing
# and is asked again, as pchat-protocol(7) has it.
sub count_up ($call) {
	my $collisions = 0;
	for (my $done = 0; $done < TIMES;) {
		my $now = unless_busy($call, 'room.get', room => $room);
		my $answer = unless_busy(
			$call,
			'room.update',
			room => $room,
			description => '' . ($now->{description} + 1),
			if_revision => $now->{revision});
		$answer eq 'DataCollision' ? $collisions++ : $done++;
	}
	return $collisions;
}

sub unless_busy ($call, @request) {
	my $answer;
	wait_for('a server that is not busy', sub { ($answer = $call->(@request)) ne 'busy' });
	return $answer;
}

# The result, or the name of a collision or of a busy server; anything else ends the writer.
sub told ($error, $result) {
	return $result if !$error;
	return $error->{name} if $error->{name} =~ /^(?:DataCollision|busy)$/;
	die "$error->{name}\n";
}

sub writer ($call) {
	pipe my $from, my $to or die "could not make a pipe: $!\n";
	my $pid = fork // die "could not fork: $!\n";
	return { pid => $pid, from => $from } if $pid;
	my $collisions = eval { count_up($call->()) };
	syswrite $to, defined $collisions ? "$collisions\n" : "failed: $@";
	POSIX::_exit(0);
}

my @writers = map {
	writer(
		sub () {
			return sub ($method, %params) { told($server->try_admin($method, %params)) }
		})
} 1 .. WRITERS;
push @writers, writer(
	sub () {
		my $alice = Pchat::Client->enter(server => $server, user => 'alice');
		return sub ($method, %params) { told($alice->try($method, %params)) }
	});

my $collisions = 0;
for my $writer (@writers) {
	my $line = readline $writer->{from};
	waitpid $writer->{pid}, 0;
	like($line, qr/^\d+$/, 'a writer comes to its end');
	$collisions += $line =~ /^(\d+)/ ? $1 : 0;
}
my $now = $server->admin('room.get', room => $room);
is($now->{description}, TIMES * @writers, 'no change got lost');
is($now->{revision}, TIMES * @writers + 2, 'and there is a revision for each');
cmp_ok($collisions, '>', 0, 'others were told that somebody was faster');
note("$collisions collisions");

is($server->stop, 0, 'the server stops');
done_testing;
