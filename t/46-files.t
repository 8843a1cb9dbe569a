use v5.36;
use Digest::SHA 'sha256_hex';
use Fcntl ':flock';
use IO::Socket::INET;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Disk;
use Pchat::Files;
use Pchat::Server;
use Pchat::Wait;

# Where files are kept, and what becomes of them when something dies or is full.
my $server = Pchat::Server->new(tls => 0);
my $files = $server->directory . '/files';
my %settings = (directory => $files, transfers => 3, total => '2M');
$server->configure({ files => \%settings });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
my $room = $server->add_room('Lobby');
my $place = Pchat::Files->new(server => $server, directory => $files, room => $room);
my ($alice, $bob);

sub enter () {
	($alice, $bob) = map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
	$_->join_room($room) for $alice, $bob;
}

sub restart_file () { $server->kill_role('file'); ready() }

# Ready again: the slot says so.
sub ready () {
	wait_for(
		'pchat-file to be ready',
		sub {
			my ($row) = grep { $_->{role} eq 'file' } @{ $server->status->{processes} };
			return $row && $row->{state} eq 'ready';
		});
}

enter;

# --- A file, from its beginning to its end. ---

my $content = $place->bytes(100_000);
my ($grant, $status, $answer) = $place->upload($alice, 'plan.pdf', $content);
is($status, 201, 'a file is uploaded') or diag explain $answer;
is($place->content($grant->{file}), $content, 'and kept');
my $about = $place->about($grant->{file});
is($about->{sha256}, sha256_hex($content), 'beside it stands what it is:');
is_deeply(
	[@$about{qw(name size user)}, "ma-chan://example.test/$about->{room}"],
	['plan.pdf', 100_000, 'sip:alice@example.test', $room],
	'its name and size, whose it is and of which room'
);
is($answer->{time}, $about->{time}, 'and since when, as the uploader was told');
is($place->put($grant, $content), 404, 'its token is used up');
my $open = $bob->call('file.download', file => $grant->{file});
is($open->{time}, $about->{time}, 'whoever downloads it is told the same');
is($place->get($open), $content, 'and gets it');
my ($mode) = map { sprintf '%04o', (stat $_)[2] & 07777 } $place->path($grant->{file});
is($mode, '0600', 'nobody else on the host may read it');

my $numbers = $server->status->{files};
is_deeply([@$numbers{qw(files bytes uploaded opened failures)}],
	[1, 100_000, 1, 1, 0], 'pchatctl status counts it');
like(($server->pchatctl('status'))[1],
	qr/^files: 1 of 100000 bytes, 1 tokens, 0 uploads under way; 1 uploaded, 1 opened, 0 removed$/m,
	'and shows it');

# --- Uploads that end in the middle. ---

my $grant2 = $alice->call('file.upload', room => $room, name => 'b', size => 50_000);
my $half = $place->begin_put($grant2, 50_000, 'x' x 30_000);
wait_for('the first half to arrive', sub { $server->status->{files}{uploading} == 1 });
is($place->put($grant2, 'y' x 50_000), 409, 'a second upload by a token that is in use is refused');
close $half;
wait_for('the upload to be broken off', sub { $server->status->{files}{uploading} == 0 });
is_deeply([$place->incoming], [], 'an upload that the client breaks off leaves nothing');
$half = $place->begin_put($grant2, 50_000, 'x' x 30_000);
wait_for('the first half to arrive', sub { scalar $place->incoming });
restart_file;
is_deeply([$place->incoming], [], 'nor does one during which pchat-file is killed');
print $half 'x' x 20_000;
unlike($place->rest($half), qr{^HTTP/1\.1 2}, 'whose client is told so');
is($place->put($grant2, 'y' x 50_000), 201, 'it begins again with the same token');
is($place->content($grant2->{file}), 'y' x 50_000, 'and then it is there');

# --- Tokens outlive every process. ---

my $grant3 = $alice->call('file.upload', room => $room, name => 'c', size => 3);
restart_file;
is($place->get($open), $content, 'a token for downloading outlives pchat-file');
$server->stop;
$server->launch;
$server->wait_ready;
ready;
is($place->get($open), $content, 'and the whole server');
is($place->put($grant3, 'abc'), 201, 'as does one for uploading');
is($place->put($grant3, 'abc'), 404, 'but what was used up stays so');
restart_file;
is($place->put($grant3, 'abc'), 404, 'whatever is started again');
enter;

# --- Removal. ---

my $author = $alice->refusal('file.remove', file => $grant3->{file});
is($author, 'ErrorPermission', 'its uploader may not remove a file unless the category says so');
$server->admin('file.remove', file => $grant3->{file});
ok(!-e $place->path($grant3->{file}) && !-e $place->path($grant3->{file}) . '.json',
	'a file that an administrator removes is gone from the disk');
is($bob->refusal('file.download', file => $grant3->{file}), 'NoSuchNode', 'and for everybody');
my $lost = $grant2->{file};
unlink $place->path($lost) . '.json' or die;
is($bob->refusal('file.download', file => $lost), 'NoSuchNode', 'what was lost cannot be had');
my ($error) = $server->try_admin('file.remove', file => $lost);
is($error->{name}, 'NoSuchNode', 'nor removed,');
($error) = $server->try_admin('file.remove', file => $lost, lost => Mojo::JSON->true);
is($error, undef, 'but by who says that he knows');
ok(!-e $place->path($lost), 'then its content is gone, too');

my $other = $server->add_room('Other');
$alice->join_room($other);
my @theirs = map { ($place->upload($alice, "of another room $_", 'x', $other))[0]{file} } 1 .. 5;
my $token = $alice->call('file.download', file => $theirs[0]);
$server->admin('room.delete', room => $other);
wait_for('the files of a room to go with it', sub { !grep { -e $place->path($_) } @theirs });
is($place->get_status($token), 404, 'their tokens with them');
is($place->content($grant->{file}), $content, 'those of other rooms stay');

# What happens while it is away is done when it is back.
$other = $server->add_room('Other');
$alice->join_room($other);
@theirs = map { ($place->upload($alice, "of another room $_", 'x', $other))[0]{file} } 1 .. 3;
my ($pid) = $server->pids('file');
$server->kill($pid, 'STOP');
$server->admin('room.delete', room => $other);
$server->kill($pid);
wait_for('what it missed to be done', sub { !grep { -e $place->path($_) } @theirs });
pass('a room that is removed while pchat-file is away loses its files when it is back');

# --- What is removed may stay for a while. ---

my ($evidence) = $place->upload($alice, 'evidence', 'e' x 1000);
$settings{keep_removed} = '1d';
$server->stop;
$server->configure({ files => \%settings });
$server->launch;
$server->wait_ready;
ready;
enter;
$server->admin('file.remove', file => $evidence->{file});
my $removed = $place->path($evidence->{file}) =~ s{/files/}{/files/removed/}r;
is(-s $removed, 1000, 'where removed files are kept, one that is removed stays on the disk');
ok(-e "$removed.json" && !-e $place->path($evidence->{file}), 'in a place of its own');
is($alice->refusal('file.download', file => $evidence->{file}), 'NoSuchNode', 'which no user reaches');
restart_file;
ok(-e $removed, 'whatever is started again');
$settings{keep_removed} = 0;
$server->stop;
$server->configure({ files => \%settings });
$server->launch;
$server->wait_ready;
ready;
ok(!-e $removed && !-e "$removed.json", 'until its time is over');
enter;

# --- Limits. ---

my @grants =
	map { $alice->call('file.upload', room => $room, name => "many $_", size => 10) } 1 .. 4;
my @open = map { $place->begin_put($grants[$_], 10, 'x') } 0 .. 2;
wait_for('three uploads', sub { $server->status->{files}{uploading} == 3 });
my ($refused, $body) = $place->put_all($grants[3], 'x' x 10);
is($body->{error}{name}, 'LimitExceeded', 'there are no more uploads at a time than configured');
is($refused, 503, 'which is worth another try');
close $_ for @open;
wait_for('them to be broken off', sub { $server->status->{files}{uploading} == 0 });
is($place->put($grants[3], 'x' x 10), 201, 'after which the next may begin');

my $large = $alice->call('file.upload', room => $room, name => 'large', size => 2 << 20);
($refused, $body) = $place->put_all($large, $place->bytes(2 << 20));
is($body->{error}{name}, 'LimitExceeded', 'all files together have no more bytes than configured');

# A sequencer that stands still decides nothing.
my ($first, $second) = map {
	$alice->call('file.upload', room => $room, name => $_, size => 1_100_000)
} qw(first second);
my ($sequencer) = $server->pids('sequencer');
kill 'STOP', $sequencer;
my $undecided = $place->begin_put($first, 1_100_000, 'a' x 1_100_000);
wait_for('an upload to be complete', sub { grep {/json$/} $place->incoming });
($refused, $body) = $place->put_all($second, 'b' x 1_100_000);
kill 'CONT', $sequencer;
is($body->{error}{name}, 'LimitExceeded', 'and what is not decided yet is one of them');
like($place->rest($undecided), qr{^HTTP/1\.1 201}, 'which becomes a file');
$server->admin('file.remove', file => $first->{file});
is_deeply([$place->incoming], [], 'and nothing of it stays');
is($alice->refusal('file.upload', room => $room, name => 'x', size => 20_480_001),
	'TooLarge', 'and none is larger than a file may be');

# --- The directory. ---

$server->stop;
unlink "$files/.cursor" or die;
open my $cursor, '>', "$files/.cursor" or die;
print $cursor '{"journal":"01234567-89ab-cdef-0123-456789abcdef","lsn":8,"grants":8}';
close $cursor;
$server->launch;
$server->wait_ready;
ready;
like($server->log, qr/does not have what happened since files were last kept.*pchatctl file check/,
	'a directory that belongs to another journal is reported');
enter;
is(($place->upload($alice, 'after that', 'x'))[1], 201, 'and used');

open my $lock, '<', "$files/.lock" or die;
$server->stop;
flock $lock, LOCK_EX or die;
$server->launch;
wait_for('complaint about the lock', sub { $server->log =~ /in use by another process/ });
is(eval { $server->try_admin('user.list', limit => 1); 1 } // 0,
	1, 'while another process has the directory the server goes on without files');
flock $lock, LOCK_UN;
$server->wait_ready;
ready;
enter;
is(($place->upload($alice, 'when it is free', 'x'))[1], 201, 'and has them when it is free');

# --- The disk. ---

SKIP: {
	$server->stop;
	my $directory = $server->directory . '/disk';
	my $disk = Pchat::Disk->mount($directory, '2M') or skip 'only root can make a small disk', 7;
	$settings{directory} = "$directory/files";
	$settings{total} = 0;
	$server->configure({ files => \%settings });
	$place->{directory} = "$directory/files";
	$server->launch;
	$server->wait_ready;
	ready;
	enter;
	my ($kept) = $place->upload($alice, 'fits', 'k' x 10_000);
	my $too_large = $alice->call('file.upload', room => $room, name => 'too large', size => 3 << 20);
	my ($code, $why) = $place->put_all($too_large, 'l' x (3 << 20));
	is_deeply([$code, $why->{error}{name}], [507, 'FileUploadFailed'],
		'what a full disk does not take is refused');
	is_deeply([$place->incoming], [], 'and nothing of it stays');
	like($server->log, qr/could not get room for a file of 3145728 bytes: No space left/,
		'the log says why');
	cmp_ok($server->status->{files}{failures}, '>', 0, 'and pchatctl status, how often');
	is($place->get($alice->call('file.download', file => $kept->{file})),
		'k' x 10_000, 'what is there can be had');

	# All that is left; what a file is has no room then.
	$disk->fill;
	$disk->give(4096);
	my $small = $alice->call('file.upload', room => $room, name => 'small', size => 4096);
	($code) = $place->put_all($small, 's' x 4096);
	is($code, 507, 'so is what fits, but has no room for what it is');
	$disk->free;
	is($place->put($small, 's' x 4096), 201, 'when there is room it can be uploaded');
}

done_testing;
