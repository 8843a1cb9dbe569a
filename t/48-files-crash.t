use v5.36;
use Digest::SHA 'sha256_hex';
use File::Temp 'tempdir';
use Mojo::JSON 'decode_json';
use Mojo::UserAgent;
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Whatever dies while files come and go: each file that was uploaded is in the directory, in the database
# and on record, once, and none that was not.
my $files = tempdir('pchat-files.XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $server = Pchat::Server->start(
	conf => { files => { directory => $files }, compliance => { enabled => 'true' } });
$server->add_users('alice');
my $room = $server->add_room('Lab');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $ua = Mojo::UserAgent->new->ca($server->certificate);
my $url = 'https://' . $server->address . ':' . $server->port;

# What is away for a moment is asked again.
sub call ($method, %params) {
	return wait_for(
		"an answer to $method",
		sub {
			my ($error, $result) = $alice->try($method, %params);
			die "$method: $error->{name}\n"
				if $error && $error->{name} !~ /^(busy|unavailable|timeout|ServerError)$/;
			return $result;
		});
}

# Again and again until it is there. A token that is used up means that the answer was lost.
sub upload ($name, $content) {
	my $grant = call('file.upload', room => $room, name => $name, size => length $content);
	wait_for(
		"$name to be uploaded",
		sub {
			my $tx = $ua->put("$url$grant->{url}" => $content);
			my $code = $tx->res->code // 0;
			die "$name: $code " . $tx->res->body if $code !~ /^(0|201|404|409|5\d\d)$/;
			return $code == 201 || $code == 404;
		});
	return $grant->{file};
}

my @dying = qw(store compliance file reader sequencer);
my (%content, @gone);
for my $number (1 .. 30) {
	my $content = "content $number " . 'x' x (7000 * ($number % 5));
	my $victim = $number % 3 == 0 && $dying[$number / 3 % @dying];
	$server->kill($_) for grep {$_} $victim && ($server->pids($victim))[0];
	my $file = upload("file $number", $content);
	$content{$file} = $content;
	next if $number % 6;
	$server->kill($_) for grep {$_} ($server->pids('file'))[0];
	my ($old) = sort keys %content;
	wait_for(
		'a removal',
		sub {
			my ($error) = $server->try_admin('file.remove', file => $old);
			die "file.remove: $error->{name}\n"
				if $error && $error->{name} !~ /^(busy|unavailable|timeout|ServerError|NoSuchNode)$/;
			return !$error || $error->{name} eq 'NoSuchNode';
		});
	push @gone, $old;
	delete $content{$old};
}
$server->wait_recorded;

sub listed (@options) {
	my ($code, $output) = $server->pchatctl(qw(--json file list), @options, $room);
	die "file list: $output\n" if $code;
	return @{ decode_json($output)->{files} };
}
my %listed = map { $_->{file} => $_->{sha256} } wait_for('the list', sub { [listed()] })->@*;
is_deeply(
	\%listed,
	{ map { $_ => sha256_hex($content{$_}) } keys %content },
	'each file that was uploaded and not removed is listed, and none else'
);
is_deeply(
	[sort map { $_->{file} } grep { $_->{removed} } listed('--removed')],
	[sort @gone], 'those that were removed are known as removed'
);
my ($code, $output) = $server->pchatctl(qw(--json file check --contents));
is($code, 0, 'the directory has the same, byte by byte') or diag $output;
my %record;
for my $type (qw(upload file_removed)) {
	$record{$type}{ decode_json($_->{detail})->{file} }++ for $server->records($type);
}
is_deeply($record{upload}, { map { $_ => 1 } keys %content, @gone }, 'each upload is on record once');
is_deeply($record{file_removed}, { map { $_ => 1 } @gone }, 'and each removal');
is(($server->pchatctl(qw(compliance verify)))[0], 0, 'the chain is whole');
is(($server->pchatctl(qw(data verify)))[0], 0, 'database and cache agree');

done_testing;
