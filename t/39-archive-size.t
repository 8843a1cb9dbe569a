use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Archive;
use Pchat::Server;
use Pchat::Wait;

# Archives of any size: pchatctl needs no more memory for one that is ten times as large.
plan skip_all => 'sanitizers keep memory that is free' if Pchat::Server->has_sanitizers;
my $server = Pchat::Server->start(conf => { journal => { size => '32M' } });
my $directory = $server->directory;
my $build = $ENV{PCHAT_BUILD} // '.';

# An archive of one room with so many messages of 500 bytes.
sub make ($name, $uuid, $count) {
	my $file = "$directory/$name";
	my $filler = 'lorem ipsum ' x 40;
	my $room = '"created":"2020-01-01T00:00:00.000000Z","revision":1';
	archive_write(
		$file,
		'{"pchat-archive":1,"level":"all","domain":"example.test"}',
		'{"user":"sip:alice@example.test","name":"Alice","state":"active"}',
		qq({"category":"11111111-1111-4111-8111-111111111111","name":"Old","description":"",$room}),
		qq({"room":"$uuid","name":"$name","description":"","privacy":"open","type":"normal",$room,)
			. qq("category":"11111111-1111-4111-8111-111111111111","last_seq":$count}),
		qq({"history":"$uuid","last_seq":$count,"removals":0,"disabled":false,"revision":1}),
		map {
			sprintf '{"message":%d,"time":"2020-01-01T00:00:00.000000Z",'
				. '"from":"sip:alice@example.test","text":"%d %s"}', $_, $_, $filler
		} 1 .. $count
	);
	return $file;
}

# Runs pchatctl; how many KiB it had at most, as long as anybody could look.
sub peak ($what, @arguments) {
	my $pid = fork // die "could not fork: $!\n";
	if (!$pid) {
		open STDOUT, '>', "$directory/output";
		open STDERR, '>&', \*STDOUT;
		exec "$build/daemon/pchatctl", '-f', $server->configuration, @arguments;
	}
	my $peak = 0;
	wait_for(
		"$what to end",
		sub {
			if ((readlink "/proc/$pid/exe" // '') =~ /pchatctl$/
				&& open my $in, '<', "/proc/$pid/status")
			{
				my ($now) = join('', <$in>) =~ /^VmHWM:\s+(\d+)/m;
				$peak = $now if defined $now && $now > $peak;
			}
			return waitpid($pid, 1) == $pid;
		},
		300
	);
	is($?, 0, "$what succeeds") or diag do { local (@ARGV, $/) = "$directory/output"; <> };
	note "$what: $peak KiB";
	return $peak;
}

my %uuid = (
	small => '22222222-2222-4222-8222-222222222222',
	large => '33333333-3333-4333-8333-333333333333'
);
my %count = (small => 6000, large => 60000);
my (%in, %out);
for my $size (qw(small large)) {
	my $file = make($size, $uuid{$size}, $count{$size});
	$in{$size} = peak("an import of $count{$size} messages", qw(data import), $file);
	archive_stored($server);
	$out{$size} = peak("an export with them", qw(data export), "$directory/$size.export");
}
cmp_ok($in{large}, '<', $in{small} * 1.2 + 2000, 'a large import needs no more memory');
cmp_ok($out{large}, '<', $out{small} * 1.2 + 2000, 'nor does a large export');
my @messages = grep { $_->{line} eq 'message' } archive_objects("$directory/large.export");
is(scalar @messages, 66000, 'and all of it is there');
ok($server->finish, 'the server ends without complaint');
done_testing;
