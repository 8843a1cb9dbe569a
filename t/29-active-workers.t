use v5.36;
use Mojo::JSON qw(encode_json true);
use Test::More;
use Pchat::Client;
use Pchat::Pchatctl;
use Pchat::Server;
use Pchat::Wait;

# Which places of workers are active, changed while the server runs: nobody is refused, nothing is lost.
my $server = Pchat::Server->start(
	conf => { workers => { active => 2, standby => 1, drain => '500ms' } });
administer($server);
$server->add_users(qw(alice bob carol));
my $room = $server->add_room('Lobby');

sub workers { return $server->admin('pool.workers') }

sub served {
	return map { $_->{place} } grep { $_->{pid} } @{ workers()->{places} };
}

sub place_of ($pid) {
	return (map { $_->{place} } grep { ($_->{pid} // 0) == $pid } @{ workers()->{places} })[0];
}

# Another connection, wherever it lands.
sub enter ($user) { return Pchat::Client->enter(server => $server, user => $user) }

is_deeply([served()], [0, 1], 'at first those are served that the configuration says');
my ($alice, $bob) = $server->spread(qw(alice bob));
$_->join_room($room) for $alice, $bob;
$alice->post($room, 'first');
$_->next_note for $alice, $bob;
my %pid = map { $_->{user} => $server->worker_of($_) } $alice, $bob;
my $place = place_of($pid{alice});
like(
	works('they are shown', qw(pool workers)),
	qr/^PLACE  STATE .*^ *$place  active +\d+ +$pid{alice} +\d+ +\d+\n.*^ *2  standby +-.*^ *-  ready /ms,
	'with who serves them'
);
like(
	works('--dry-run', qw(pool drain --dry-run), $place),
	qr/would call pool\.set \{"values":\{"active":"\d"\}/,
	'says what would be set'
);
is_deeply([served()], [0, 1], 'and does not do it');

# One is given up, and its client goes elsewhere.
works('a place is given up', qw(pool drain), $place);
my $dropped = $alice->next_note('dropped');
is_deeply([@$dropped{qw(reason resume)}], ['restart', true], 'its client is told to come back');
$alice->wait_closed;
$bob->post($room, 'second');
is($bob->next_note->{text}, 'second', 'who is on another worker goes on');
my @again = map { enter('carol') } 1 .. 8;
is_deeply([grep { $server->worker_of($_) != $pid{bob} } @again],
	[], 'whoever comes gets to the others, at once');
my $token = $alice->{token};
$alice = Pchat::Client->new(server => $server, user => 'alice')->connect;
$alice->resume($token);
is_deeply([map { $_->{text} } @{ $alice->join_room($room, since => 1)->{messages} }],
	['second'], 'and who has come back has missed nothing');
wait_for(
	'the new standby',
	sub {
		@{ workers()->{others} } == 2 && !grep { $_->{state} ne 'ready' }
			@{ workers()->{others} };
	});
ok(!grep({ $_ == $pid{alice} } $server->pids('worker')), 'its process has ended');
is_deeply([served()], [1 - $place], 'and nobody serves the place');

# Never all of them.
fails('the last one stays', 65, qr/one place must be active/, qw(pool drain), 1 - $place);
fails('what is no place is refused', 65, qr/there are 0 to 2/, qw(pool activate 3));
fails('by the server, too', 65, qr/InvalidArgument/, qw(pool set active=3));
fails('and what is no list', 65, qr/numbers of places/, qw(pool set active=none));
my $revision = workers()->{revision};

# It is kept.
my $restart = sub ($sentence) {
	$server->restart;
	is_deeply([served()], [1 - $place], $sentence);
};
$restart->('a restart keeps it');
$server->kill($server->pids('sequencer'));
wait_for(
	'sequencer',
	sub {
		eval { $server->admin('pool.workers') }
	});
is_deeply([served()], [1 - $place], 'so does a sequencer that dies');
is(workers()->{revision}, $revision, 'its revision is what it was');

# More than the configuration says, and back.
works('all are made active', qw(pool activate --wait 0 1 2));
is_deeply([served()], [0, 1, 2], 'and served');
my (%seen, @clients);
wait_for(
	'a client on each',
	sub {
		push @clients, enter('bob');
		$seen{ $server->worker_of($clients[-1]) } = 1;
		return keys %seen == 3;
	});
pass('by processes that clients get to');
like((
		map { $_->{details} && $_->{what} eq 'pool.set' ? encode_json($_->{details}) : () }
			@{ $server->admin('audit.list', what => 'pool')->{entries} }
	)[0],
	qr/0,1,2/,
	'the audit shows who changed what'
);
# A client that posts all the time, and comes back as it is told to, loses nothing while all workers are
# started anew.
my $before = $server->admin('room.list')->{rooms}[0]{last_seq};
my ($poster, @acknowledged) = (enter('alice'));
$poster->join_room($room);
my $post = sub ($count) {
	for my $number (@acknowledged + 1 .. @acknowledged + $count) {
		my $seq;
		wait_for(
			"answer to post $number",
			sub {
				$seq = eval {
					$poster->post($room, "post $number", id => "p$number")
						->{seq};
				};
				return $seq if $seq;
				eval {
					$poster = enter('alice');
					$poster->join_room($room);
				};
				return;
			});
		push @acknowledged, $seq;
	}
};
my @old = $server->pids('worker');
$post->(5);
for my $words (['set', 'active=0,1'], ['swap'], ['swap']) {
	works("pool @$words", 'pool', @$words, $words->[0] eq 'swap' ? '--wait' : ());
	$post->(5);
}
is_deeply([served()], [0, 1], 'those that were not active are, and then the others again');
my %now = map { $_ => 1 } $server->pids('worker');
is_deeply([grep { $now{$_} } @old], [], 'all workers are new');
is_deeply(
	\@acknowledged,
	[map { $before + $_ } 1 .. @acknowledged],
	'and each post was stored once, in its order'
);

# A worker that does not do what it is told at once.
$bob = enter('bob');
my $hung = $server->worker_of($bob);
my $where = place_of($hung);
kill 'STOP', $hung;
works('the place of one that hangs is given up', qw(pool drain), $where);
wait_for('other place alone', sub { join(' ', served()) eq 1 - $where });
kill 'CONT', $hung;
wait_for(
	'end of it',
	sub {
		!grep { $_ == $hung } $server->pids('worker');
	});
ok(eval { enter('carol') }, 'when it goes on it ends, and others serve') or diag $@;
works('the place is active again', qw(pool activate --wait), $where);
is_deeply([served()], [0, 1], 'and served');
works('back to the configuration', qw(pool set active=));
is($server->admin('pool.get')->{active}, undef, 'nothing is set any more');

done_testing;
