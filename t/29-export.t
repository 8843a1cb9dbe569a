use v5.36;
use utf8;
use Digest::SHA 'sha256_hex';
use Mojo::JSON qw(decode_json false true);
use Test::More;
use Pchat::Archive;
use Pchat::Client;
use Pchat::Server;

# pchatctl data export: what an archive holds, at each level.
binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;
my $server = Pchat::Server->start(
	conf => {
		limits => { story_size => 1 << 19 },
		json => { frame_size => 1 << 20, output_size => 2 << 20 },
		workers => { active => 2, standby => 1, mailbox => 4 << 20 } });
my %room = fill_server($server);
my %uuid = map { $_ => $room{$_} =~ s{.*/}{}r } keys %room;
my $directory = $server->directory;
my $number = 0;

# An archive by pchatctl: its lines as objects.
sub export (@options) {
	my $file = "$directory/archive" . ++$number;
	my ($code, $output) = $server->pchatctl('data', 'export', @options, $file);
	is($code, 0, "an export succeeds: @options") or diag $output;
	return archive_objects($file);
}

sub of ($kind, @objects) {
	return grep { $_->{line} eq $kind } @objects;
}

sub kinds (@objects) {
	my %seen;
	return join ' ', grep { !$seen{$_}++ } map { $_->{line} } @objects;
}

# --- All of it. ---

my @all = export();
is(
	kinds(@all),
	'pchat-archive user group member category addin room role invited invitation feed request'
		. ' history message file marker setting grant',
	'an archive has everything, what is referred to before what refers to it'
);
is($all[0]{'pchat-archive'}, 1, 'it says of which version it is');
is($all[0]{level}, 'all', 'and of which level');
is_deeply(
	[map {"$_->{user} $_->{state}"} of(user => @all)],
	[
		'sip:alice@example.test active',
		'sip:bob@example.test active',
		'sip:carol@example.test active',
		'sip:dave@example.test disabled',
		'sip:frank@example.test active',
		'sip:zoe@example.test deleted'
	],
	'users are there with their states'
);
is_deeply(
	[map {"$_->{group} $_->{kind}"} grep { exists $_->{group} } @all],
	["ma-grp:\x{e9}quipe group", 'ma-grp:ou folder'],
	'so are groups'
);
is(scalar of(member => @all), 4, 'and who is in them');
my ($lab) = grep { $_->{name} eq "Lab \x{1F52C}" } of(category => @all);
is_deeply(
	[@$lab{qw(description invitations files history authors_remove members_leave requests)}],
	['with all flags', true, true, true, true, true, true],
	'a category has its flags'
);
my ($secret) = grep { $_->{room} eq $uuid{secret} } of(room => @all);
is_deeply(
	[@$secret{qw(name description category addin privacy type invitations disabled)}],
	[
		'Secret', 'hush', $lab->{category}, (of(addin => @all))[0]{addin},
		'secret', 'auditorium', true, false
	],
	'a room has what it is'
);
is_deeply([
		sort map {"$_->{role} $_->{who}"}
		grep { ($_->{room} // '') eq $uuid{secret} } of(role => @all)
	],
	[
		'manager sip:alice@example.test',
		'member sip:alice@example.test',
		'member sip:carol@example.test',
		'presenter sip:alice@example.test'
	],
	'and its roles'
);

# The messages of a room, and what is told of it before them.
sub messages ($name, @objects) {
	my ($history, @messages);
	for my $object (@objects) {
		$history = $object if $object->{line} eq 'history';
		push @messages, $object
			if $history
			&& $object->{line} eq 'message'
			&& $history->{history} eq $uuid{$name};
	}
	return @messages;
}
my @texts = messages(texts => @all);
is_deeply([map { $_->{text} } @texts[0 .. $#TEXTS]], \@TEXTS, 'texts are what they were');
is_deeply(
	[@{ $texts[-2] }{qw(rich_type rich)}],
	['text/html', "<b>\x{1F600}</b>"],
	'a rich part is there'
);
is($texts[-1]{title}, "A \x{1F4D6} of length", 'a story has its title');
is(length $texts[-1]{text}, 8 * 40000, 'and all of its text');
is((messages(open => @all))[0]{alert}, true, 'an alert is one');
my @gaps = messages(gaps => @all);
is(join(' ', map { $_->{message} } @gaps), '3 5 6 7 8', 'what was removed is not there');
is_deeply([@{ $gaps[2] }{qw(text replaced)}], ['replaced', true], 'what was replaced says so');
my ($history) = grep { $_->{history} eq $uuid{gaps} } of(history => @all);
is_deeply([@$history{qw(last_seq removals)}], [9, 4], 'numbers that were used are told');
is((of(marker => @all))[0]{seq}, 2, 'how far somebody has read, too');
is(
	join(' ', map {"$_->{setting}:$_->{name}"} of(setting => @all)),
	'config:history config:room_management_url policy:description policy:enabled'
		. ' endpoint:name endpoint:name pool:name pool:state topology:document'
		. ' retention:age retention:messages retention:messages',
	'what administrators set is there'
);
my @retained = map { $_->{category} // $_->{scope} }
	grep { $_->{setting} eq 'retention' } of(setting => @all);
is_deeply(
	[sort @retained],
	[sort 'global', map { $_->{category} } of(category => @all)],
	'of categories by their UUIDs'
);
is_deeply(
	[map {"$_->{grant} $_->{policy}"} of(grant => @all)],
	['sip:carol@example.test staff'],
	'and who was granted which policy'
);

is_deeply(
	[of(file => @all)],
	[
		{   line => 'file',
			file => '00000000-0000-4000-8000-000000000001',
			room => $uuid{open},
			name => "caf\x{e9} \x{1F600} \"1\".txt",
			size => 5,
			sha256 => sha256_hex(1),
			time => '2025-11-21T09:30:00.123456Z',
			from => 'sip:alice@example.test'
		},
		{   line => 'file',
			file => '00000000-0000-4000-8000-000000000002',
			room => $uuid{closed},
			name => 'plan.pdf',
			type => 'application/pdf',
			size => 10,
			sha256 => sha256_hex(2),
			time => '2025-11-21T09:30:00.123456Z',
			from => 'sip:zoe@example.test'
		}
	],
	'files are there with all that is known of them'
);

# --- Parts of it. ---

is(kinds(export(qw(--level user))), 'pchat-archive user group member', 'users alone');
is(
	kinds(export(qw(--level category))),
	'pchat-archive user group member category addin role',
	'users and categories'
);
is(
	kinds(export(qw(--level room-directory))),
	'pchat-archive user group member category addin room role invited invitation feed request',
	'rooms without messages'
);
is(kinds(export(qw(--level content))), 'pchat-archive history message file', 'messages and files alone');
my @lab = export('--category' => "Lab \x{1F52C}");
is(join(' ', sort map { $_->{name} } of(room => @lab)), 'Closed Secret', 'one category alone');
is(join(' ', map { $_->{text} } of(message => @lab)), 'from the stage', 'with its messages');
is(join(' ', map { $_->{category} // $_->{scope} } of(setting => @lab)),
	$lab->{category}, 'and with its own settings only');
is(join(' ', map { $_->{name} } of(file => @lab)), 'plan.pdf', 'and its files');
is(scalar of(grant => @lab), 0, 'policies belong to the whole server');
my $later = $gaps[3]{time};
my @later = export('--start-date' => $later);
is(join(' ', map { $_->{message} } messages(gaps => @later)), '7 8', 'messages from a time on');
is(scalar messages(texts => @later), 0, 'and none before');
is(scalar of(file => @later), 0, 'nor files');
my @secrets = of(credential => export('--credentials'));
is(scalar @secrets, 6, 'the secrets of passwords only where they are asked for');
ok(!grep({ !/^[0-9a-f]{64}$/ } map { $_->{stored_key} } @secrets), 'they are keys');

# --- The file. ---

my $file = "$directory/file";
my ($code, $output) =
	$server->pchatctl(qw(data export --json --report), "$directory/report", $file);
my $report = decode_json $output;
is($report->{exported}{message}, scalar of(message => @all), 'what was exported is counted');
is((stat $file)[2] & 0777, 0600, 'nobody else may read an archive');
ok(-s "$directory/report", 'a report is written where one is asked for');
is(system("gzip -t '$file' 2>/dev/null || gzip -t < '$file'"), 0, 'gzip knows it');
($code, $output) = $server->pchatctl('data', 'export', $file);
is($code, 73, 'no file is written over');
like($output, qr/there is such a file already/, 'and that is said');
($code, $output) = $server->pchatctl('data', 'export', "$directory/none/file");
is($code, 73, 'a directory that is not there is told');
($code, $output) = $server->pchatctl(qw(data export --what-if));
is($code, 0, 'what would be exported can be counted');
like($output, qr/^message +\d+$/m, 'without a file');
is(scalar(() = glob "$directory/*.part"), 0, 'nothing is left over');

for my $wrong (
	[qw(--level nonsense)], [qw(--start yesterday)],
	[qw(--level user --start 2026-01-01)],
	[qw(--level content --credentials)]
) {
	is(($server->pchatctl(qw(data export), @$wrong, "$directory/x"))[0], 64,
		"refused: @$wrong");
}
is(($server->pchatctl(qw(data export --category none), "$directory/x"))[0],
	65, 'a category that is not there is refused');
($code) = $server->pchatctl(qw(data export /dev/full));
isnt($code, 0, 'a device is not written over');

# --- Without a server. ---

$server->stop;
my @again = export();
shift @$_ for \@again, \@all;
is_deeply(\@again, \@all, 'the server need not run');
ok($server->finish, 'the server ends without complaint');
done_testing;
