use v5.36;
use Mojo::JSON 'decode_json', 'false', 'true';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Searches find the same with an index of the texts, without one, and while it is made.
my $messages = 3000;
my $server = Pchat::Server->start(tls => 0);
$server->add_users('alice');
my $lab = $server->add_room('Lab');
is($server->stop, 0, 'a server makes its database and stops');

# A database that is older than the index: messages that are not in it.
my ($room) = map { $_->{id} } $server->sql('SELECT id FROM pc_room');
$server->change_sql(
	'INSERT INTO pc_message (room, seq, time, author, flags, client_id, body)'
		. " SELECT $room, i, 1700000000000000 + i, 1, 0, '',"
		. " CASE WHEN i % 1000 = 7 THEN 'a rare word' ELSE 'a common word' END FROM "
		. Pchat::Server->numbers_sql($messages)
		. ' AS n',
	"UPDATE pc_room SET last_seq = $messages",
	'UPDATE pc_indexing SET rules = 0'
);

sub database () {
	my ($code, $output) = $server->pchatctl('database', 'status', '--json');
	return $code == 0 ? decode_json($output)->[0] : {};
}

sub is_whole () {
	my $database = database();
	return $database->{search_index} && $database->{not_indexed} == 0;
}

sub counters () {
	my %sum;
	for my $process (@{ $server->status->{processes} }) {
		$sum{$_} += $process->{counters}{$_} // 0 for keys %{ $process->{counters} // {} };
	}
	return \%sum;
}

sub found ($client, %params) {
	my $answer = $client->call('message.search', room => $lab, %params);
	return join ' ', map { $_->{seq} } @{ $answer->{messages} };
}

# The searches, and how many messages were looked at for the last of them.
sub finds_all ($name) {
	my $client = Pchat::Client->enter(server => $server, user => 'alice');
	is(found($client, words => 'RARE'), '2007 1007 7', "$name: a rare word is found");
	is(found($client, words => 'ar', limit => 5), '2007 1007 7', "$name: within a word");
	is(found($client, words => 'word common', limit => 2),
		'3000 2999', "$name: what most messages have");
	is(found($client, words => 'xyzzy'), '', "$name: what none has");
	my $before = counters();
	is(found($client, words => 'rare', direction => 'oldest'),
		'7 1007 2007', "$name: from the oldest on");
	my $after = counters();
	$client->close;
	return { map { $_ => $after->{$_} - $before->{$_} } qw(searches searches_indexed search_rows) };
}

$server->launch;
$server->wait_ready;
finds_all('while the index is made');
wait_for('the index to be whole', \&is_whole);
pass('what was there comes into the index');
cmp_ok(counters()->{messages_indexed}, '>=', $messages, 'and is counted');
my $cost = finds_all('with an index');
is($cost->{searches_indexed}, 1, 'the index is asked');
cmp_ok($cost->{search_rows}, '<', $messages / 2, 'and little is looked at');
like($server->log, qr/the index of texts was made anew/, 'the log says that it was made');
like($server->log, qr/the index of texts has all messages/, 'and when it was whole');

# --- Messages that come and go. ---

my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($lab);
$alice->post($lab, 'a rare new word');
is(found($alice, words => 'rare'), '3001 2007 1007 7', 'a new message is found at once');
$server->admin('message.remove', room => $lab, seq => 2007);
$server->admin('message.remove', room => $lab, seq => 1007, replace => 'replaced text');
is(found($alice, words => 'rare'), '3001 7', 'removed and replaced messages are not');
is(found($alice, words => 'replaced'), '1007', 'but by what they say now');
$server->admin('message.purge', room => $lab, seq => 100);
is(found($alice, words => 'rare'), '3001', 'nor purged ones');
is(found($alice, words => 'replaced', match => 'phrase', case => true), '1007', 'in every way');
$alice->close;

# --- Off and on again. ---

is($server->stop, 0, 'the server stops');
$server->configure({ content => { search_index => 'no' } });
$server->launch;
$server->wait_ready;
ok(!database()->{search_index}, 'it can do without an index');
$alice = Pchat::Client->enter(server => $server, user => 'alice');
is(found($alice, words => 'rare'), '3001', 'and finds the same');
is(found($alice, words => 'replaced'), '1007', 'everywhere');
is(counters()->{searches_indexed} // 0, 0, 'by looking at each message');
$alice->join_room($lab);
$alice->post($lab, 'posted meanwhile, and rare');
$alice->close;
is($server->stop, 0, 'it stops');
$server->configure({});
$server->launch;
wait_for('the index to be made again', sub { database()->{search_index} });
$server->kill_role('store') for 1 .. 2;
$server->wait_ready;
wait_for('the index to be whole again', \&is_whole);
pass('an index that was off is made again, though the store is killed');
$alice = Pchat::Client->enter(server => $server, user => 'alice');
is(found($alice, words => 'rare'), '3002 3001', 'and has what came meanwhile');
is($server->stop, 0, 'the server stops');
done_testing;
