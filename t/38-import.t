use v5.36;
use utf8;
use Mojo::JSON qw(decode_json encode_json false true);
use Test::More;
use Pchat::Archive;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# pchatctl data import: what was exported is there again, in an empty server and in one that is used.
binmode $_, ':encoding(UTF-8)' for Test::More->builder->output, Test::More->builder->failure_output;
my %conf = (
	limits => { story_size => 1 << 19 },
	json => { frame_size => 1 << 20, output_size => 2 << 20 },
	workers => { active => 2, standby => 1, mailbox => 4 << 20 });
my $source = Pchat::Server->start(conf => \%conf);
my %room = fill_server($source);
my %uuid = map { $_ => $room{$_} =~ s{.*/}{}r } keys %room;
my $archive = $source->directory . '/archive';
my $number = 0;

sub export ($server, $file, @options) {
	my ($code, $output) = $server->pchatctl(qw(data export --credentials), @options, $file);
	die "the export failed: $output" if $code;
	return $file;
}

# The exit status, and the report.
sub import ($server, $file, @options) {
	my ($code, $output) = $server->pchatctl(qw(data import --json), @options, $file);
	my ($json) = $output =~ /^(\{.*^\})/ms;
	return ($code, $json ? decode_json($json) : {}, $output);
}

# What an archive has but for its first and last line, which tell when and where it was made.
sub body ($file) {
	my @lines = archive_lines($file);
	return @lines[1 .. $#lines - 1];
}

sub counts ($report, $column) {
	my $counts = $report->{$column};
	my $sum = 0;
	$sum += $_ for values %$counts;
	return $sum;
}

sub changed (@lines) {
	my $file = $source->directory . '/changed' . ++$number;
	archive_write($file, @lines);
	return $file;
}

export($source, $archive);
my @whole = archive_lines($archive);
pop @whole;

# --- Into an empty server. ---

my $target = Pchat::Server->start(conf => { %conf, compliance => { enabled => 'true' } });
my ($code, $report, $output) = import($target, $archive, '--what-if');
is($code, 0, 'an archive can be looked at first') or diag $output;
is($report->{new}{room}, 6, 'it says what would be new');
is(scalar @{ $target->admin('room.list')->{rooms} }, 0, 'and changes nothing');
($code, $report, $output) = import($target, $archive, '--report', $target->directory . '/report');
is($code, 0, 'an archive is imported') or diag $output;
is(counts($report, 'refused'), 0, 'nothing is refused');
is(counts($report, 'made'), @whole - 1, 'all of it is made');
ok(-s $target->directory . '/report', 'a report is written');
archive_stored($target);
is_deeply([body(export($target, $target->directory . '/again'))],
	[body($archive)], 'what is exported then is the same, byte by byte');
is(($target->pchatctl(qw(data verify)))[0], 0, 'database and cache agree');
is($target->admin('pool.get')->{state}, 'failed_over', 'settings are in force');
is($target->admin('policy.effective', uri => 'carol')->{policy}, 'staff', 'so are policies');

$target->wait_recorded;
my @kinds = map { $_->{type} } $target->records;
ok(scalar(grep { $_ eq 'room' } @kinds), 'rooms that are made are put on record');
ok(!scalar(grep {/^(unreadable|chat)$/} @kinds), 'messages are not as if posted here');
my ($first) = $target->records('import');
is_deeply(
	[$first->{user_name}, grep {/"posted":"\d{4}-.*Z"/} $first->{detail}],
	['unix:root', $first->{detail}],
	'but as what an administrator put there'
);

my ($file) = grep { $_->{detail} =~ /"file":"[^"]*0001"/ } $target->records('import');
is($file->{content}, "caf\x{e9} \x{1F600} \"1\".txt", 'files likewise');
my ($status, $listed) = $target->pchatctl(qw(file list --json), $room{open});
is_deeply(
	[map { @$_{qw(name from time)} } @{ decode_json($listed)->{files} }],
	["caf\x{e9} \x{1F600} \"1\".txt", 'sip:alice@example.test', '2025-11-21T09:30:00.123456Z'],
	'they are listed with who uploaded them, and when'
);

# --- It lives. ---

$target->{passwords} = $source->{passwords};
my $alice = Pchat::Client->enter(server => $target, user => 'alice');
my $joined = $alice->join_room($room{texts}, history => 500);
is_deeply([map { $_->{text} } @{ $joined->{messages} }[0 .. $#TEXTS]],
	\@TEXTS, 'users sign in with their passwords and read what was said');
is($alice->post($room{texts}, 'goes on')->{seq}, @TEXTS + 3, 'numbers go on');
$joined = $alice->join_room($room{gaps}, history => 500);
is(join(' ', map { $_->{seq} } @{ $joined->{messages} }), '3 5 6 7 8', 'gaps are gaps');
is($alice->post($room{gaps}, 'goes on')->{seq}, 10, 'and are not filled');
is($alice->refusal_of_join($room{empty}), 'NodeDisabled', 'a room that was disabled is');
my $found = $alice->call('message.search', rooms => [$room{texts}], words => "\x{1F600}");
cmp_ok(scalar @{ $found->{messages} }, '>=', 1, 'search finds it');
my $history = $alice->call('message.history', room => $room{texts}, limit => 3);
is($history->{messages}[-1]{text}, 'goes on', 'history goes over from the old to the new');
$alice->close;

# --- Again, and after a start without memory. ---

($code, $report, $output) = import($target, $archive);
is($code, 0, 'the same again does no harm') or diag $output;
is(counts($report, 'made'), 0, 'and makes nothing');
archive_stored($target);
my @before = body(export($target, $target->directory . '/before'));
$target->restart;
is_deeply([body(export($target, $target->directory . '/after'))],
	\@before, 'all of it is in the database');
is(($target->pchatctl(qw(data verify)))[0], 0, 'database and cache agree');

# --- Archives that are no good. ---

my $fresh = Pchat::Server->start(conf => \%conf);

sub nothing_there () {
	return @{ $fresh->admin('user.list')->{users} } == 0;
}

my $data = do { local (@ARGV, $/) = $archive; <> };
my $short = $source->directory . '/short';
open my $out, '>', $short or die;
print $out substr $data, 0, length($data) / 2;
close $out;
for my $case (
	[$short, 'cut in two'],
	[changed(@whole[1 .. $#whole]), 'without its first line'],
	[
		changed($whole[0] =~ s/"pchat-archive":1/"pchat-archive":2/r, @whole[1 .. 5]),
		'of a later version'
	],
	[changed(@whole[0 .. 5], 'nonsense'), 'with a line that is no JSON'],
	[changed(@whole[0 .. 5], '{"what":1}'), 'with a line of no kind'],
	[
		changed(
			@whole[0 .. 5], '{"user":"sip:X@EXAMPLE.test","name":"x","state":"active"}'
		),
		'with a URI in another form'
	],
	[
		changed(@whole[0 .. 5], '{"user":"sip:x@example.test","name":"x"}'),
		'with a user without a state'
	],
	[
		changed(
			@whole[0 .. 5],
			"{\"user\":\"sip:x\@example.test\",\"name\":\"\xff\",\"state\":\"active\"}"
		),
		'with bytes that are no UTF-8'
	],
	[
		changed(@whole[0 .. 5], '{"message":1,"time":"2026-01-01T00:00:00Z","text":"x"}'),
		'with a message in no room'
	],
	['/nonexistent', 'that is not there']
) {
	my ($file, $what) = @$case;
	($code, $report, $output) = import($fresh, $file);
	ok($code > 0 && $code < 128, "an archive $what is refused") or diag $output;
	ok(nothing_there(), 'and nothing is changed');
}

# --- Into a server that is used. ---

$fresh->add_users(qw(alice carol erin));
my $own = $fresh->add_room('Own');
my $erin = Pchat::Client->enter(server => $fresh, user => 'erin');
$erin->join_room($own);
$erin->post($own, 'mine');
$fresh->add_room('Open');
($code, $report, $output) = import($fresh, $archive);
is($code, 65, 'a room of the same name stands in the way');
like($output, qr/DuplicateRoomName/, 'that is told');
is(scalar @{ $fresh->admin('user.list')->{users} }, 3, 'nothing is changed');
my ($other) =
	map { $_->{room} } grep { $_->{name} eq 'Open' } @{ $fresh->admin('room.list')->{rooms} };
$fresh->admin('room.delete', room => $other);
$fresh->admin('config.set', scope => 'site:lab', values => { history => 76 });
$fresh->admin('policy.create', scope => 'other');
$fresh->admin('policy.grant', uri => 'carol', policy => 'other');
($code, $report, $output) = import($fresh, $archive);
is($code, 65, 'what is set otherwise stands in the way');
$output =~ s/[\\"]//g;
like($output, qr/history of config site:lab has another value here/, 'a setting is told');
like($output, qr/carol\@\S+ was granted another policy here than staff/, 'so is a policy');
is($report->{refused}{setting}, 1, 'what is not set does not');
is($fresh->admin('config.get', scope => 'site:lab')->{room_management_url},
	undef, 'and nothing is changed');
$fresh->admin('config.set', scope => 'site:lab', values => { history => 77 });
$fresh->admin('policy.grant', uri => 'carol');
($code, $report, $output) = import($fresh, $archive);
is($code, 0, 'else it comes beside what is there') or diag $output;
is($report->{there}{user}, 2, 'who is there stays');
is($report->{there}{category}, 1, 'so does a category that is used');
is($report->{there}{setting}, 1, 'and a setting of the same value');
is($fresh->admin('retention.get', category => 'General')->{messages},
	100000, 'what is set for a category is set for the one of its name');
is(scalar @{ $fresh->admin('policy.list')->{policies} }, 2, 'policies are added');
is(scalar @{ $fresh->admin('room.list', limit => 100)->{rooms} }, 7, 'rooms are added');
is($erin->post($own, 'still mine')->{seq}, 2, 'and nobody notices');
archive_stored($fresh);
is(($fresh->pchatctl(qw(data verify)))[0], 0, 'database and cache agree');
my %password = %{ $fresh->{passwords} };
ok(Pchat::Client->enter(server => $fresh, user => 'alice'), 'who had a password keeps it');

# --- Messages alone, and a room that is in use. ---

my $rooms = Pchat::Server->start(conf => \%conf);
my $directory = $source->directory . '/rooms';
export($source, $directory, '--level', 'room-directory');
($code, $report, $output) = import($rooms, $directory);
is($code, 0, 'rooms without messages are imported') or diag $output;
my $messages = $source->directory . '/messages';
is(($source->pchatctl(qw(data export --level content), $messages))[0],
	0, 'messages alone are exported');
($code, $report, $output) = import($rooms, $messages);
is($code, 65, 'messages are refused while people may post in their room');
like($output, qr/is in use and has not got all of these messages/, 'that is told');
$rooms->admin('room.disable', room => $room{$_}) for grep { $_ ne 'empty' } keys %room;
($code, $report, $output) = import($rooms, $messages);
is($code, 0, 'where it is disabled they are imported') or diag $output;
is($rooms->admin('room.get', room => $room{gaps})->{disabled}, true, 'and it stays so');
$rooms->admin('room.enable', room => $room{gaps});
is($rooms->admin('room.get', room => $room{gaps})->{last_seq}, 9, 'with all its numbers');

# --- Limits. ---

my $small = Pchat::Server->start(conf => { limits => { story_size => 300, message_size => 300 } });
($code, $report, $output) = import($small, $archive);
is($code, 65, 'messages that are too large for a server are refused before anything is done');
like($output, qr/larger than limits\.story_size/, 'that is told');
is(scalar @{ $small->admin('user.list')->{users} }, 0, 'and nothing is changed');

# --- Of somebody who is not in it. ---

my @lacking = grep { !/^\{"(?:user|credential)":"sip:carol/ && !/^\{"(?:history|message)":/ } @whole;
($code, $report, $output) = import($small, changed(@lacking));
is($code, 65, 'what is of somebody who is nowhere is left out');
like($output, qr/not everything could be imported/, 'that is told');
is($report->{refused}{grant}, 1, 'and counted');
is($small->admin('group.get', uri => 'ma-grp:ou')->{members}[0], undef, 'he is in no group');
is(scalar @{ $small->admin('room.list')->{rooms} }, 6, 'all else is imported');

# --- Interrupted. ---

my $broken = Pchat::Server->start(conf => { %conf, journal => { size => '16M' } });
my @many = ($whole[0], grep {/^\{"(user|category|room)":/} @whole[1 .. $#whole]);
my $big = $uuid{open};
s/"last_seq":\d+/"last_seq":0/ for grep { /^\{"room"/ && !/$big/ } @many;
s/"last_seq":\d+/"last_seq":30000/ for grep {/^\{"room":"$big/} @many;
push @many,
	"{\"history\":\"$big\",\"last_seq\":30000,\"removals\":0,\"disabled\":false,\"revision\":1}",
	map {
	"{\"message\":$_,\"time\":\"2020-01-01T00:00:00.000000Z\",\"from\":\"sip:alice\@example.test\","
		. "\"id\":\"i$_\",\"text\":\"message $_\"}"
	} 1 .. 30000;
my $many = changed(@many);
my $pid = fork // die;
if (!$pid) {
	open STDOUT, '>', '/dev/null';
	open STDERR, '>&', \*STDOUT;
	exec(($ENV{PCHAT_BUILD} // '.') . '/daemon/pchatctl',
		'-f', $broken->configuration, qw(data import), $many);
}
wait_for(
	'some messages to be there',
	sub {
		my ($error, $room) = eval { $broken->try_admin('room.get', room => $room{open}) };
		return $room && $room->{last_seq} > 0;
	});
CORE::kill('KILL', $pid);
waitpid $pid, 0;
my $got = $broken->admin('room.get', room => $room{open});
is($got->{disabled}, true, 'a room that is not whole is disabled');
# Other processes die while it goes on.
$pid = fork // die;
if (!$pid) {
	open STDOUT, '>', $broken->directory . '/import.log';
	open STDERR, '>&', \*STDOUT;
	exec(($ENV{PCHAT_BUILD} // '.') . '/daemon/pchatctl',
		'-f', $broken->configuration, qw(data import), $many);
}
my $seen = $got->{last_seq};
for my $role (qw(sequencer store worker)) {
	wait_for(
		"the import to go on before the $role dies",
		sub {
			my ($error, $room) =
				eval { $broken->try_admin('room.get', room => $room{open}) };
			return 0 if $@ || $error;
			return $room->{last_seq} >= 30000
				|| $room->{last_seq} > $seen && ($seen = $room->{last_seq});
		});
	$role eq 'worker' ? $broken->kill([$broken->pids("worker")]) : $broken->kill_role($role);
}
waitpid $pid, 0;
is($? >> 8, 0, 'an import goes on when processes of the server die')
	or diag(do { local (@ARGV, $/) = $broken->directory . '/import.log'; <> });
archive_stored($broken);
my @stored = $broken->sql(
	'SELECT m.seq, m.body FROM pc_message m JOIN pc_room r ON r.id = m.room'
		. ' WHERE r.uuid = ? ORDER BY m.seq',
	$big
);
is(scalar @stored, 30000, 'no message is missing');
is(scalar(grep { $stored[$_]{body} ne 'message ' . ($_ + 1) } 0 .. $#stored),
	0, 'and each is in its place');
is($broken->admin('room.get', room => $room{open})->{disabled},
	false, 'the room is open in the end');
is(($broken->pchatctl(qw(data verify)))[0], 0, 'database and cache agree');
ok($_->finish, 'a server ends without complaint')
	for $source, $target, $fresh, $rooms, $small, $broken;
done_testing;
