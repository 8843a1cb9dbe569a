use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Records go when they are old enough, unless they are held or not yet exported; what is left proves
# itself.
my $server = Pchat::Server->new;
my $key = $server->directory . '/checkpoint.pem';
is(($server->command(qw(openssl genpkey -algorithm ed25519 -out), $key))[0], 0, 'a key');
my %compliance = (
	enabled => 'true',
	checkpoint_key => $key,
	checkpoint_interval => '1s',
	retention => '1s',
	purge_interval => 0);
$server->configure({ compliance => \%compliance });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob));
my %room = map { $_ => $server->add_room($_) } qw(Lab Floor);

sub talk ($count, @names) {
	for my $name (@names) {
		my $client = Pchat::Client->enter(server => $server, user => $name);
		$client->join_room($_) for values %room;
		for my $number (1 .. $count) {
			$client->post($room{Lab}, "$name in the lab $number");
			$client->post($room{Floor}, "$name on the floor $number");
		}
		$client->close;
	}
	$server->wait_recorded;
}

sub ctl (@words) { return $server->pchatctl('compliance', @words) }

sub works ($sentence, @words) {
	my ($code, $output) = ctl(@words);
	is($code, 0, $sentence) or diag $output;
	return $output;
}

sub verify (@options) {
	my ($code, $output) = $server->pchatctl('--json', qw(compliance verify), @options);
	my ($line) = $output =~ /^(\{.*\})$/ms;
	return { code => $code, %{ $line ? decode_json($line) : { output => $output } } };
}

# What is said to have gone, as "gone held waiting". A moment is old enough a second later.
sub purge (@options) {
	my $until = 0;
	wait_for(
		'the records to be old enough',
		sub {
			my ($newest) = reverse sort { $a <=> $b } map { $_->{time} } $server->records;
			$until ||= $newest;
			return time > $until / 1e6 + 2;
		});
	my ($code, $output) = $server->pchatctl('--json', qw(compliance purge --yes), @options);
	is($code, 0, "purge @options") or diag $output;
	my $result = eval { decode_json $output } // {};
	return join ' ', map { $result->{$_} // '?' } qw(gone held waiting);
}
sub contents ($type) { return map { $_->{content} } $server->records($type) }

# Holds.
talk(5, qw(alice bob));
works('a user is held', qw(hold add Jones --user alice --reason), 'Jones & sons');
works('a room is held', qw(hold add Lab --room Lab --start 2001-01-01 --reason), 'an audit');
is((ctl(qw(hold add Jones --user bob --reason again)))[0], 65, 'once by each name');
is((ctl(qw(hold add Jones --user bob --reason again --dry-run)))[0], 65, 'as a dry run says');
like((ctl(qw(hold release Jones --reason over --dry-run)))[1],
	qr/would call compliance\.release/, 'which releases nothing');
is((ctl(qw(hold add Empty --reason nothing)))[0], 64, 'a hold is about something');
is((ctl(qw(hold add Why --user bob)))[0], 64, 'and has a reason');
is((ctl(qw(hold release Smith --reason over)))[0], 65, 'what is not held is not released');
is((ctl(qw(hold drop Jones --reason over)))[0], 64, 'there are no other verbs');
my @holds = @{ decode_json(($server->pchatctl('--json', qw(compliance hold list)))[1])->{holds} };
is_deeply(
	[map { [@{$_}{qw(name user room start reason released)}] } @holds],
	[   ['Jones', 'sip:alice@example.test', undef, undef, 'Jones & sons', undef],
		['Lab', undef, $room{Lab}, '2001-01-01T00:00:00.000000Z', 'an audit', undef]
	],
	'they are listed');
like($holds[0]{added_by}, qr/^unix:/, 'with who added them');
like(works('also for a person', qw(hold list)), qr/^Jones +sip:alice\@example.test/m, 'in a table');
is_deeply(
	[contents('hold')],
	[   "name: Jones\nuser: sip:alice\@example.test\nreason: Jones & sons\n",
		"name: Lab\nroom: $room{Lab}\nstart: 2001-01-01T00:00:00.000000Z\nreason: an audit\n",
		"name: Jones\nuser: sip:bob\@example.test\nreason: again\n"
	],
	'and are on record');
is_deeply(
	[map { $_->{detail} } $server->records('hold')],
	['', '', '{"error":"exists"}'],
	'as is what was asked for in vain');

# Purging.
my %before = map { $_->{number} => $_ } $server->records;
my $tried = purge('--dry-run');
like($tried, qr/^[1-9]\d* [1-9]\d* 0$/, 'what would go can be known before');
is_deeply({ map { $_->{number} => $_ } $server->records }, \%before, 'and does not go then');
my ($counted) = map { $_->{counters}{records_expired} // 0 }
	grep { $_->{role} eq 'compliance' } @{ $server->status->{processes} };
is($counted, 0, 'nothing is counted');
my $done = purge();
is($done =~ s/ .*//r, $tried =~ s/ .*//r, 'as much goes') or diag "$tried, $done";
($counted) = map { $_->{counters}{records_expired} // 0 }
	grep { $_->{role} eq 'compliance' } @{ $server->status->{processes} };
is($counted, $done =~ s/ .*//r, 'and is counted');
my $all = decode_json(($server->pchatctl('--json', qw(compliance search)))[1]);
is_deeply([grep { $_->{record}{type} eq 'expired' } @{ $all->{records} }],
	[], 'no search finds what is gone');
my @left = grep { $_->{type} eq 'chat' } $server->records;
is_deeply(
	[map { $_->{content} } @left],
	[   (map { ("alice in the lab $_", "alice on the floor $_") } 1 .. 5),
		map {"bob in the lab $_"} 1 .. 5
	],
	'what is held stays');
my ($expired) = grep { $_->{type} eq 'expired' } $server->records;
ok($expired, 'what is gone between has a row');
is_deeply(
	[grep { $expired->{$_} } sort keys %$expired],
	[qw(hash number type)],
	'with its number and hash, and nothing else');
is($expired->{hash}, $before{ $expired->{number} }{hash}, 'the hash that it had');
my ($named) = $server->records('expire');
like($named->{content}, qr/^1-\d+( \d+-\d+)+$/, 'a record names what is gone');
is(decode_json($named->{detail})->{reason}, 'purge', 'and why');
my $first = ($server->records)[0]{number};
cmp_ok($first, '>', 1, 'of the oldest nothing is left');
my $found = verify();
is($found->{code}, 0, 'what is left is whole') or diag explain $found;
is($found->{first}, $first, 'from the first that there is');
is($found->{expired}, scalar(() = $server->records('expired')), 'and what is gone is counted');
is(verify('--to', $expired->{number})->{code}, 0, 'as is a part that ends with something gone');
is(verify('--from', $expired->{number} + 1)->{code}, 0, 'or begins behind it');

# Who helps himself is found out.
sub tampered ($name, $reason, @statements) {
	my $db = $server->connect_records;
	$db->do($server->copy_sql("pcc_$_", "kept_$_")) for qw(record checkpoint);
	$db->do($_) for @statements;
	my $result = verify();
	for my $table (qw(record checkpoint)) {
		$db->do("DELETE FROM pcc_$table");
		$db->do("INSERT INTO pcc_$table SELECT * FROM kept_$table");
		$db->do("DROP TABLE kept_$table");
	}
	$db->disconnect;
	is($result->{code}, 65, "$name is found");
	is("$result->{wrong}: $result->{reason}", $reason, 'at its place') or diag explain $result;
}
# Of several one behind the other the hash of the last is what the chain needs.
my %gone = map { $_->{number} => 1 } $server->records('expired');
my ($edge) = grep { !$gone{ $_ + 1 } } sort { $a <=> $b } keys %gone;

# The first record behind it that still says something.
sub later ($number) {
	my ($next) = grep { $_->{number} > $number && $_->{type} ne 'expired' } $server->records;
	return "$next->{number}: its hash does not agree: it was changed, or is not in its place";
}
my $chat = $left[3]{number};
my $empty = join ', ', "type = 'expired'", map({"$_ = 0"} qw(lsn time flags room_id user_id message)),
	map {"$_ = ''"} qw(room room_name category user_uri user_name address session title content
	rich_type rich detail);
tampered('a record that is made to look expired',
	"$chat: what was in it is gone, and no record says that it expired",
	"UPDATE pcc_record SET $empty WHERE number = $chat");
tampered(
	'one that is only called so',
	"$chat: its hash does not agree: it was changed, or is not in its place",
	"UPDATE pcc_record SET type = 'expired' WHERE number = $chat");
tampered(
	'an expired one that is filled again',
	"$expired->{number}: its hash does not agree: it was changed, or is not in its place",
	"UPDATE pcc_record SET content = 'never said' WHERE number = $expired->{number}");
tampered(
	'an expired one with another hash',
	later($edge),
	"UPDATE pcc_record SET hash = '" . 'c' x 64 . "' WHERE number = $edge");

my ($middle) = sort { $a <=> $b } grep { $gone{ $_ + 1 } } keys %gone;
my ($run) = sort { $a <=> $b } keys %gone;
tampered(
	'one before it with another hash',
	"$run: the hashes of what expired from it on are not those they had",
	"UPDATE pcc_record SET hash = '" . 'c' x 64 . "' WHERE number = $middle");

my ($checkpoint) = do {
	my $db = $server->connect_records(ReadOnly => 1);
	$db->selectrow_array("SELECT MIN(number) FROM pcc_checkpoint WHERE number > $chat");
};
my $behind = $checkpoint + 1;
my ($gone_to) = $named->{content} =~ /^1-(\d+)/;
tampered(
	'old records that were deleted up to a signed checkpoint',
	($gone_to + 1) . ": it is missing; the first one is $behind",
	"DELETE FROM pcc_record WHERE number <= $checkpoint",
	"DELETE FROM pcc_checkpoint WHERE number < $checkpoint");

# Released, the rest goes, and nothing is left of it.
works('a hold is released', qw(hold release Jones --reason), 'the case is closed');
is_deeply([contents('release')], ["name: Jones\nreason: the case is closed\n"], 'on record');
works('another one', qw(hold release Lab --reason over));
$found = verify();
is($found->{code}, 0, 'a hold that was released need not be there') or diag explain $found;
like(purge(), qr/^[1-9]\d* 0 0$/, 'what nobody holds any more goes');
is_deeply([$server->records('chat')], [], 'the messages are gone');
is_deeply([$server->records('expired')], [], 'with the rows between');
$found = verify();
is($found->{code}, 0, 'what is left is whole') or diag explain $found;
@holds = @{ decode_json(($server->pchatctl('--json', qw(compliance hold list)))[1])->{holds} };
is_deeply([map { $_->{released_reason} } @holds], ['the case is closed', 'over'],
	'holds that were released can still be looked at');

# Mistakes.
is((ctl(qw(purge --yes --until 2100-01-01)))[0], 64, 'what is young stays');
is((ctl(qw(purge --yes --until yesterday)))[0], 64, 'a time is a time');
is((ctl(qw(purge)))[0], 64, 'it is asked for twice');
my ($error) = $server->try_admin('compliance.hold', name => "a\nb", reason => 'x', user => 'a');
is($error->{name}, 'InvalidArgument', 'names are a line');

# Whoever dies meanwhile: what is gone is gone, and what is left is whole.
SKIP: {
	skip 'no fault points', 1 if !Pchat::Server->has_faults;
	for my $point (qw(compliance.expiring compliance.rows compliance.committed)) {
		talk(3, 'alice');
		my ($newest) = reverse sort { $a <=> $b } map { $_->{time} } $server->records;
		wait_for('it to be old enough', sub { time > $newest / 1e6 + 2 });
		$server->expect_end($server->pids('compliance'));
		$server->arm_fault($point);
		my ($code, $output) = ctl(qw(purge --yes));
		is($code, 0, "a purge is done though the process dies at $point") or diag $output;
		is_deeply([$server->records('chat')], [], 'and nothing is left');
		is(verify()->{code}, 0, 'it is whole');
	}
}

# An adapter that has not exported it yet.
$server->stop;
mkdir $server->directory . '/archive';
$server->configure(
	{   compliance => \%compliance,
		'adapter archive' => {
			form => 'jsonl',
			directory => $server->directory . '/archive',
			run_interval => '30d'
		}
	});
$server->launch;
$server->wait_ready;
talk(1, 'alice');
works('the adapter runs', 'run');
my ($newest) = sort { $b <=> $a } map { $_->{number} } $server->records('chat');
wait_for(
	'files of all of it',
	sub {
		my ($done) = $server->connect_records->selectrow_array('SELECT done FROM pcc_adapter');
		return $done >= $newest;
	});
talk(1, 'bob');
like(purge(), qr/^[1-9]\d* 0 [1-9]\d*$/, 'what no adapter has yet waits for it');
is_deeply(
	[contents('chat')],
	['bob in the lab 1', 'bob on the floor 1'],
	'and only that');

# By itself.
$server->stop;
$server->configure({ compliance => { %compliance, purge_interval => '1s' } });
$server->launch;
$server->wait_ready;
wait_for('old records to go by themselves', sub { !$server->records('chat') });
my ($last) = reverse $server->records('expire');
is(decode_json($last->{detail})->{reason}, 'retention', 'records go by themselves, too');
is(verify()->{code}, 0, 'and what is left is whole');
$server->stop;
$server->configure({ compliance => { enabled => 'true' } });
is((ctl(qw(purge --yes)))[0], 78, 'without a retention nothing goes');

done_testing;
