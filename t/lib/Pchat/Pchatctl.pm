package Pchat::Pchatctl;
use v5.36;
use Exporter 'import';
use Mojo::JSON 'decode_json';
use Test::More;

# pchatctl as tests call it, with one server: a call and what comes of it are a sentence.
our @EXPORT = qw(administer works fails json);
my $server;

# The server that all following calls are for.
sub administer ($of) { return $server = $of }

# A call that succeeds; what it writes.
sub works ($sentence, @words) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($code, $output) = $server->pchatctl(@words);
	is($code, 0, $sentence) or diag $output;
	return $output;
}

# One that ends with another code, and says why.
sub fails ($sentence, $wanted, $pattern, @words) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($code, $output) = $server->pchatctl(@words);
	is($code, $wanted, $sentence) or diag $output;
	like($output, $pattern, 'and says why');
	return;
}

# The document that a call writes.
sub json (@words) {
	my ($code, $output) = $server->pchatctl('--json', @words);
	return $code == 0 ? decode_json $output : diag $output;
}

1;
