use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start(tls => 0, conf => { journal => { size => '1M' } });
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my ($alice, $bob) = $server->spread(qw(alice bob));
$_->join_room($room) for $alice, $bob;
$alice->post($room, 'first');
$server->stored($room, 1);

# The database takes nothing as long as somebody else holds its lock.
my $lock = $server->connect_sql;
$lock->begin_work;
$lock->do('UPDATE pc_cursor SET lsn = 0');

my ($count, $refusal) = (1);
until ($refusal || $count > 2000) {
	(my $error) = $alice->try(
		'message.post',
		room => $room,
		text => 'x' x 8000,
		id => 'big' . ++$count
	);
	$refusal = $error->{name} if $error;
}
is($refusal, 'busy',
	'when the database is away for so long that the journal is full, a post is refused as busy'
);
my $full = $count--;
my @got = map { $bob->next_note } 1 .. $count;
is_deeply([map { $_->{seq} } @got], [1 .. $count], 'all before it were delivered');
is($alice->refusal('message.post', room => $room, text => 'x' x 8000, id => "big$full"),
	'busy', 'it stays so');
my $page = $bob->call('message.history', room => $room, limit => 5);
is_deeply([map { $_->{seq} } @{ $page->{messages} }], [$count - 4 .. $count], 'reading goes on');
is($bob->call('room.participants', room => $room)->{participants}[0]{name},
	'Alice', 'so does looking around');
ok($server->status, 'pchatctl status answers');
is(scalar $bob->notes, 0, 'what was refused was not delivered');
is(scalar($server->sql('SELECT seq FROM pc_message')), 1, 'the database has nothing new');

$lock->rollback;
$lock->disconnect;
my $seq;
wait_for(
	'journal to drain',
	sub {
		(my $error, my $result) = $alice->try(
			'message.post',
			room => $room,
			text => 'x' x 8000,
			id => "big$full"
		);
		return $seq = $result->{seq} if !$error;
		die "post: $error->{name}\n" if $error->{name} ne 'busy';
		return;
	});
is($seq, $full, 'when the database is back posting goes on with the next number');
my @rows = $server->stored($room, $full);
is_deeply([map { $_->{seq} } @rows], [1 .. $full], 'and everything is in SQL, each once');
is_deeply(
	[map { $_->{id} } @rows[1 .. $#rows]],
	[map {"big$_"} 2 .. $full],
	'in the order in which it was acknowledged'
);

# Round the ring several times.
$alice->post_again($room, 'y' x 8000) for 1 .. 400;
is_deeply(
	[map { $_->{seq} } $server->stored($room, $full + 400)],
	[1 .. $full + 400],
	'the ring is used again and again'
);

done_testing;
