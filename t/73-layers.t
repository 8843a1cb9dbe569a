use v5.36;
use Test::More;
use Pchat::Server;

# What the linker and the preprocessor can say about who may use what.
my $source = $ENV{PCHAT_SOURCE} // '.';
my %above = (
	conf => [qw(shm odbc worker daemon)],
	shm => [qw(odbc worker daemon)],
	odbc => [qw(shm worker daemon)],
	worker => [qw(odbc daemon)],
	daemon => [qw(worker)],
);
for my $folder (sort keys %above) {
	my $forbidden = join '|', @{ $above{$folder} };
	my @found;
	for my $file (glob "$source/$folder/*.[ch]") {
		open my $in, '<', $file or die;
		push @found, map {"$file: $_"} grep {m{^#include "(?:$forbidden)/}} <$in>;
	}
	is_deeply(\@found, [], "$folder includes nothing that stands above it");
}

my %foreign = (
	'daemon/pchatd' => 'odbc|ssl|crypto|jansson|gsasl|wslay|http_parser',
	'daemon/pchat-sequencer' => 'odbc|ssl|crypto|jansson|gsasl|event|wslay|http_parser',
	'daemon/pchat-store' => 'ssl|crypto|gsasl|event|wslay|http_parser',
	'daemon/pchat-reader' => 'ssl|crypto|gsasl|event|wslay|http_parser',
	'daemon/pchat-auth' => 'event|wslay|http_parser',
	'daemon/pchat-compliance' => 'gsasl|event|wslay|http_parser',
	'daemon/pchat-adapter' => 'gsasl|event|wslay|http_parser|jansson',
	'daemon/pchat-file' => 'odbc|gsasl|event|ssl|wslay|http_parser',
	'worker/pchat-worker' => 'odbc|gsasl',
	'daemon/pchat' => 'odbc',
	'daemon/pchatctl' => 'event',    # it is a client, too: pchatctl test
	'daemon/pchat-admin' => 'odbc|gsasl|jansson|wslay|http_parser',
);
for my $program (sort keys %foreign) {
	my $needed = `readelf -d '$Pchat::Server::build/$program'`;
	is($?, 0, "$program is there");
	is_deeply([$needed =~ /\(NEEDED\).*\[(lib(?:$foreign{$program})\b[^\]]*)\]/g],
		[], 'and linked with no library that it must not use');
	like($needed, qr/BIND_NOW|\bNOW\b/, 'and hardened: bound at its start')
		if !Pchat::Server->has_sanitizers;
	like($needed, qr/\bPIE\b/, 'and laid out anew each time');
}

done_testing;
