use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Retention: what is too old, or too much, is purged by the server itself.
my $server = Pchat::Server->start(tls => 0, conf => { content => { retention_interval => '1s' } });
$server->add_users('alice');

sub pchatctl (@arguments) { return $server->pchatctl('retention', @arguments) }

sub works ($name, @arguments) {
	my ($code, $output) = pchatctl(@arguments);
	is($code, 0, $name) or diag $output;
	return $output;
}

sub fails ($name, $expected, $pattern, @arguments) {
	my ($code, $output) = pchatctl(@arguments);
	like("$code $output", qr/^$expected .*$pattern/s, $name);
}

my $news = $server->add_room('News');
my $sales = $server->admin('category.create', name => 'Sales')->{category};
$server->admin('category.roles', category => $sales, allowed => { add => ['*'] });
my $deal = $server->add_room('Deal', '', category => $sales);
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($_) for $news, $deal;
for my $n (1 .. 10) {
	$alice->post($news, "news $n");
	$alice->post($deal, "deal $n");
}

# A database that is still behind what was purged says so.
sub left ($room) {
	my $answer = wait_for(
		'a page of the database',
		sub {
			my ($error, $page) = $alice->try('message.history', room => $room, limit => 100);
			die "$error->{name}\n" if $error && $error->{name} ne 'unavailable';
			return $page;
		});
	return join ' ', map { $_->{seq} } @{ $answer->{messages} };
}

sub rows ($room) {
	my ($uuid) = $room =~ m{([^/]+)$};
	return map { $_->{seq} } $server->sql("SELECT m.seq FROM pc_message m JOIN pc_room r"
		. " ON r.id = m.room WHERE r.uuid = '$uuid' ORDER BY m.seq");
}

# --- Limits. ---

is(works('without limits there are none', 'list'), "CATEGORY  AGE  MESSAGES  BYTES\n", 'to be seen');
like(works('it can be tried', qw(--dry-run set global messages=1)), qr/would call retention.set/,
	'which is told');
works('a category has a limit of its own', qw(set Sales messages=3));
my $purged = $alice->next_note('purged');
is("$purged->{room} $purged->{through}", "$deal 7", 'those in the room are told what was purged');
is(left($deal), '8 9 10', 'the newest are left');
is(left($news), '1 2 3 4 5 6 7 8 9 10', 'other categories are as before');
wait_for('the rows to be gone', sub { join(' ', rows($deal)) eq '8 9 10' });
pass('they are deleted from the database, too');
is(join(' ', map { $_->{seq} } @{ $alice->call('message.search', words => 'deal')->{messages} }),
	'10 9 8', 'and not found any more');
works('a global one', qw(set global bytes=20));
wait_for('the oldest to be gone', sub { left($news) eq '8 9 10' });
is(left($news), '8 9 10', 'counts everywhere else');
$alice->post($deal, 'deal 11');
wait_for('the next one to go', sub { left($deal) eq '9 10 11' });
pass('what comes pushes out what was there');

# --- By age. ---

works('an age', qw(set Sales age=1s messages=));
wait_for('all to be too old', sub { left($deal) eq '' });
is(left($news), '8 9 10', 'it is the category that counts');
works('a longer one', qw(set Sales age=1h));
$alice->post($deal, 'late');
is(left($deal), 12, 'what comes is there at first');
works('the shorter one', qw(set Sales age=1s));
wait_for('it to be too old', sub { left($deal) eq '' });
pass('and goes in its turn');

# --- Shown, and refused. ---

like(works('limits are listed', 'list'), qr/^global +20\n$sales +1s *\n/m, 'of all categories');
like(works('and shown', qw(get Sales)), qr/^age: +1s$/m, 'one by one');
is($server->admin('retention.get')->{bytes}, 20, 'the global ones');
is($server->admin('retention.get', category => $sales)->{category}, $sales, 'or by URI');
fails('a limit that is no time', 65, qr/with s, m, h or d/, qw(set Sales age=soon));
fails('a limit that there is not', 64, qr/age, messages, bytes/, qw(set Sales size=1));
fails('a category that there is not', 65, qr/NoSuchNode/, qw(set Purchase age=1d));
is(($server->try_admin('retention.set', category => $sales =~ s/example/sample/r,
	values => { age => '1d' }))[0]{name}, 'NoSuchNode', 'nor that of another domain');
works('0 is no limit at all', qw(set Sales age=0 bytes=0));
$alice->post($deal, "deal $_") for 13 .. 15;
like(works('the limits of a category are taken away', qw(remove Sales)), qr/\A\z|removed|done/i, 'in one');
wait_for('the global one to count there', sub { left($deal) eq '14 15' });
pass('and the global one counts again');
works('the global one is taken away', qw(remove global));
$alice->post($news, "news $_") for 11 .. 15;

# --- What belongs to it. ---

works('limits of a category', qw(set Sales messages=1));
wait_for('them to act', sub { left($deal) eq '15' });
is(left($news), '8 9 10 11 12 13 14 15', 'without limits nothing goes');
$server->kill_role('sequencer');
$server->kill_role('store');
$alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($_) for $news, $deal;
$alice->post($deal, 'after they died');
wait_for('the one before to go', sub { left($deal) eq '16' });
pass('limits outlive sequencer and store');
$alice->close;
$server->admin('room.delete', room => $deal);
$server->admin('category.delete', category => $sales);
is(works('limits go with their category', 'list'), "CATEGORY  AGE  MESSAGES  BYTES\n",
	'and leave nothing behind');
my %sum;
for my $process (@{ $server->status->{processes} }) {
	$sum{$_} += $process->{counters}{$_} for keys %{ $process->{counters} // {} };
}
cmp_ok($sum{purged_by_retention}, '>=', 1, 'purges are counted');
like($server->log, qr/retention: messages of \d+ rooms are to be purged/, 'and logged');
is($server->stop, 0, 'the server stops');
done_testing;
