# What pchat-protocol(7) says of codes and of SCRAM-SHA-256 is what holds.
use v5.36;
use Digest::SHA 'hmac_sha256', 'sha256';
use File::Basename 'dirname';
use MIME::Base64 'decode_base64', 'encode_base64';
use Test::More;

my $source = $ENV{PCHAT_SOURCE} // dirname(__FILE__) . '/..';

sub read_file ($name) {
	open my $in, '<', "$source/$name" or die "could not open $name: $!\n";
	local $/;
	return <$in>;
}

my $page = read_file('man/pchat-protocol.7');
my $header = read_file('conf/code.h') =~ s/\\\n//gr;
my @codes = map {s/\s+/ /gr} $header =~ /X\(\w+, (-?\d+, "\w+",\s+"[^"]+")\)/g;
my ($table) = $page =~ /^\.Sh ERROR CODES\n(.*?)^\.El/ms;
my @rows = map {s/^\\//r} $table =~ /^\.It (\S+ Ta \w+ Ta .*)$/gm;
shift @rows if $rows[0] =~ /Em/;
is_deeply([map { my ($n, $name, $text) = split / Ta /; qq($n, "$name", "$text") } @rows],
	\@codes, 'the table of errors is that of the program');

# The original's 25, one by one: what is said to be given is in the program, and nothing else is.
my ($own) = $page =~ /^\.Ss The errors of the original.*?\n(.*?)^\.El/ms;
my %said = $own =~ /^\.It (\w+)\n(.*?)(?=^\.It|\z)/msg;
my %id = map { /X\((\w+), 1[0-2]\d, "(\w+)"/ ? ($2 => $1) : () } split /(?=X\()/, $header;
is_deeply([sort keys %said], [sort keys %id], 'each of the original\'s 25 errors is described');
my $program = join '', map { read_file(s{^\Q$source\E/}{}r) }
	grep { !m{/(?:client|pchat_|ctl_)\w+\.c$|/counter\.c$} } glob "$source/{worker,daemon,shm}/*.c";
is_deeply(
	[grep { ($said{$_} =~ /^Not given/) == ($program =~ /\bCODE_$id{$_}\b/) } sort keys %said],
	[], 'as given by the program, or not');

# The example: the four messages, and the same in base64 as they are sent.
my ($messages) = $page =~ /^C: (n,,n=alice.*?)^\.Ed/ms;
my ($first, $challenge, $final, $proof) = map {s/^[CS]: //r} split /\n(?=[CS]: )/,
	$messages =~ s/\n   //gr =~ s/\n$//r;
my ($wire) = $page =~ /members\n.*?^\.Bd -literal\n(.*?)^\.Ed/ms;
my @sent = map { decode_base64 $_ } $wire =~ s/\n\s+(?=[A-Za-z0-9])//gr =~ /"data":\s*"([^"]+)"/g;
is_deeply(\@sent, [$first, $challenge, $final, $proof], 'what the example sends is what it says');

my ($nonce, $salt, $iterations) = $challenge =~ /^r=(.*),s=(.*),i=(\d+)$/;
my $block = hmac_sha256(decode_base64($salt) . pack('N', 1), 'tuna on rye');
my $salted = $block;
$salted ^.= $block = hmac_sha256($block, 'tuna on rye') for 2 .. $iterations;
my $key = hmac_sha256('Client Key', $salted);
my $signed = join ',', substr($first, 3), $challenge, "c=biws,r=$nonce";
is(
	$final,
	"c=biws,r=$nonce,p=" . encode_base64($key ^. hmac_sha256($signed, sha256($key)), ''),
	"the example's proof is right"
);
is(
	$proof,
	'v=' . encode_base64(hmac_sha256($signed, hmac_sha256('Server Key', $salted)), ''),
	"and so is the server's"
);

done_testing;
