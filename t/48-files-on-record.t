use v5.36;
use utf8;
use Digest::SHA 'sha256_hex';
use File::Temp 'tempdir';
use Mojo::DOM;
use Mojo::File 'path';
use Mojo::JSON qw(decode_json encode_json);
use Mojo::UserAgent;
use Mojo::Util qw(decode encode);
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Files and the record: who uploaded, downloaded and removed what, in the adapters' files and in a case.
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $source = $ENV{PCHAT_SOURCE} // '.';
my $base = tempdir('pchat-files.XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$base/$_" for qw(xml dump files);
my $files = "$base/files";
my $server = Pchat::Server->start(
	conf => {
		files => { directory => $files, keep_removed => '1d' },
		compliance => { enabled => 'true' },
		'adapter whole' =>
			{ form => 'xml', directory => "$base/xml", attachments_manifest => 'true' },
		'adapter dump' => {
			form => 'xml',
			directory => "$base/dump",
			stylesheet => path("$source/conf/compliance-actiance.xsl")->to_abs
		},
	});
$server->add_users(qw(alice bob));
my $room = $server->add_room('Lab');
my ($alice, $bob) = map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
$_->join_room($room) for $alice, $bob;
my $ua = Mojo::UserAgent->new->ca($server->certificate);
my $url = 'https://' . $server->address . ':' . $server->port;

sub upload ($name, $content, %more) {
	my $grant =
		$alice->call('file.upload', room => $room, name => $name, size => length $content, %more);
	my $answer = $ua->put("$url$grant->{url}" => $content)->res;
	die 'could not upload: ' . $answer->body if $answer->code != 201;
	return $grant->{file};
}

sub uuid ($uri) { return $uri =~ s{.*/}{}r }
sub stored ($uri) { return "$files/" . substr(uuid($uri), 0, 2) . '/' . uuid($uri) }
sub detail ($record) { return decode_json(encode('UTF-8', $record->{detail})) }

my $nasty = "caf\x{e9} \x{1F600} <b>&\"'.PDF";
my $content = join '', map { chr $_ % 256 } 0 .. 50_000;
my $pdf = upload($nasty, $content, type => 'application/pdf');
my $text = upload('notes.txt', 'what was said');
my $twin = upload('notes.txt', 'something else');
my $grant = $alice->call('file.upload', room => $room, name => 'never.txt', size => 9);
my $given = $bob->call('file.download', file => $pdf);
is($ua->get("$url$given->{url}")->res->body, $content, 'what was uploaded can be downloaded');
is($server->admin('file.remove', file => $twin) && 1, 1, 'and removed');
my (%one, %sum);
wait_for(
	'the removal to be counted',
	sub {
		my ($code, $output) = $server->pchatctl(qw(status --metrics));
		%one = $output =~ /^(pchat_\w+)(\{)/mg;
		%sum = $output =~ /^(pchat_\w+)( )/mg;
		return $one{pchat_file_removals} && $sum{pchat_files_removed};
	});
is_deeply([grep { $sum{$_} } sort keys %one], [], 'no metric is of one process and of all together');
$server->wait_recorded;

# --- The records. ---

my @granted = $server->records('file_granted');
is_deeply(
	[map { $_->{content} } @granted],
	[$nasty, 'notes.txt', 'notes.txt', 'never.txt'],
	'who was let upload what is on record, also where nothing came'
);
my @uploads = $server->records('upload');
is(scalar @uploads, 3, 'so is each upload, once');
is_deeply(
	[@{ $uploads[0] }{qw(room room_name user_uri content)}],
	[$room, 'Lab', 'sip:alice@example.test', $nasty],
	'with the room, the user and the name, character by character'
);
like($uploads[0]{address}, qr/^127\./, 'from where');
is_deeply(
	detail($uploads[0]),
	{   file => $pdf,
		type => 'application/pdf',
		size => length $content,
		sha256 => sha256_hex($content)
	},
	'with size and SHA-256'
);
my ($download) = $server->records('download');
is_deeply(
	[$download->{user_uri}, $download->{content}, @{ detail($download) }{qw(file author sha256)}],
	['sip:bob@example.test', $nasty, $pdf, 'sip:alice@example.test', sha256_hex($content)],
	'a download says who, what, and whose it was'
);
my ($removed) = $server->records('file_removed');
is_deeply(
	[$removed->{user_name}, $removed->{content}, @{ detail($removed) }{qw(file author size sha256)}],
	[   'unix:root', 'notes.txt', $twin, 'sip:alice@example.test', 14, sha256_hex('something else')
	],
	'so does a removal'
);

# What is refused.
is($bob->refusal('file.remove', file => $pdf), 'ErrorPermission', 'bob may not remove it');
$server->admin('room.update', room => $room, privacy => 'closed');
is($bob->refusal('file.download', file => $pdf), 'ErrorPermission', 'nor download it any more');
$server->wait_recorded;
is_deeply(
	[map { detail($_)->{request} } $server->records('refused')],
	[qw(file_remove download)],
	'attempts are on record, too'
);
is(($server->pchatctl(qw(compliance verify)))[0], 0, 'the chain is whole');

# --- Files of adapters. ---

sub written (@names) {
	my $last = ($server->records)[-1]{number};
	wait_for('a run', sub { ($server->pchatctl(qw(compliance run)))[0] == 0 });
	for my $name (@names) {
		wait_for(
			"$name to have record $last",
			sub {
				my ($code, $output) = $server->pchatctl(qw(compliance adapters --json));
				return !$code
					&& grep { $_->{adapter} eq $name && $_->{done} >= $last } @{ decode_json $output };
			});
	}
}

sub text_of ($pattern) { return join '', map { decode('UTF-8', path($_)->slurp) } glob $pattern }

written(qw(whole dump));
my $schema = "$source/conf/compliance.xsd";
is(system("xmllint --noout --schema '$schema' $base/xml/*.xml 2>/dev/null"), 0,
	'the XML agrees with the schema');
my $dom = Mojo::DOM->new->xml(1)->parse(text_of("$base/xml/*.xml") =~ s/<\?xml.*?\?>//gr);
is_deeply(
	[   map { $_->attr('type') . ' ' . $_->attr('content') }
			$dom->find('[type^="FILE"]')->each
	],
	[   "FILEUPLOAD $nasty",
		'FILEUPLOAD notes.txt',
		'FILEUPLOAD notes.txt',
		"FILEDOWNLOAD $nasty",
		'FILEREMOVE notes.txt'
	],
	'with each transfer and its name'
);
my $manifest = text_of("$base/xml/*.ATTACH");
is(scalar(() = $manifest =~ /,FILEUPLOAD,/g), 3, 'the manifest of attachments has the uploads');
like($manifest, qr/,FILEDOWNLOAD,"\Q$room\E","sip:bob\@example.test",/, 'and the download');
like($manifest, qr/""sha256"":""\Q@{[sha256_hex($content)]}\E""/, 'with the SHA-256');
my $dump = Mojo::DOM->new->xml(1)->parse(text_of("$base/dump/*.xml") =~ s/<\?xml.*?\?>//gr);
is_deeply(
	[$dump->find('FileTransferStarted > FileName')->map('text')->each],
	[$nasty, 'notes.txt', 'notes.txt', $nasty],
	'the form of archives has the transfers begun'
);
is_deeply([$dump->find('FileTransferEnded > Status')->map('text')->each],
	[('Completed') x 4], 'and ended');

# --- A case. ---

sub case_of ($name, @options) {
	my ($code, $output) =
		$server->pchatctl('--json', qw(compliance export --case), $name, @options, "$base/$name");
	my $manifest = -d "$base/$name" ? decode_json(path("$base/$name/manifest.json")->slurp) : {};
	return ($code, $manifest, $output);
}

my ($code, $case) = case_of('one', '--kind', 'upload,download,file_removed');
is($code, 0, 'a case is exported');
my %attached = map { $_->{file} => $_ } @{ $case->{attachments} };
is(scalar keys %attached, 3, 'each file is in it once, whatever was done to it');
is_deeply(
	[@{ $attached{$pdf} }{qw(name type size sha256 copy)}],
	[$nasty, 'application/pdf', length $content, sha256_hex($content), 'attachment-' . uuid($pdf) . '.PDF'],
	'with what is known of it and the name of its copy'
);
is_deeply(
	$attached{$pdf}{records},
	[map { $_->{number} } $uploads[0], $download],
	'and the records that are about it'
);
is(path("$base/one/$attached{$pdf}{copy}")->slurp, $content, 'the copy is what was uploaded');
is(path("$base/one/$attached{$text}{copy}")->slurp, 'what was said', 'of each');
is(path("$base/one/$attached{$twin}{copy}")->slurp,
	'something else', 'also of one that was removed, while it is kept');
my ($listed) = grep { $_->{name} eq $attached{$pdf}{copy} } @{ $case->{files} };
is($listed->{sha256}, sha256_hex($content), 'copies are among the files of the case');
is((stat "$base/one/$attached{$pdf}{copy}")[2] & 0777, 0600, 'nobody else may read them');
($code, $case) = case_of('none', '--kind', 'chat,join');
is_deeply([$code, $case->{attachments}], [0, []], 'a case about no files has none');

# Whoever exports cases need not be able to read the files.
my $conf = path($server->configuration)->slurp =~ s/^files \{.*?^\}\n//msr;
path("$base/officer.conf")->spurt($conf);
($code) = $server->pchatctl('-f', "$base/officer.conf", qw(compliance export --case three --kind upload), "$base/three");
$case = decode_json(path("$base/three/manifest.json")->slurp);
is($code, 0, 'where the directory is not known the records are exported');
is_deeply(
	[map { $_->{missing} } @{ $case->{attachments} }],
	[('this configuration names no directory of files') x 3],
	'and the manifest says why the contents are not'
);

# Somebody has been at the files.
chmod 0600, stored($text), stored($pdf);
path(stored($text))->spurt('what was NOT said');
unlink stored($pdf);
symlink '/etc/passwd', stored($pdf) or die;
unlink stored($twin) =~ s{^\Q$files\E}{$files/removed}r or die;
($code, $case, my $output) = case_of('two', '--kind', 'upload');
is($code, 65, 'a file that is not what was uploaded is an error');
like($output, qr/the content of 1 of the files is not what was uploaded/, 'which is told');
%attached = map { $_->{file} => $_ } @{ $case->{attachments} };
like($attached{$text}{missing}, qr/not what is on record/, 'it is not copied, and the manifest says why');
like($attached{$twin}{missing}, qr/not there/, 'one that is kept no more is not there');
ok($attached{$pdf}{missing} && !$attached{$pdf}{copy}, 'a link to elsewhere is not followed');
is_deeply([glob "$base/two/attachment-*"], [], 'nothing of both is in the case');

done_testing;
