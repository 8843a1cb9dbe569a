use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Disk;
use Pchat::Server;
use Pchat::Wait;

# The disk with both databases, the files and what adapters make is full: chat goes on, through a power
# failure, too, and nothing is lost; the log says so, and does not fill another disk.
my $server = Pchat::Server->new(tls => 0);
plan skip_all => 'the databases are not on a disk of ours' if $server->postgres;
my $directory = $server->directory . '/disk';
my $disk = Pchat::Disk->mount($directory, '20M') or plan skip_all => 'only root can make a small disk';
mkdir "$directory/$_" for qw(state out);
$server->configure(
	{
		'' => { state_directory => "$directory/state" },
		files => { directory => "$directory/files" },
		compliance => { enabled => 'true' },
		'adapter lines' => { form => 'jsonl', directory => "$directory/out", run_interval => '1m' },
	});
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my ($alice, $bob) = $server->spread(qw(alice bob));
$_->join_room($room) for $alice, $bob;
my $count = 0;

sub post () {
	is($alice->post($room, 'x' x 300 . ++$count)->{seq}, $count, "message $count is accepted");
	is($bob->next_note->{seq}, $count, 'and delivered');
}

sub failures ($role) {
	my ($process) = grep { $_->{role} eq $role } $server->status->{processes}->@*;
	return $process->{counters}{database_errors} // 0;
}

# How many lines of the log.
sub lines ($pattern) { return scalar grep {/$pattern/} split /\n/, $server->log }

post;
wait_for('the first message in SQL', sub { $server->sql('SELECT seq FROM pc_message') });

# --- Full. ---

$disk->fill;
post while $count < 10;
is(($server->pchatctl(qw(compliance run)))[0], 0, 'an administrator lets the adapter run');
for my $role (qw(store compliance adapter)) {
	wait_for("failures of the $role", sub { failures($role) >= 4 });
	cmp_ok(2 * lines(qr/error pchat-$role.*database or disk is full/),
		'<=', failures($role), "pchat-$role tries again, and does not tell it each time");
}
is(lines(qr/ is back/), 0, 'nobody takes the database for good because it can be opened');
post;

# --- And the power fails. ---

$server->kill_all;
$server->launch;
$server->wait_ready;
($alice, $bob) = $server->spread(qw(alice bob));
$_->join_room($room) for $alice, $bob;
is_deeply(
	[map { $_->{seq} } $alice->call('message.history', room => $room, limit => 20)->{messages}->@*],
	[1 .. $count],
	'a server that starts with a full disk has what was accepted'
);
post;

# --- There is room again. ---

$disk->free;
is_deeply([map { $_->{seq} } $server->stored($room, $count)],
	[1 .. $count], 'when there is room the database gets all of it, once');
$server->wait_recorded;
is(scalar $server->records('chat'), $count, 'so does the record');
is(($server->pchatctl(qw(compliance run --wait)))[0], 0, 'and the files');
wait_for("the word of $_", sub { lines(qr/pchat-$_.* is back/) }) for qw(store compliance);
is(($server->pchatctl(@$_))[0], 0, "@$_ finds nothing wrong") for [qw(data verify)], [qw(compliance verify)];
done_testing;
