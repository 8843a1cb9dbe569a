use v5.36;
use Digest::SHA 'sha256_hex';
use Mojo::JSON 'decode_json';
use Mojo::UserAgent;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Where files are kept, and what becomes of them when something dies.
my $server = Pchat::Server->new;
my $files = $server->directory . '/files';
$server->configure({ files => { directory => $files } });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
$server->pchatctl(qw(category set General files=yes));
my $room = $server->add_room('Lobby');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$_->join_room($room) for $alice, $bob;

my $ua = Mojo::UserAgent->new->max_response_size(0)->inactivity_timeout(60);
$ua->ca($server->certificate);
my $base = 'https://' . $server->address . ':' . $server->port;

sub upload ($client, $name, $content) {
	my $grant = $client->call('file.upload', room => $room, name => $name, size => length $content);
	my $tx = $ua->put("$base$grant->{url}" => $content);
	return ($grant, $tx->res);
}

sub path ($uri) {
	my ($uuid) = $uri =~ m{([0-9a-f-]{36})$};
	return "$files/" . substr($uuid, 0, 2) . "/$uuid";
}

sub slurp ($path) {
	open my $in, '<:raw', $path or return undef;
	local $/;
	return scalar <$in>;
}

my $content = join '', map { chr int rand 256 } 1 .. 100_000;
my ($grant, $answer) = upload($alice, 'plan.pdf', $content);
is($answer->code, 201, 'a file is uploaded') or diag $answer->body;
is(slurp(path $grant->{file}), $content, 'and kept');
my $about = decode_json slurp(path($grant->{file}) . '.json');
is($about->{sha256}, sha256_hex($content), 'beside it stands what it is');

done_testing;
