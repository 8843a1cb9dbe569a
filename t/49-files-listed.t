use v5.36;
use utf8;
use Digest::SHA 'sha256_hex';
use File::Temp 'tempdir';
use Mojo::File 'path';
use Mojo::JSON qw(decode_json true);
use Mojo::UserAgent;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Files and the database: what pchatctl shows of them, finds missing, and brings to another server.
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $base = tempdir('pchat-files.XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub server ($name, %conf) {
	mkdir "$base/$name";
	return Pchat::Server->start(conf => { files => { directory => "$base/$name" }, %conf });
}
my $server = server('one');
$server->add_users(qw(alice bob));
my ($room, $other) = map { $server->add_room($_) } qw(Lab Bar);
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($_) for $room, $other;
my $ua = Mojo::UserAgent->new;

sub put ($server, $path, $content) {
	$ua->ca($server->certificate);
	return $ua->put('https://' . $server->address . ':' . $server->port . $path => $content)->res;
}

sub fetch ($server, $client, $file) {
	my $grant = $client->call('file.download', file => $file);
	$ua->ca($server->certificate);
	return $ua->get('https://' . $server->address . ':' . $server->port . $grant->{url})->res->body;
}

sub upload ($name, $content, $where = $room) {
	my $grant =
		$alice->call('file.upload', room => $where, name => $name, size => length $content);
	my $answer = put($server, $grant->{url}, $content);
	die 'could not upload: ' . $answer->body if $answer->code != 201;
	return $grant->{file};
}

sub uuid ($uri) { return $uri =~ s{.*/}{}r }
sub stored ($uri, $in = 'one') { return "$base/$in/" . substr(uuid($uri), 0, 2) . '/' . uuid($uri) }

# The exit status, the document or the text.
sub ctl ($server, @words) {
	my ($code, $output) = $server->pchatctl(@words);
	my ($json) = $output =~ /^(\{.*^\})/ms;
	return ($code, $json ? decode_json($json) : {}, $output);
}

# --- Listing. ---

my @files = map { upload("file $_.txt", "content $_") } 1 .. 7;
my $elsewhere = upload('elsewhere.txt', 'in the bar', $other);
my ($code, $list, $output) = ctl($server, qw(--json file list), $room);
is_deeply(
	[map { $_->{name} } @{ $list->{files} }],
	[map {"file $_.txt"} reverse 1 .. 7],
	'a room\'s files are listed, newest first, as soon as they are uploaded'
);
is_deeply(
	[@{ $list->{files}[0] }{qw(file size sha256 from from_name type)}],
	[$files[6], 9, sha256_hex('content 7'), 'sip:alice@example.test', 'Alice', ''],
	'with what is known of each'
);
like($list->{files}[0]{time}, qr/^\d{4}-\d\d-\d\dT.*Z$/, 'and when');
(undef, $list) = ctl($server, qw(--json file list --limit 2), $room);
is(scalar @{ $list->{files} }, 2, 'no more than was asked for');
my @paged;
my %before;
do {
	my $page = $alice->call('file.list', room => $room, limit => 3, %before);
	push @paged, map { $_->{file} } @{ $page->{files} };
	%before = $page->{more} ? (before => $paged[-1]) : ();
} while %before;
is_deeply(\@paged, [reverse @files], 'users page through them');
is($alice->refusal('file.list', room => $room, before => $elsewhere),
	'NoSuchNode', 'a file of another room is no place in the list');
($code, undef, $output) = ctl($server, qw(file list), $room);
like($output, qr/^\S+Z +9  sip:alice\@example\.test  file 1\.txt +\Q$files[0]\E$/m, 'people get a table');
(undef, my $one) = ctl($server, qw(--json file get), $files[0]);
is($one->{name}, 'file 1.txt', 'one file is shown');
is((ctl($server, qw(file get), $files[0] =~ s/.$/x/r))[0], 65, 'one that has no such URI is not');
is((ctl($server, qw(file list nowhere)))[0], 65, 'nor are those of a room that is not there');

# --- Removing. ---

($code, undef, $output) = ctl($server, qw(file remove --dry-run), $files[1]);
like($output, qr/^would call file\.remove/m, 'what would be removed is said');
is(fetch($server, $alice, $files[1]), 'content 2', 'and not done');
is((ctl($server, qw(file remove), $files[1]))[0], 64, 'nothing goes unless somebody says yes');
is((ctl($server, qw(file remove --yes), $files[1]))[0], 0, 'a file is removed');
is((ctl($server, qw(file remove --yes), $files[1]))[0], 65, 'once');
is($alice->refusal('file.download', file => $files[1]), 'NoSuchNode', 'and cannot be downloaded');
(undef, $list) = ctl($server, qw(--json file list), $room);
ok(!(grep { $_->{file} eq $files[1] } @{ $list->{files} }), 'it is listed no more');
(undef, $list) = ctl($server, qw(--json file list --removed), $room);
my ($gone) = grep { $_->{file} eq $files[1] } @{ $list->{files} };
ok($gone->{removed}, 'unless those that were removed are asked for');
is((ctl($server, qw(file get), $files[1]))[0], 65, 'nor shown');
is((ctl($server, qw(--json file get --removed), $files[1]))[1]{name}, 'file 2.txt', 'with the same exception');
is($alice->refusal('file.list', room => $room, removed => true),
	'ErrorPermission', 'users do not see what was removed');
(undef, my $audit) = ctl($server, qw(--json audit --what file));
is_deeply(
	[map { [@$_{qw(what object actor)}, @{ $_->{details} }{qw(file name author)}] } @{ $audit->{entries} }],
	[['file.remove', 'Lab', 'unix:root', uuid($files[1]), 'file 2.txt', 'sip:alice@example.test']],
	'who removed what is in the audit'
);

# --- Checking. ---

sub check (@words) {
	my ($code, $document) = ctl($server, qw(--json file check), @words);
	return ($code, $document);
}

my ($checked, $found) = check();
is_deeply([$checked, @$found{qw(files bytes wrong)}], [0, 7, 64, 0], 'all is as it should be')
	or diag explain $found;
($code, undef, $output) = ctl($server, qw(file check --contents));
is_deeply([$code, $output], [0, "7 files of 64 bytes\n"], 'and in their contents');
rename stored($files[2]), "$base/kept" or die;
unlink stored($files[3]) . '.json' or die;
chmod 0600, stored($files[4]);
path(stored($files[4]))->spurt('CONTENT 5');
path(stored($files[5]))->spurt('much more of it');
my $stray = '12345678-1234-4234-8234-123456789abc';
path("$base/one/12/$stray")->spurt('what is this?');
path(stored($files[1]))->spurt('back again');
path("$base/one/12/notes.txt")->spurt('not a file of the server');
($checked, $found) = check();
is($checked, 65, 'what is not as it should be is found');
my %wrong = (
	uuid($files[2]) => 'its content is not on the disk',
	uuid($files[3]) => 'its .json is not on the disk',
	uuid($files[5]) => 'its size is not that of what was uploaded',
	uuid($files[1]) => 'was removed, and is still on the disk',
	$stray => 'is on the disk only',
);
is_deeply($found->{found}, \%wrong, 'each by what is wrong with it');
($checked, $found) = check('--contents');
$wrong{ uuid $files[4] } = 'its content is not what was uploaded';
is_deeply($found->{found}, \%wrong, 'a content that was changed only where contents are looked at');
is((ctl($server, qw(file remove --yes), $files[3]))[0], 65, 'a file that is lost is not removed');
is((ctl($server, qw(file remove --yes --lost), $files[3]))[0], 0, 'unless it is said that it is lost');
is((ctl($server, qw(file remove --yes), $files[2]))[0], 0, 'one of which only the content is lost is');
(undef, $list) = ctl($server, qw(--json file list), $room);
is(scalar @{ $list->{files} }, 4, 'then nobody sees them any more');
is((ctl($server, '-f', '/dev/null', qw(file check)))[0], 78, 'without a configuration nothing is looked at');

# --- A room that goes takes its files with it. ---

$server->admin('room.delete', room => $other);
wait_for('the file to be gone', sub { !-e stored($elsewhere) });
wait_for('the row to be marked',
	sub { $server->sql('SELECT uuid FROM pc_file WHERE removed > 0 AND name = ?', 'elsewhere.txt') });
pass('a room that is deleted takes its files with it');

# --- To another server. ---

path(stored($files[4]))->spurt('content 5');
path(stored($files[5]))->spurt('content 6');
unlink "$base/one/12/$stray", stored($files[1]);
is((ctl($server, qw(data export --credentials), "$base/archive"))[0], 0, 'an archive is made');
is((ctl($server, qw(data verify)))[0], 0, 'database and cache agree');
$server->stop;
my $second = server('two');
is((ctl($second, qw(data import), "$base/archive"))[0], 0, 'and brought to another server');
is((ctl($second, qw(data verify)))[0], 0, 'whose database has everything then');
($code, $found) = ctl($second, qw(--json file check));
is_deeply([$code, $found->{wrong}], [65, $found->{files}], 'where the contents are missing');
$second->stop;
is(system("cd $base/one && cp -an [0-9a-f]* $base/two/"), 0, 'when they are copied');
$second->launch;
$second->wait_ready;
$second->{passwords} = $server->{passwords};
$alice = Pchat::Client->enter(server => $second, user => 'alice');
is(fetch($second, $alice, $files[0]), 'content 1', 'they can be downloaded there');
(undef, $list) = ctl($second, qw(--json file list), $room);
is_deeply(
	[map { $_->{name} } @{ $list->{files} }],
	[map {"file $_.txt"} 7, 6, 5, 1],
	'and are listed in the order in which they were uploaded'
);
done_testing;
