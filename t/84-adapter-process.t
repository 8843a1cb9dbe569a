use v5.36;
use utf8;
use Cwd 'abs_path';
use Digest::SHA 'sha256_hex';
use File::Temp 'tempdir';
use Mojo::DOM;
use Mojo::Date;
use Mojo::File 'path';
use Mojo::JSON 'decode_json';
use Mojo::Util 'decode', 'encode';
use Socket qw(PF_UNIX SOCK_SEQPACKET pack_sockaddr_un);
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# What the server makes of its compliance records for archives, from the post to the file.
binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $source = $ENV{PCHAT_SOURCE} // '.';
my $base = tempdir('pchat-adapters.XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$base/$_" for qw(xml actiance eml lines slow);

# A program that waits until it may go on, and one that keeps what it gets.
sub program ($name, $text) {
	path("$base/$name")->spurt("#!/bin/sh\n$text\n")->chmod(0700);
	return "$base/$name";
}
my $slow = program('hang', "test -e $base/go && exit 0; echo >$base/hanging; exec sleep 1000");

my %adapters = (
	'adapter whole' => {
		form => 'xml',
		directory => "$base/xml",
		add_room_details => 'true',
		add_user_details => 'true',
	},
	# What the form actiance does with the stylesheet that is installed.
	'adapter dump' => {
		form => 'xml',
		directory => "$base/actiance",
		stylesheet => abs_path("$source/conf/compliance-actiance.xsl"),
	},
	'adapter mail' => {
		form => 'eml',
		directory => "$base/eml",
		mail_from => 'pchat@example.test',
		mail_to => 'journal@example.test',
	},
	'adapter lines' => { form => 'jsonl', directory => "$base/lines" },
	'adapter slow' => { form => 'exec', directory => "$base/slow", program => [$slow] },
	'adapter broken' => { form => 'csv', directory => "$base/missing" },
);
my $server = Pchat::Server->start(conf => { compliance => { enabled => 'true' }, %adapters });

# As soon as there is a process that can be told.
sub run_now (@names) {
	wait_for(
		'a run',
		sub {
			my ($code, $output) = $server->pchatctl('compliance', 'run', @names);
			die "compliance run: $output\n" if $code && $code != 69;
			return !$code;
		});
}

sub adapters () {
	my ($code, $output) = $server->pchatctl('compliance', 'adapters', '--json');
	die "compliance adapters: $output\n" if $code;
	return map { $_->{adapter} => $_ } @{ decode_json $output };
}

# Until these have everything that is on record now.
sub wait_done (@names) {
	$server->wait_recorded;
	my $last = ($server->records)[-1]{number};
	run_now($_) for @names;
	wait_for(
		"@names to be done",
		sub {
			my %now = adapters;
			return !grep { ($now{$_}{done} // 0) < $last } @names;
		});
	return $last;
}

sub files ($directory) {
	return sort map { path($_) } glob "$base/$directory/*";
}

# --- Something happens. ---
$server->add_users(qw(alice bob));
my $room = $server->add_room("Lab <1> & \"2\" \x{1f9ea}");
my $other = $server->add_room('Bar');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
my $bob = Pchat::Client->enter(server => $server, user => 'bob');
$alice->join_room($room);
$bob->join_room($room);
$bob->join_room($other);
my $nasty = "<script>alert(\"&amp;\")</script> \x{01}\x{1b}[31m\tred\nline 'q' ]]> \x{1f600} שלום";
$alice->post($room, $nasty);
$alice->post($room, '=SUM(A1)', importance => 'alert');
$bob->post($room, 'Once upon a time', title => 'A story');
$bob->post($other, 'Cheers');
$bob->call('message.history', room => $other, before => 2);
$bob->call('message.search', room => $room, words => 'once');
$server->admin('message.remove', room => $room, seq => 1);
$server->admin('message.remove', room => $room, seq => 2, replace => 'gone');
$server->admin('message.purge', room => $other, seq => 1);
$bob->call('room.leave', room => $room);

# --- Each adapter by itself. ---
my $last = wait_done(qw(whole dump mail lines));
my %now = adapters;
is($now{$_}{state}, 'good', "the adapter $_ is good") for qw(whole dump mail lines);

my (@records, %types);
for my $file (files('lines')) {
	push @records, map { decode_json $_ } split /\n/, $file->slurp;
}
$types{ $_->{type} }++ for @records;
is_deeply(
	[map {"$_->{number} $_->{type} $_->{hash}"} @records],
	[map {"$_->{number} $_->{type} $_->{hash}"} grep { $_->{number} <= $last } $server->records],
	'lines has every record once, in its order');
is((grep { ($_->{content} // '') eq $nasty } @records), 1, 'with the very text');
is(first_wrong(map { split /\n/, $_->slurp } files('lines')),
	undef, 'and the chain of hashes can be worked out from the files alone');

# As pchat-compliance(7) has it. The number of the first line whose hash is another one.
sub first_wrong (@lines) {
	my $hash = '0' x 64;
	for my $line (@lines) {
		my $row = decode_json $line;
		my ($detail) = $line =~ /,"detail":(.*),"hash":"[^"]*"\}$/;
		my ($day, $fraction) = $row->{time} =~ /^(.*)\.(\d{6})Z$/;
		my %column = (
			%$row,
			detail => decode('UTF-8', $detail // ''),
			time => Mojo::Date->new("${day}Z")->epoch . $fraction,
			user_uri => $row->{user} // '',
		);
		$column{$_} //= 0 for qw(flags room_id user_id message);
		my $text = join '', map { length($_) . ":$_," }
			map { encode('UTF-8', $_ // '') } $hash,
			@column{
				qw(number lsn time type flags room_id room room_name category user_id
					user_uri user_name address session message title content rich_type
					rich detail)
			};
		$hash = sha256_hex($text);
		return $row->{number} if $hash ne $row->{hash};
	}
	return;
}

my @messages;
for my $file (files('xml')) {
	is(system("xmllint --noout --schema '$source/conf/compliance.xsd' '$file' 2>/dev/null"),
		0, $file->basename . ' agrees with the schema');
	push @messages, Mojo::DOM->new->xml(1)->parse(decode 'UTF-8', $file->slurp)
		->find('FirstMessage, Message')->each;
}
my %kinds;
$kinds{ $_->attr('type') }++ for @messages;
is_deeply(
	\%kinds,
	{   JOIN => 3,
		CHAT => 4,
		BACKCHAT => 2,
		REMOVE => 1,
		REPLACE => 1,
		PURGE => 1,
		PART => 1
	},
	'xml has everything that happened in the rooms');
is(scalar @messages, (grep { $_->{room} && $kinds{ kind($_) } } @records), 'and nothing twice');
my ($chat) = grep { $_->attr('content') =~ /^<script>/ } @messages;
is($chat->attr('content'), $nasty =~ tr/\x01\x1b/\x{fffd}/r,
	'a nasty text comes out as it went in, but for what XML has no character for');
is($chat->at('Sender')->attr('UserName'), 'Alice', 'with who wrote it');
my ($removed) = grep { $_->attr('type') eq 'REMOVE' } @messages;
is($removed->at('Sender')->attr('uri'),
	'unix:' . getpwuid($<), 'a local administrator goes by the name that he has there');

sub kind ($record) {
	state $known = { map { $_ => uc $_ } qw(join part chat remove replace purge) };
	return $record->{type} =~ /^(view|search)$/ ? 'BACKCHAT' : $known->{ $record->{type} } // '';
}

my $dump = join '', map { decode 'UTF-8', $_->slurp } files('actiance');
is((() = $dump =~ /<ParticipantEntered>/g), 3, 'the dump has who came');
like($dump, qr{<Content>A story\nOnce upon a time</Content>}, 'and what was written');
cmp_ok(scalar(grep { /\.eml$/ } files('eml')), '>=', 2, 'there is a mail for each room');

# --- One hangs, one fails, the others do not mind. ---
run_now($_) for qw(slow broken);
wait_for('the program to hang', sub { -e "$base/hanging" });
wait_for('a failure', sub { my %now = adapters; $now{broken}{state} eq 'failing' });
%now = adapters;
like($now{broken}{error}, qr/missing.*No such file or directory/, 'a failing adapter says why');
cmp_ok($now{broken}{lag}, '>=', $last, 'and how far it is behind');
my $status = $server->status;
is($status->{adapters}{failing}, 1, 'the status says that one fails');
cmp_ok($status->{adapters}{records}, '>=', 4 * $last, 'and how much the others have made');
my (undef, $text) = $server->pchatctl('status');
like($text, qr/1 FAILING, see pchatctl compliance adapters/, 'and so it does for a person');
(undef, $text) = $server->pchatctl('compliance', 'adapters');
like($text, qr/^broken +failing/m, 'who then sees which');
run_now('broken') for 1 .. 3;
wait_for('more failures', sub { my %now = adapters; $now{broken}{failures} >= 3 });
is((() = $server->log =~ /adapter "broken" failed at the records/g), 1, 'the log says so once');
$alice->post($room, 'Go on');
wait_done('lines');
pass('while one hangs and one fails another goes on');
mkdir "$base/missing";
path("$base/go")->spurt('');
$last = wait_done('broken');
%now = adapters;
is($now{broken}{state}, 'good', 'when the reason is gone the adapter works');
like($server->log, qr/adapter "broken" works again/, 'and the log says so');
is($server->status->{adapters}{failing}, 0, 'and so does the status');
$server->wait_recorded;
my ($code, $output) = $server->pchatctl('compliance', 'run', '--wait', 'lines');
is($code, 0, 'who wants to can wait for a run');
%now = adapters;
is($now{lines}{lag}, 0, 'at the end of which everything is in files');
system "rm -r $base/xml";
$alice->post($room, 'Where to');
$server->wait_recorded;
($code, $output) = $server->pchatctl(qw(compliance run --dry-run --json whole));
my @would = $code ? () : @{ decode_json $output };
is(join(' ', map { $_->{adapter} } @would), 'whole', 'what would run can be seen before');
cmp_ok($would[0]{lag}, '>', 0, 'with what it has to do');
%now = adapters;
is($now{whole}{state}, 'good', 'and nothing runs for that, which would fail');
is(scalar @{ decode_json(($server->pchatctl(qw(compliance run --dry-run --json)))[1]) },
	scalar keys %now, 'nor of all');
($code, $output) = $server->pchatctl('compliance', 'run', '--wait', 'whole');
is($code, 75, 'or for a failure');
like($output, qr/adapter "whole" failed: .*No such file/, 'which is shown');
mkdir "$base/xml";
($code) = $server->pchatctl('compliance', 'run', 'none');
is($code, 64, 'an adapter that is none cannot be run');

# --- What nobody asks for. ---
sub answer_to ($bytes) {
	socket my $socket, PF_UNIX, SOCK_SEQPACKET, 0 or die;
	connect $socket, pack_sockaddr_un($server->control_socket) or die "control socket: $!\n";
	send $socket, $bytes, 0;
	recv $socket, my $answer, 64, 0;
	return $answer // '';
}
is(answer_to("run 1\0\0\0"), '', 'a request without a name is not answered');
is(answer_to("run 1\0\0\0" . 'x' x 33), '', 'nor is one that is too long');
is(answer_to("run 2\0\0\0" . "\0" x 32), '', 'nor one of another version');
is(answer_to("run 1\0\0\0" . 'x' x 32), "run 1\0\0\0" . pack('L', 1), 'any name is passed on');
wait_for('the log', sub { $server->log =~ /could not run the adapter "x{32}": there is none/ });
pass('and known to be none by who knows them');

# --- The database is away. ---
SKIP: {
	skip 'only a database with a server can be away', 1 if !$server->postgres || $server->dialect eq 'mssql';
	$alice->post($room, 'Nobody records this yet');
	$server->postgres->stop;
	run_now('lines');
	wait_for('a complaint',
		sub { $server->log =~ /pchat-adapter\[6\]: the compliance database failed/ });
	$server->postgres->launch;
	wait_for('the database', sub { eval { wait_done('lines') } });
	wait_for('the word that it is back',
		sub { $server->log =~ /pchat-adapter\[6\]: the compliance database is back/ });
	pass('when the database was away the adapters go on');
}

# --- Whatever dies when. ---
sub numbers () {
	return map { map { decode_json($_)->{number} } split /\n/, $_->slurp } files('lines');
}
my @ends = (0) x 4;
push @ends, qw(adapter.noted adapter.written) if Pchat::Server->has_faults;
for my $end (@ends) {
	$alice->post($room, "more $_") for 1 .. 5;
	$server->wait_recorded;
	if ($end) {
		$server->arm_fault($end);
		run_now('lines');
		wait_for("death at $end", sub { !$server->fault_pending });
	}
	else {
		run_now('lines');
		$server->kill_role('adapter');
	}
	wait_for('pchat-adapter', sub { $server->pids('adapter') });
}
$last = wait_for('the last run', sub { eval { wait_done('lines') } });
is_deeply([numbers], [1 .. $last], 'killed at any moment, each record is in one file, in its order');
is_deeply([grep {/\.part$/} files('lines')], [], 'and nothing half done remains');
wait_done('slow');
is(($server->pchatctl('compliance', 'run', '--wait'))[0], 0, 'all can be waited for');
unlink "$base/go", "$base/hanging";
$alice->post($room, 'Stop');
$server->wait_recorded;
run_now('slow');
wait_for('the program to hang', sub { -e "$base/hanging" });
is($server->stop, 0, 'the server stops, though a program hangs');
path("$base/go")->spurt('');

# --- Settings. ---
$server->launch;
$server->wait_ready;
$adapters{'adapter lines'}{form} = 'csv';
delete $adapters{'adapter mail'};
$server->configure({ compliance => { enabled => 'true' }, %adapters });
kill 'HUP', $server->pid;
for my $name (qw(lines mail)) {
	wait_for("a line about $name",
		sub { $server->log =~ /adapter "$name" has changed in the file and needs a restart/ });
}
pass('a reload says which adapters have changed');
%now = adapters;
is($now{mail}{state}, 'not configured', 'one that is gone is still known');
is($server->stop, 0, 'the server stops');
$server->configure({ compliance => { enabled => 'false' }, %adapters });
$server->launch;
$server->wait_ready;
is(scalar $server->pids('adapter'), 0, 'without compliance there is no pchat-adapter');
like($server->log, qr/compliance.enabled is off: no adapter will make files/,
	'and the log says so');
($code) = $server->pchatctl('compliance', 'run');
is($code, 69, 'and nothing that could be run');

done_testing;
