use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Files;
use Pchat::Server;
use Pchat::Wait;

# pchat-file, or the sequencer, dies at every step of an upload and of a removal: a file is in the
# table and on the disk, whole, or in neither.
plan skip_all => 'built without fault points' if !Pchat::Server->has_faults;

my $server = Pchat::Server->new(tls => 0);
my $files = $server->directory . '/files';
$server->configure({ files => { directory => $files } });
$server->launch;
$server->wait_ready;
$server->add_users('alice');
my $room = $server->add_room('Lobby');
my $place = Pchat::Files->new(server => $server, directory => $files, room => $room);
my $alice = Pchat::Client->enter(server => $server, user => 'alice');

# What the table says; the readers answer as soon as the store has it.
sub is_in_table ($uri) {
	my ($error) = $server->try_admin('file.get', file => $uri);
	return !$error || $error->{name} ne 'NoSuchNode' && die "file.get: $error->{name}\n";
}

# Nothing waits in the mailbox, and pchat-file has read on.
sub settle () {
	wait_for(
		'everybody to be back',
		sub {
			my %state = map { $_->{role} => $_->{state} } @{ $server->status->{processes} };
			return $state{file} eq 'ready' && $state{sequencer} eq 'ready';
		});
	$server->admin('user.list', limit => 1);
	wait_for('uploads to be decided', sub { !$place->incoming });
}

sub died ($point) {
	my $used = !$server->fault_pending;
	$server->disarm_fault;
	ok($used, "something died at $point");
}

my $content = $place->bytes(40_000);

sub upload_through ($point, $also = '') {
	my $grant = $alice->call('file.upload', room => $room, name => $point,
		size => length $content);
	my @before = $server->pids('file');
	$server->expect_end($server->pids('sequencer'), @before);
	$server->arm_fault($point);
	my $socket = $place->begin_put($grant, length $content, $content);
	wait_for("death at $point", sub { !$server->fault_pending });
	$server->kill(\@before) if $also;
	# Whoever asked a process that died waits for nothing: it may be long until he is told so.
	my ($status) = $point =~ /^sequencer/ && !$also
		&& $place->rest($socket) =~ m{^HTTP/1\.1 (\d+)};
	close $socket;
	died($point);
	settle;
	my $is_file = -e $place->path($grant->{file}) . '.json';
	ok(!!$is_file == !!is_in_table($grant->{file}), 'the table and the disk agree');
	ok($is_file || ($status // 0) != 201, 'what was acknowledged is there');
	# Whoever was told nothing asks again.
	my $again = $place->put($grant, $content);
	is($again, $is_file ? 404 : 201, 'a repeated upload makes it a file, once');
	is($place->content($grant->{file}), $content, 'which is whole');
	is_deeply([$place->incoming], [], 'and nothing else is left');
	return $grant->{file};
}

my @uploaded;
push @uploaded, upload_through($_) for map {"file.$_"} qw(synced complete sent moved settled);
push @uploaded, upload_through($_) for map {"sequencer.$_"} qw(synced applied published);
push @uploaded, upload_through("sequencer.$_", ' and pchat-file') for qw(synced published);

my $victim = $uploaded[0];
$server->expect_end($server->pids('file'));
$server->arm_fault('file.emptied');
eval { $server->try_admin('file.remove', file => $victim) };
died('file.emptied');
settle;
wait_for('the rest of a file to go', sub { !-e $place->path($victim) . '.json' });
ok(!-e $place->path($victim), 'a file that is half removed goes when pchat-file is back');
ok(!is_in_table($victim), 'as it did from the table');

# One of a room that was removed.
$server->expect_end($server->pids('file'));
$server->arm_fault('file.emptied', 3);
$server->admin('room.delete', room => $room);
wait_for('all files of the room to go', sub { !(() = glob "$files/[0-9a-f][0-9a-f]/*") });
died('file.emptied');
is_deeply([glob "$files/[0-9a-f][0-9a-f]/*"], [], 'of a removed room nothing stays');

done_testing;
