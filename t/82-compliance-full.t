use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# The compliance database is away for longer than a small journal lasts: what cannot be recorded is
# refused, reading what must be recorded, too; nothing is lost, and it drains afterwards.
my $server = Pchat::Server->new(tls => 0);
my %compliance = (enabled => 'true');
$compliance{dsn} = 'Driver=SQLite3;Database=' . $server->records_database . ';Timeout=200'
	if !$server->postgres;
$server->configure({ journal => { size => '1M' }, compliance => \%compliance });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my ($alice, $bob) = $server->spread(qw(alice bob));
$_->join_room($room) for $alice, $bob;
$alice->post($room, 'first');
$server->wait_recorded;

my $lock = $server->connect_records;
$lock->begin_work;
$lock->do('UPDATE pcc_cursor SET gap = 0');

my @text = ('first');
my ($refusals, $number) = (0, 1);
for (1 .. 600) {
	my ($error) =
		$alice->try('message.post', room => $room, text => 'x' x 4000 . $number, id => "n$number");
	if ($error) {
		is($error->{name}, 'busy', 'a post that cannot be recorded is refused as busy')
			if !$refusals++;
		next;
	}
	push @text, 'x' x 4000 . $number++;
}
cmp_ok(scalar @text, '>', 150, 'as long as the journal lasts chat goes on');
cmp_ok($refusals, '>', 200, 'when it is full every post is refused');
my ($small, $refused) = (0);
until ($refused || $small == 2000) {
	($refused) = $alice->try('message.post', room => $room, text => 'x', id => "s$small");
	$small++ if !$refused;
}
cmp_ok($small, '<', 2000, 'as are small posts, when there is no place for them, either');
push @text, ('x') x $small;
is($bob->refusal('message.history', room => $room), 'busy', 'so is reading, which would be recorded');
is($bob->call('room.participants', room => $room)->{participants}[0]{name},
	'Alice', 'what is not recorded can be looked at');
is(scalar $server->records('chat'), 1, 'the record has nothing new');
my $fill = $server->status->{journal}{fill};
cmp_ok($fill, '>', 90, "pchatctl status shows the full journal ($fill %)");
wait_for('the log to say why', sub { $server->log =~ /the compliance database failed \(retry\)/ });

$lock->rollback;
$lock->disconnect;
wait_for(
	'posts to be taken again',
	sub {
		my ($error) = $alice->try('message.post', room => $room, text => 'after', id => 'after');
		return !$error;
	});
push @text, 'after';
$server->wait_recorded;
is_deeply([map { $_->{content} } $server->records('chat')],
	\@text, 'when it is back everything that was accepted is on record, and nothing else');
is_deeply([map { $_->{text} } $server->stored($room, scalar @text)],
	\@text, 'as it is in the content database');
is(($server->pchatctl(qw(compliance verify)))[0], 0, 'the chain is whole');

# Round the ring several times.
$alice->post_again($room, 'y' x 8000) for 1 .. 400;
$server->wait_recorded;
is(scalar $server->records('chat'), @text + 400, 'the ring is used again and again');

# --- Turned off, and on again when the journal has gone on. ---

my %conf = (journal => { size => '1M' });
$_->close for $alice, $bob;
$server->stop;
my $records = $server->records;
$server->configure({%conf});
$server->launch;
$server->wait_ready;
is(scalar $server->pids('compliance'), 0, 'turned off there is no process');
$alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post_again($room, 'z' x 8000) for 1 .. 200;
$alice->close;
$server->stop;

$server->configure({ %conf, compliance => \%compliance });
$server->launch;
wait_for('the server to give up', sub { !$server->running });
like(
	$server->log,
	qr/the compliance database stands at LSN \d+, and the journal has overwritten what follows/,
	'turned on again the server does not pass over what is lost to the record'
);
$server->expect_end($server->log =~ /process (\d+), ended with status 78/g);
my ($code, $output) = $server->pchatctl(qw(compliance accept-gap));
is($code, 64, 'nobody accepts that by accident');
($code, $output) = $server->pchatctl(qw(compliance accept-gap --dry-run));
like($output, qr/^would give up the events behind LSN \d+/, '--dry-run says what it is');
($code, $output) = $server->pchatctl(qw(compliance accept-gap --yes));
is($code, 0, 'an administrator accepts it') or diag $output;
like(($server->pchatctl(qw(compliance status)))[1], qr/^a gap is accepted/m, 'which status shows');
$server->launch;
$server->wait_ready;
$alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, 'on record again');
$server->wait_recorded;
my @new = grep { $_->{number} > $records } $server->records;
is_deeply(
	[map { $_->{type} } @new[0 .. 1]],
	['gap', 'start'],
	'the gap is on record, and then the start'
);
like($new[0]{detail}, qr/^\{"from":\d+,"to":\d+\}$/, 'with what it left out');
is((grep { $_->{type} eq 'chat' } @new)[-1]{content}, 'on record again', 'recording goes on');
is(($server->pchatctl(qw(compliance verify)))[0], 0, 'in the same chain');

done_testing;
