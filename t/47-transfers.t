use v5.36;
use Digest::SHA 'sha256_hex';
use IO::Socket::SSL;
use Mojo::JSON 'decode_json', 'true', 'false';
use Mojo::UserAgent;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Files over HTTPS, with clients that others wrote: curl, Mojolicious, and bare sockets.
my $server = Pchat::Server->new;
my $files = $server->directory . '/state/files';
$server->configure({ files => { directory => $files } });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
$server->admin('category.create', name => 'Papers', files => true, authors_remove => true);
$server->admin('category.create', name => 'Words', files => false);
$server->admin('category.roles', category => $_, allowed => { add => ['*'] }) for qw(Papers Words);
my $room = $server->add_room('library', 'papers', category => 'Papers');
my $other = $server->add_room('talk', 'words', category => 'Words');
my $base = 'https://' . $server->address . ':' . $server->port;
my $directory = $server->directory . '/own';
mkdir $directory or die;
my ($alice, $bob) = map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
$_->join_room($room) for $alice, $bob;

sub write_file ($name, $bytes) {
	open my $out, '>:raw', "$directory/$name" or die;
	print $out $bytes;
	close $out or die;
	return "$directory/$name";
}

sub read_file ($file) {
	open my $in, '<:raw', $file or return '';
	local $/;
	return <$in> // '';
}

sub random_bytes ($size) {
	open my $in, '<:raw', '/dev/urandom' or die;
	my $bytes = '';
	read $in, $bytes, $size;
	return $bytes;
}

# (HTTP status, output).
sub curl (@words) {
	my $body = "$directory/answer";
	unlink $body;
	my ($code, $output) =
		$server->command('curl', '-s', '-S', '--max-time', 30, '--cacert',
		$server->certificate, '-o', $body, '-w', '%{http_code}', @words);
	diag $output if $code;
	return ($code ? "curl $code" : $output, read_file($body));
}

sub grant ($name, $bytes, %more) {
	return $alice->call('file.upload', room => $room, name => $name, size => length $bytes, %more);
}

sub put ($grant, $bytes) { return curl('-T', write_file('body', $bytes), "$base$grant->{url}") }

sub refused_as ($answer) { return decode_json($answer)->{error}{name} }

# What is in the directory, but for pchat-file's own notes.
sub kept () {
	my @found = sort grep { -f && !m{/\.[^/]*$} } glob "$files/*/* $files/*";
	return @found;
}

# A connection that speaks HTTP by hand.
sub raw ($text) {
	my $socket = IO::Socket::SSL->new(
		PeerHost => $server->address,
		PeerPort => $server->port,
		SSL_ca_file => $server->certificate,
		SSL_verifycn_scheme => 'none'
	) or die "could not connect: $SSL_ERROR\n";
	print $socket $text;
	return $socket;
}

sub answer_of ($socket) {
	local $SIG{ALRM} = sub { die "no answer\n" };
	alarm 30;
	local $/;
	my $answer = <$socket> // '';
	alarm 0;
	return $answer;
}

# --- Up and down. ---

my $bytes = random_bytes(3_000_001);
my $grant = grant("B\x{fc}cher \"1\".pdf", $bytes, type => 'application/pdf');
like($grant->{file}, qr{^ma-filelink://example\.test/[0-9a-f-]{36}/[0-9a-f-]{36}$},
	'a file has a URI');
my ($status, $answer) = put($grant, $bytes);
is($status, 201, 'a file is uploaded by curl') or diag $answer;
my $file = decode_json $answer;
is($file->{sha256}, sha256_hex($bytes), 'and the server says what it has');
is($file->{file}, $grant->{file}, 'and by which URI');
my $note = $bob->next_note('file');
is_deeply(
	{ map { $_ => $note->{$_} } qw(room file name size type sha256 from from_name) },
	{
		room => $room,
		file => $grant->{file},
		name => "B\x{fc}cher \"1\".pdf",
		size => 3_000_001,
		type => 'application/pdf',
		sha256 => sha256_hex($bytes),
		from => 'sip:alice@example.test',
		from_name => 'Alice'
	},
	'those in the room are told'
);
is($alice->next_note('file')->{file}, $grant->{file}, 'the uploader, too');
my $listed = $bob->call('file.list', room => $room)->{files};
is_deeply([map { $_->{file} } @$listed], [$grant->{file}], 'it is in the list at once');
is($bob->call('file.get', file => $grant->{file})->{name}, "B\x{fc}cher \"1\".pdf",
	'and can be looked up');

($status, $answer) = put($grant, $bytes);
is($status, 404, 'the token is used up');
is(refused_as($answer), 'InvalidToken', 'as the answer says');

my $get = $bob->call('file.download', file => $grant->{file});
is($get->{sha256}, sha256_hex($bytes), 'another is told what he may download');
my $url = "$base$get->{url}";
($status, $answer) = curl($url);
is("$status " . sha256_hex($answer), '200 ' . sha256_hex($bytes), 'and gets it');
my (undef, $head) = $server->command(
	'curl', '-s', '-I', '--cacert', $server->certificate, $url);
like($head, qr/^Content-Length: 3000001\r$/m, 'HEAD tells its size');
like($head, qr/^Content-Disposition: attachment; .*filename\*=UTF-8''B%C3%BCcher%20%221%22\.pdf\r$/m,
	'and its name');
like($head, qr/^Content-Security-Policy: sandbox\r$/m, 'and keeps browsers from running it');
($status, $answer) = curl('-r', '1000000-2000000', $url);
is("$status " . sha256_hex($answer), '206 ' . sha256_hex(substr $bytes, 1_000_000, 1_000_001),
	'a part can be had');
write_file('answer2', substr $bytes, 0, 2_500_000);
$server->command('curl', '-s', '-C', '-', '--cacert', $server->certificate, '-o',
	"$directory/answer2", $url);
is(sha256_hex(read_file("$directory/answer2")),
	sha256_hex($bytes), 'a download that broke goes on where it was');
is((curl('-r', '4000000-', $url))[0], 416, 'there is nothing behind its end');

# Mojolicious, which sends its body without being asked for it.
my $ua = Mojo::UserAgent->new(max_response_size => 0)->ca($server->certificate);
for my $size (0, 1, 16383, 65536, 200_000) {
	my $small = random_bytes($size);
	my $tx = $ua->put($base . grant("small $size", $small)->{url} => $small);
	is($tx->res->code, 201, "$size bytes go up in one piece") or diag $tx->res->body;
	my $uri = $tx->res->json->{file};
	is($ua->get($base . $bob->call('file.download', file => $uri)->{url})->res->body,
		$small, 'and come down');
}
is(scalar kept(), 12, 'each file is two on disk');

# --- What does not work. ---

is_deeply([map { $bob->call('room.get', room => $_)->{files} } $room, $other],
	[true, false], 'a client can see which rooms may have files');
is($bob->refusal('file.upload', room => $other, name => 'x', size => 1),
	'ErrorPermission', 'a category without files has none');
is($bob->refusal('file.upload', room => $room, name => $_, size => 1),
	'InvalidArgument', 'a name that is none is refused')
	for '', '.', '..', 'a/b', "a\nb", "a\x{85}b", 'x' x 256;
is($bob->refusal('file.upload', room => $room, name => 'x', size => 20_480_001),
	'TooLarge', 'a file has a greatest size');
is($bob->refusal('file.download', file => $grant->{file} =~ s/.$/g/r),
	'InvalidArgument', 'a URI that is none is refused');
is($bob->refusal('file.download', file => $grant->{file} =~ s/[^\/]+$/$room =~ s{.*\/}{}r/er),
	'NoSuchNode', 'and one of nothing');
is($bob->refusal('file.remove', file => $grant->{file}),
	'ErrorPermission', 'what another uploaded cannot be removed');

$grant = grant('odd', 'x' x 1000);
my $put = "PUT $grant->{url} HTTP/1.1\r\nHost: x\r\n";
for my $case (
	[411, 'InvalidArgument', "$put\r\n"],
	[411, 'InvalidArgument', "${put}Transfer-Encoding: chunked\r\n\r\n3e8\r\n"],
	[413, 'TooLarge', "${put}Content-Length: 1001\r\n\r\n" . 'x' x 1001],
	[400, 'InvalidArgument', "${put}Content-Length: 999\r\n\r\n" . 'x' x 999],
	[404, 'InvalidToken', "GET $grant->{url} HTTP/1.1\r\n\r\n"],
	[404, 'InvalidToken', "PUT $get->{url} HTTP/1.1\r\nContent-Length: 3000001\r\n\r\n"],
	[404, 'InvalidToken', 'GET /files/' . 'A' x 43 . " HTTP/1.1\r\n\r\n"],
	[404, 'InvalidToken', "GET /files/../../etc/passwd HTTP/1.1\r\n\r\n"],
	[404, 'InvalidToken', "GET /files/%2e%2e HTTP/1.1\r\n\r\n"],
	[404, 'InvalidToken', "GET $grant->{url}/x HTTP/1.1\r\n\r\n"],
	[405, 'MethodNotFound', "DELETE $grant->{url} HTTP/1.1\r\n\r\n"],
	[405, 'MethodNotFound', "POST $grant->{url} HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"],
	)
{
	my ($wanted, $name, $request) = @$case;
	my $said = answer_of(raw($request));
	my ($what) = $request =~ /^([^\r]{1,40})/;
	like($said, qr{^HTTP/1\.1 $wanted [^\r]*\r\n.*"name":"$name"}s,
		$what =~ s/[\w-]{20,}/.../r . " is answered $wanted");
}
like(answer_of(raw("GET $grant->{url}\r\n\r\n")), qr/^HTTP\/1\.1 4/, 'HTTP/0.9 is no request');

# --- Uploads that break, and meet. ---

my @before = kept();
$get = $bob->call('file.download', file => $file->{file});
my $half = raw("${put}Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n");
like(scalar <$half>, qr{^HTTP/1\.1 100 }, 'a client that waits to be asked for the body is asked');
print $half 'x' x 500;
is((put($grant, 'x' x 1000))[0], 409, 'two uploads by one token do not mix');
$half->close(SSL_no_shutdown => 1);
wait_for('the token to be free', sub { (put($grant, 'x' x 1000))[0] == 201 });
pass('an upload that broke off may begin again');
is(scalar kept(), @before + 2, 'and has left nothing behind');

# --- What dies in the middle. ---

sub begin_upload ($grant) {
	my $socket = raw("PUT $grant->{url} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
			. "Expect: 100-continue\r\n\r\n");
	die "the upload did not begin\n" if <$socket> !~ / 100 / || <$socket> ne "\r\n";
	print $socket 'x' x 500;
	return $socket;
}

$grant = grant('broken', 'x' x 1000);
$half = begin_upload($grant);
$server->kill_role('file');
print $half 'x' x 500;
like(answer_of($half), qr{^HTTP/1\.1 503 }, 'an upload that the server has lost is to be repeated');
wait_for('the upload to be repeated', sub { (put($grant, 'x' x 1000))[0] == 201 });
pass('which works by the same token');

$grant = grant('orphan', 'x' x 1000);
my @holders = map { begin_upload(grant("held $_", 'x' x 1000)) } 1 .. 8;
$half = begin_upload($grant);
$server->kill([$server->pids('worker')]);
is(answer_of($half), '', 'an upload ends with its worker');
@holders = ();
wait_for('the upload to be repeated', sub { (put($grant, 'x' x 1000))[0] =~ /^201/ });
pass('and can be repeated with another one');
$_->vanish for $alice, $bob;
($alice, $bob) = map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
$_->join_room($room) for $alice, $bob;

sub descriptors () {
	return { map { my $role = $_; ($role => scalar map { glob "/proc/$_/fd/*" } $server->pids($role)) }
			qw(file worker) };
}

my $none = wait_for('what broke to be gone', sub {
	my @left = glob "$files/incoming/*";
	return !@left && descriptors();
});
for (1 .. 15) {
	begin_upload($grant = grant('aborted', 'x' x 1000))->close(SSL_no_shutdown => 1);
	raw("GET $get->{url} HTTP/1.1\r\n\r\n")->close(SSL_no_shutdown => 1);
}
wait_for('what broke to be gone', sub {
	my ($now, @left) = (descriptors(), glob "$files/incoming/*");
	return !@left && !grep { $now->{$_} > $none->{$_} } keys %$none;
});
pass('what breaks off leaves no descriptor and no file behind');

# --- Slow readers. ---

my $big = random_bytes(16 << 20);
$grant = grant('big', $big);
is((put($grant, $big))[0], 201, 'a large file goes up');
$get = $bob->call('file.download', file => $grant->{file});
my @readers = map { raw("GET $get->{url} HTTP/1.1\r\nHost: x\r\n\r\n") } 1 .. 10;
is(sha256_hex((curl("$base$get->{url}"))[1]),
	sha256_hex($big), 'one who reads is not held up by those who do not');
my $limit = Pchat::Server->has_sanitizers ? 1 << 30 : 64 << 20;
my ($held) = sort { $b <=> $a } map {
	open my $in, '<', "/proc/$_/statm";
	(split ' ', <$in>)[1] * 4096;
} $server->pids('worker');
cmp_ok($held, '<', $limit, 'who cost next to nothing');
my $read = answer_of(shift @readers);
is(sha256_hex($read =~ s/^.*?\r\n\r\n//sr), sha256_hex($big), 'when one goes on he gets all of it');
undef @readers;

# --- Gone. ---

$bob->{notes} = [];
$alice->call('file.remove', file => $file->{file});
is_deeply(
	{ %{ $bob->next_note('file_removed') } },
	{
		room => $room,
		file => $file->{file},
		from => 'sip:alice@example.test',
		from_name => 'Alice'
	},
	'an author removes his file, and those in the room are told'
);
($status, $answer) = curl($url);
is($status, 404, 'nobody can download it any more') or diag $answer;
is($bob->refusal('file.download', file => $file->{file}), 'NoSuchNode', 'or be allowed to');
ok(!grep({ $_->{file} eq $file->{file} } @{ $bob->call('file.list', room => $room)->{files} }),
	'it is not in the list');

# --- pchat. ---

for my $user (qw(alice bob)) {
	write_file($user, $server->password($user) . "\n");
	chmod 0600, "$directory/$user";
}

sub pchat_command ($user, @arguments) {
	return (
		"$Pchat::Server::build/daemon/pchat", '--server',
		$server->url, '--ca', $server->certificate, '--user', $user,
		'--password-file', "$directory/$user", '--timeout', 30, @arguments
	);
}

sub pchat ($user, @arguments) { return $server->command(pchat_command($user, @arguments)) }

$bob->{notes} = [];
my $report = write_file('report.txt', $bytes);
my ($code, $output) = pchat('alice', 'upload', '--type', 'text/plain', 'library', $report, 'look:');
is($code, 0, 'pchat uploads a file') or diag $output;
my ($uri) = $output =~ /^(\S+)\n$/;
is($bob->next_note('file')->{name}, 'report.txt', 'by its name');
is($bob->next_note->{text}, "look: $uri", 'and posts a message that links to it');
chdir $directory or die;
($code, $output) = pchat('bob', 'download', $uri);
is("$code $output", "73 pchat: report.txt: File exists\n", 'pchat overwrites nothing');
($code, $output) = pchat('bob', 'download', $uri, 'copy.txt');
is("$code $output", "0 copy.txt\n", 'pchat downloads a file');
is(sha256_hex(read_file('copy.txt')), sha256_hex($bytes), 'as it was');
ok(!-e 'copy.txt.part', 'and leaves nothing else');
($code, $output) = pchat('bob', 'download', $uri, '-');
is(sha256_hex($output), sha256_hex($bytes), 'or writes it to its standard output');
($code, $output) = pchat('bob', '--json', 'download', $uri, 'copy2.txt');
is(decode_json($output)->{sha256}, sha256_hex($bytes), 'or says what it did as JSON');
is((pchat('bob', 'upload', 'talk', $report))[0], 77, 'where there are no files is none put');
is((pchat('bob', 'upload', 'library', '/nonexistent'))[0], 66, 'one that is not here, neither');
is((pchat('bob', 'download', $file->{file}))[0], 66, 'and a removed one is not got');
open my $chat, '-|', 'sh', '-c', 'echo "$0" | exec "$@"', '/files 2', pchat_command('bob', 'library')
	or die;
my @lines = <$chat>;
close $chat;
ok(grep({ /^-- file report\.txt, 3\.0 MB, from Alice: \Q$uri\E$/ } @lines),
	'a chat shows where a link leads to')
	or diag @lines;
ok(grep({ /^-- report\.txt, 3\.0 MB, from Alice: \Q$uri\E$/ } @lines), 'and lists a room\'s files')
	or diag @lines;

chdir '/';
is($server->stop, 0, 'the server stops');
done_testing;
