use v5.36;
use Digest::SHA 'sha256_hex';
use Mojo::DOM;
use Mojo::File 'path';
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# pchatctl compliance export: a case as a directory that can be handed over, and proves itself.
my $server = Pchat::Server->new;
my $key = $server->directory . '/checkpoint.pem';
is(($server->command(qw(openssl genpkey -algorithm ed25519 -out), $key))[0], 0, 'a key');
$server->configure(
	{ compliance => { enabled => 'true', checkpoint_key => $key, checkpoint_interval => '1s' } });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
my $lab = $server->add_room('Lab <b>&"\'');
my $floor = $server->add_room('Floor');
my ($alice, $bob) = map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
for my $client ($alice, $bob) {
	$client->join_room($_) for $lab, $floor;
}
my $nasty = "<script>alert(1)</script> & \x{1}\x{202e}\x{1f600} ]]> \"'";
$alice->post($lab, $nasty, title => '<h1>title</h1>');
$bob->post($lab, "number $_") for 1 .. 30;
$alice->post($floor, 'elsewhere');
$server->wait_recorded;

sub covered () {
	my $db = $server->connect_records(ReadOnly => 1);
	my ($last) = $db->selectrow_array('SELECT MAX(number) FROM pcc_checkpoint');
	$db->disconnect;
	return ($last // 0) >= ($server->records('chat'))[-1]{number};
}
wait_for('a checkpoint behind it', \&covered);

my $directory = $server->directory . '/case';
my @export = (qw(compliance export --case), 'Jones & sons', '--kind', 'chat,join', '--room', $lab);
my ($code, $output) = $server->pchatctl(@export, "$directory/");
is($code, 0, 'a case is exported') or diag $output;
my ($told) = $output =~ /^33 records in \S+, manifest.json has the SHA-256 (\w{64})$/m;
ok($told, 'and it is said what there is') or diag $output;
is((stat $directory)[2] & 07777, 0700, 'nobody else can read it');

my %file = map { $_->basename => $_->slurp } path($directory)->list->each;
my ($xml) = grep {/^transcript-\d+-\d+\.xml$/} keys %file;
is_deeply(
	[sort keys %file],
	[sort qw(manifest.json records.jsonl transcript.html verification.json), $xml],
	'transcripts, the records, the proof and the manifest');
is(sha256_hex($file{'manifest.json'}), $told, 'the hash that was told is the manifest\'s');
my $manifest = decode_json $file{'manifest.json'};
is_deeply(
	[sort map {"$_->{name} $_->{size} $_->{sha256}"} @{ $manifest->{files} }],
	[   sort map { "$_ " . length($file{$_}) . ' ' . sha256_hex($file{$_}) }
			grep { $_ ne 'manifest.json' } keys %file
	],
	'which has the size and the hash of each of the others');
is_deeply(
	[@{$manifest}{qw(case records whole attachments filter)}],
	['Jones & sons', 33, Mojo::JSON->true, [], "rooms $lab, kinds chat, join"],
	'what was asked for, and that there are no attachments');

my @lines = map { decode_json $_ } split /\n/, $file{'records.jsonl'};
my %by_number = map { $_->{number} => $_ } $server->records;
is_deeply(
	[map {"$_->{number} $_->{hash}"} @lines],
	[   map  {"$_ $by_number{$_}{hash}"}
		sort { $a <=> $b }
		grep { $by_number{$_}{type} =~ /^(chat|join)$/ && $by_number{$_}{room} eq $lab }
			keys %by_number
	],
	'the records are those, with the hashes that they have');
my ($line) = grep { ($_->{title} // '') ne '' } @lines;
is($line->{content}, $nasty, 'character by character');

is(($server->command('xmllint', '--noout', '--schema',
	($ENV{PCHAT_SOURCE} // '.') . '/conf/compliance.xsd', "$directory/$xml"))[0],
	0, 'the XML is what its schema says');
unlike($file{'transcript.html'}, qr/<script|<h1>title/, 'what people wrote is no markup');
my $page = Mojo::DOM->new(Mojo::Util::decode('UTF-8', $file{'transcript.html'}));
is($page->find('tbody tr')->size, 33, 'the page has a row for each record');
is($page->find('pre')->first->at('bdi')->text,
	$nasty =~ s/\x01/\x{fffd}/r, 'with the text as it was');
is($page->at('h1 bdi')->text, 'Jones & sons', 'and the name of the case');
is($page->find('[src], [href], script')->size, 0, 'it loads nothing');

my $proof = decode_json $file{'verification.json'};
is($proof->{whole}, Mojo::JSON->true, 'the proof: it is whole');
cmp_ok($proof->{signed_to}, '>=', $lines[-1]{number}, 'up to a signed checkpoint behind it');
is($proof->{first}, $lines[0]{number}, 'from the first record on');
like($proof->{statement}, qr/^No record up to signed_to was changed/, 'in words, too');

$server->wait_recorded;
is_deeply(
	[map { $_->{content} } $server->records('discovery')],
	[   qq(export, case "Jones & sons", rooms $lab, kinds chat, join),
		qq(exported, case "Jones & sons": 33 records, manifest.json has the SHA-256 $told)
	],
	'that it was exported is on record, with the hash');

# Nothing is overwritten, and nothing is left over.
my $before = $file{'manifest.json'};
($code, $output) = $server->pchatctl(@export, $directory);
is($code, 73, 'a directory that is there is left alone');
like($output, qr/is there already/, 'and that is said');
is(path("$directory/manifest.json")->slurp, $before, 'nothing in it changes');
is(($server->pchatctl(@export, "$directory-2", '--room', 'Nowhere'))[0],
	65, 'a room that was never there');
is(($server->pchatctl(qw(compliance export), "$directory-2"))[0], 64, 'a case has a name');
is(($server->pchatctl(qw(compliance export --case), "a\nb", "$directory-2"))[0],
	64, 'of one line');
is_deeply([glob "$directory?*"], [], 'leave nothing behind');

# Everything, in several pieces, and nothing.
($code, $output) = $server->pchatctl('--json', qw(compliance export --case none --start 2100-01-01),
	"$directory-none");
is_deeply([$code, decode_json($output)->{records}], [0, 0], 'a case may have no records');
ok(-s "$directory-none/transcript.html", 'and says so');
my $empty = decode_json path("$directory-none/verification.json")->slurp;
is($empty->{whole}, Mojo::JSON->true, 'what is proven then is the whole record');

# A record that was changed.
my $db = $server->connect_records;
$db->do("UPDATE pcc_record SET content = 'never said' WHERE number = $lines[-1]{number}");
$db->disconnect;
($code, $output) = $server->pchatctl(@export, "$directory-changed");
is($code, 65, 'records that are not what they were are exported, and that is said');
like($output, qr/are not what they were/, 'aloud');
my $wrong = decode_json path("$directory-changed/verification.json")->slurp;
is($wrong->{wrong}, $lines[-1]{number}, 'which one it is stands in the proof');
like($wrong->{statement}, qr/^The records are not what they were/, 'in words, too');

# Without the server nothing is exported.
$_->close for $alice, $bob;
$server->stop;
is(($server->pchatctl(@export, "$directory-late"))[0], 69, 'without the server nobody exports');
ok(!-e "$directory-late", 'and there is nothing');

done_testing;
