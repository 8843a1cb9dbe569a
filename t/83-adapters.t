use v5.36;
use utf8;
use File::Temp 'tempdir';
use MIME::Base64 'decode_base64';
use Mojo::DOM;
use Mojo::File 'path';
use Mojo::JSON 'decode_json';
use Mojo::Util 'decode';
use Test::More;

# What adapters write, looked at with the tools of others: xmllint, xsltproc, a mail's and a JSON
# parser. PCHAT_GOLDEN=write makes the golden files anew; then read what has changed in them.
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $source = $ENV{PCHAT_SOURCE} // '.';
my $program = ($ENV{PCHAT_BUILD} // '_build') . '/t/adapter/files';
my $stylesheet = "$source/conf/compliance-actiance.xsl";

sub run (@command) {
	open my $pipe, '-|', @command or die "could not run $command[0]: $!";
	local $/;
	my $output = <$pipe>;
	return close $pipe ? $output : undef;
}

sub files_of ($form, @options) {
	my $directory = tempdir('pchat-adapter.XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $count = run($program, $form, $directory, @options);
	my @files = sort map { path($_) } glob "$directory/*";
	is($count // 'a failure', scalar(@files) . "\n", "$form @options: counts its files");
	return @files;
}

sub golden ($file, $name) {
	my $golden = path("$source/t/adapter/golden/$name");
	$golden->spurt($file->slurp) if ($ENV{PCHAT_GOLDEN} // '') eq 'write';
	is(decode('UTF-8', $file->slurp), decode('UTF-8', $golden->slurp), "$name is as it was");
}

sub is_valid ($file, $what) {
	my $schema = "$source/conf/compliance.xsd";
	is(system("xmllint --noout --schema '$schema' '$file' 2>/dev/null"), 0,
		"$what agrees with the schema");
}

my ($xml, @more) = files_of('xml');
is_deeply(\@more, [], 'one file for all rooms');
like($xml->basename, qr/^test-0{19}1-0{18}16\.xml$/, 'its name has its first and last record');
is_valid($xml, 'xml');
golden($xml, 'plain.xml');
my $dom = Mojo::DOM->new->xml(1)->parse(decode('UTF-8', $xml->slurp));
is($dom->find('Conversation')->size, 2, 'a conversation for each room');
is($dom->find('FirstMessage, Message')->size, 14, 'with every record that is of a room');
is($dom->at('Message[id="1"]')->attr('content'),
	"<script>alert(\"&amp;\")</script> \x{fffd}\x{fffd}[31m\tred\r\nnew line 'q' ]]> \x{1f600} שלום",
	'a text comes out as it went in, but for what XML has no character for');

for my $type (qw(join part chat backchat fileupload filedownload fileremove remove replace purge)) {
	my ($one) = files_of('xml', 'details', "type=$type");
	is_valid($one, "xml of $type");
	golden($one, "$type.xml");
	my ($dump) = files_of('actiance', "type=$type", $stylesheet);
	golden($dump, "$type.dump.xml");
}

my ($detailed) = files_of('xml', 'details');
is_valid($detailed, 'xml with details');
golden($detailed, 'details.xml');

my @rooms = files_of('xml', 'rooms', 'manifest');
is(scalar(grep { /\.xml$/ } @rooms), 2, 'a file for each room');
is_valid($_, 'the file of one room') for grep { /\.xml$/ } @rooms;
my ($manifest) = grep { /\.ATTACH$/ } @rooms;
golden($manifest, 'manifest.ATTACH');

my ($dump) = files_of('actiance', $stylesheet);
golden($dump, 'actiance.xml');
is($dump->slurp, run('xsltproc', $stylesheet, "$xml"),
	'the shipped stylesheet gives the same elsewhere');

my ($lines) = files_of('jsonl');
golden($lines, 'records.jsonl');
my @records = map { decode_json($_) } split /\n/, $lines->slurp;
is(scalar @records, 16, 'jsonl has every record');
is($records[4]{content},
	"<script>alert(\"&amp;\")</script> \x{01}\x{1b}[31m\tred\r\nnew line 'q' ]]> \x{1f600} שלום",
	'with the very text');

my ($table) = files_of('csv');
golden($table, 'records.csv');
like($table->slurp, qr/,"'=SUM\(A1\)",/, 'no spreadsheet takes a message for a formula');

# One record of each type, wherever it has a place.
for my $form (qw(jsonl csv xml)) {
	my ($file) = files_of($form, 'types');
	golden($file, "types.$form");
	is_valid($file, 'every type') if $form eq 'xml';
}
my ($page) = path("$source/man/pchat-compliance.7")->slurp =~ /What is recorded\n(.*?)\n\.Ss/s;
is_deeply(
	[   sort map { decode_json($_)->{type} } split /\n/,
		path("$source/t/adapter/golden/types.jsonl")->slurp
	],
	[sort map { split / , / } $page =~ /^\.It Li (.*)/mg],
	'no type of record is without a golden file'
);

my @tables = files_of('jsonl', 'rooms');
is(scalar @tables, 3, 'with a file for each room there is one more for what is of none');
is_deeply(
	[sort { $a <=> $b } map { map { decode_json($_)->{number} } split /\n/, $_->slurp } @tables],
	[1 .. 16], 'and together they have every record once');

my @mails = files_of('eml');
is(scalar @mails, 2, 'a mail for each room');
golden($mails[0], 'mail.eml');
my $mail = $mails[0]->slurp;
my ($boundary) = $mail =~ /boundary="(.*?)"/;
my @parts = split /--\Q$boundary\E(?:--)?\r\n/, $mail;
unlike($mail, qr/(?<!\r)\n/, 'lines of a mail end in CR LF');
unlike($mail, qr/[^\r\n]{79}/, 'and are no longer than a mail may have them');
my $attachment = decode_base64((split /\r\n\r\n/, $parts[2], 2)[1]);
my $attached = path(tempdir(CLEANUP => 1), 'conversation.xml');
$attached->spurt($attachment);
is_valid($attached, 'the XML in a mail');
like(decode('UTF-8', decode_base64((split /\r\n\r\n/, $parts[1], 2)[1])),
	qr/sip:alice\@example\.test wrote 1: <script>/, 'beside a transcript');

my $directory = tempdir('pchat-adapter.XXXXXX', TMPDIR => 1, CLEANUP => 1);
is(run($program, 'jsonl', $directory), "1\n", 'a batch is written');
is(run($program, 'jsonl', $directory), "1\n", 'and again, as after a crash');
is(scalar(() = glob "$directory/*"), 1, 'which changes nothing');
my ($file) = map { path($_) } glob "$directory/*";
$file->spurt("something else\n");
is(run("$program 2>/dev/null jsonl $directory") // 'refused', 'refused',
	'a file that is something else is not overwritten');
is($file->slurp, "something else\n", 'and stands as it was');
is_deeply([glob "$directory/*.part"], [], 'nothing half done remains');
is(run("$program jsonl $directory/none 2>/dev/null") // 'refused', 'refused',
	'a directory that is not there is a failure');

done_testing;
