use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

my $server = Pchat::Server->start;

sub secret ($name, $password) {
	my $file = $server->directory . "/$name.password";
	open my $out, '>', $file or die;
	chmod 0600, $out;
	print $out "$password\n";
	return $file;
}

my ($code, $output) = $server->pchatctl('user', 'add', 'alice', '--name', 'Alice Liddell',
	'--password-file', secret('alice', 'white rabbit'));
is($code, 0, 'pchatctl user add makes a user') or diag $output;
ok(
	eval {
		Pchat::Client->enter(
			server => $server,
			user => 'alice',
			password => 'white rabbit'
		);
	},
	'who can sign in'
) or diag $@;
($code, $output) = $server->pchatctl('user', 'add', 'alice', '--password-file',
	secret('alice', 'white rabbit'));
isnt($code, 0, 'the same user again is refused');
($code, $output) = $server->pchatctl('user', 'passwd', 'alice', '--password-file',
	secret('alice', 'red queen'));
is($code, 0, 'pchatctl user passwd changes the password') or diag $output;
ok(
	eval { Pchat::Client->enter(server => $server, user => 'alice', password => 'red queen') },
	'and the new one counts'
) or diag $@;
($code, $output) = $server->pchatctl('user', 'list');
like($output, qr/alice.*Alice Liddell/, 'pchatctl user list shows the users');
($code, $output) = $server->pchatctl('--json', 'user', 'list');
is((eval { decode_json $output } // {})->{users}[0]{uri}, 'sip:alice@example.test', 'as JSON, too')
	or diag $output;
($code, $output) = $server->pchatctl('user', 'remove', 'alice', '--yes');
is($code, 0, 'pchatctl user remove removes one') or diag $output;
ok(
	!eval {
		Pchat::Client->enter(server => $server, user => 'alice', password => 'red queen');
	},
	'who cannot sign in any more'
);

($code, $output) = $server->pchatctl('room', 'create', 'lobby', '--description', 'for all');
is($code, 0, 'pchatctl room create makes a room') or diag $output;
($code, $output) = $server->pchatctl('room', 'list');
like($output, qr/lobby/, 'pchatctl room list shows it');
($code, $output) = $server->pchatctl('room', 'create', '');
isnt($code, 0, 'a room without a name is refused');

($code, $output) = $server->pchatctl('status');
is($code, 0, 'pchatctl status succeeds') or diag $output;
for my $process ($server->processes) {
	like($output, qr/\b$process->{pid}\b/, "and names the $process->{role}");
}
like($output, qr/journal/i, 'and the journal');
my $content = wait_for(
	'events in the database',
	sub {
		my $found = $server->status->{content};
		return $found->{rows} && $found->{lag} == 0 && $found;
	});
cmp_ok($content->{batch}, '>', 0, 'it shows how many rows a transaction has');
cmp_ok($content->{rows_per_second}, '>', 0, 'how fast they are stored');
cmp_ok($content->{commit}, '>', 0, 'how long a commit takes');
is($content->{lag_time}, 0, 'and that the database has everything');
ok(ref $server->status, 'as JSON, too');
($code, $output) = $server->pchatctl('status', '--metrics');
is($code, 0, 'and as metrics') or diag $output;
my (%sample, $type, @wrong);
for (split /\n/, $output) {
	if (/^# TYPE (pchat_[a-z_]+) untyped$/) {
		push @wrong, $_ if exists $sample{ $type = $1 };
		$sample{$type} = {};
	} elsif (/^(\w+)(\{(?:[a-z]+="[^"\\]+",?)+\})? (\d+(?:\.\d+)?(?:e[-+]\d+)?)$/ && $1 eq $type) {
		$sample{$type}{ $2 // '' } = $3;
	} else {
		push @wrong, $_;
	}
}
is_deeply(\@wrong, [], 'of which each stands in one piece, as Prometheus wants it');
is($sample{pchat_serves}{''}, 1, 'they say that the server serves');
is($sample{pchat_content_lag_bytes}{''}, 0, 'that the database has everything');
is($sample{pchat_process_state}{'{role="store",slot="2",state="ready"}'}, 1, 'that the store runs');
cmp_ok($sample{pchat_rows_stored}{'{role="store",slot="2"}'}, '>', 0, 'what it has stored');
is($sample{pchat_cache_table_used}{'{table="rooms"}'}, 1, 'and how many rooms there are');

# It answers even when the others hang.
my @stopped = map { $server->pids($_) } qw(sequencer store);
kill 'STOP', @stopped;
($code, $output) = $server->pchatctl('status');
kill 'CONT', @stopped;
is($code, 0, 'pchatctl status answers while the sequencer and the store hang') or diag $output;

($code, $output) = $server->pchatctl('explode');
is($code, 64, 'an unknown command is an error of usage');

# What --help lists of a noun, or of a verb of it: nouns and verbs; options.
sub help (@words) {
	my ($code, $output) = $server->pchatctl(@words, '--help');
	return $code, join(',', $output =~ /^  ([a-z]+ [a-z]+) /mg), $output;
}
is((help('file'))[1], 'file list,file get,file remove,file check', 'a noun can be asked for help');
is((help('file', 'get'))[1], 'file get', 'and a verb of it');
like((help(qw(group add)))[2], qr/--kind group\|folder\|domain$/m, 'it says what options are there');
like((help(qw(compliance search)))[2], qr/--kind KIND,/m, 'though elsewhere they are something else');
is((help('nobody'))[0], 64, 'no noun, no help');
$server->stop;
($code, $output) = $server->pchatctl('user', 'list');
is($code, 69, 'a server that does not run is said to be unavailable') or diag $output;
like($output, qr/\Q@{[$server->admin_socket]}\E/, 'and the socket is named') or diag $output;

done_testing;
