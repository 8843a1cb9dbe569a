use v5.36;
use Mojo::JSON 'false', 'true';
use Test::More;
use Pchat::Client;
use Pchat::Pchatctl;
use Pchat::Server;
use Pchat::Wait;

# Scoped settings and policies: what the narrowest scope says counts, at once, and after every kind of
# restart.
my $server =
	Pchat::Server->start(conf => { '' => { site => 'berlin', pool => 'chat.example.test' } });
administer($server);
$server->add_users(qw(alice bob carol));
my $room = $server->add_room('Lobby');

# --- Settings. ---

my $alice = Pchat::Client->enter(server => $server, user => 'alice');
is($alice->call('server.info')->{limits}{history}, 30, 'without a setting the file counts');
$alice->join_room($room);
$alice->post($room, "message $_") for 1 .. 12;

works('a setting of the global scope', qw(config set global history=7 file_size=1000));
is($alice->call('server.info')->{limits}{history}, 7, 'counts at once');
is($alice->call('server.info')->{limits}{file_size}, 1000, 'as all do that were set with it');
works('that of the site', qw(config set site:Berlin history=5));
is($alice->call('server.info')->{limits}{history}, 5, 'goes before it');
works('that of another site', qw(config set site:bonn history=3));
is($alice->call('server.info')->{limits}{history}, 5, 'does not');
works('that of the pool', qw(config set pool:chat.example.test history=4));
my $bob = Pchat::Client->enter(server => $server, user => 'bob');
is(scalar @{ $bob->join_room($room)->{messages} },
	4, 'goes before all, and says how much of a room is given to whoever joins');
is($server->admin('config.effective')->{from}{history},
	'pool:chat.example.test', 'where it comes from can be asked');
is($server->admin('config.effective')->{from}{participant_update_limit},
	'file', 'also of what no scope sets');
like(works('the scopes are listed', qw(config list)), qr/^global +7 +1000 *\npool:/m, 'by name');
works('one is taken back', qw(config remove pool:chat.example.test));
is($alice->call('server.info')->{limits}{history}, 5, 'and the next wider counts');
works('one setting is taken back, another set',
	qw(config set site:berlin history= room_management_url=https://example.test/rooms));
is($alice->call('server.info')->{room_management_url},
	'https://example.test/rooms', 'clients are told where rooms are managed');

works('notices are turned off', qw(config set global participant_update_limit=0));
my $carol = Pchat::Client->enter(server => $server, user => 'carol');
is($carol->join_room($room)->{participants}, undef, 'above the limit nobody is listed');
$carol->post($room, 'here');
1 while $bob->next_note->{text} ne 'here';
is_deeply([map { $_->{user}{uri} } $bob->notes('joined')], [], 'and nobody hears who comes');
is(scalar @{ $bob->call('room.participants', room => $room)->{participants} },
	3, 'but who asks is told');

fails('a value out of range is refused', 65, qr/from 1 to 500/, qw(config set global history=501));
fails('a setting that there is not', 64, qr/history, file_size/, qw(config set global colour=red));
fails('a scope that there is not', 65, qr/InvalidArgument/, qw(config set earth history=5));
fails('a value that was never set', 65, qr/NoSuchNode/, qw(config get site:rome));
is((
		$server->try_admin(
			'config.set',
			scope => 'global',
			values => { history => 9, nothing => 1 })
	)[0]{name},
	'InvalidArgument',
	'of several all are set, or none'
);
is($alice->call('server.info')->{limits}{history}, 7, 'none was');
fails('--dry-run asks the server, too: a scope that has nothing',
	65, qr/NoSuchNode/, qw(--dry-run config remove site:rome));
fails('a policy that there is not', 65, qr/NoSuchNode/, qw(--dry-run policy grant alice nothing));

# Two administrators at once.
my $seen = json(qw(config get global));
works('one changes a setting', qw(config set global history=8));
fails('who has seen what was before is told',
	65, qr/DataCollision/, qw(config set global history=9 --if-revision), $seen->{revision});
fails('so is he by a dry run', 65, qr/DataCollision/,
	qw(--dry-run config remove global --if-revision), $seen->{revision});
is($alice->call('server.info')->{limits}{history}, 8, 'and nothing is changed');
works('who looks again', qw(config set global history=7 --if-revision),
	json(qw(config get global))->{revision});
is(json(qw(config get global))->{revision},
	$seen->{revision}, 'what is as it was has the revision that it had');
isnt(json(qw(config get site:bonn))->{revision}, $seen->{revision}, 'others have others');
like(
	works('--dry-run', qw(--dry-run config set global history=9)),
	qr/would call config.set/,
	'says what it would do'
);
is($alice->call('server.info')->{limits}{history}, 7, 'and does not do it');

# --- Policies. ---

works('a policy is made', qw(policy create Staff), 'description=who works here');
fails('but not twice', 65, qr/in use/, qw(policy create staff));
works('it is granted', qw(policy grant alice Staff));
fails('one that there is not is not', 65, qr/NoSuchNode/, qw(policy grant bob crew));
fails('it cannot be removed then', 65, qr/InvalidFlowOfOperations/, qw(policy remove staff));
works('everybody else is locked out', qw(policy set global enabled=no));
is($bob->next_note('dropped')->{reason}, 'signed_out', 'sessions end at once');
$bob->wait_closed;
ok($alice->call('server.info'), 'but not of who has another policy');
my $again = Pchat::Client->new(server => $server, user => 'bob');
$again->connect;
is($again->refusal('auth.start', mechanism => 'PLAIN', data => $again->plain),
	'ErrorPermission', 'and nobody of them comes in');
is($again->refusal('auth.resume', token => $bob->{token}),
	'ErrorPermission', 'not even with a token from before');
$again->close;
is_deeply(
	json(qw(policy effective alice)),
	{
		uri => 'sip:alice@example.test',
		policy => 'staff',
		from => 'tag:staff',
		enabled => true
	},
	'who may is told, and why'
);
is(json(qw(policy effective bob))->{from}, 'global', 'who may not, too');
wait_for('the log', sub { $server->log =~ /ended 2 sessions of users whose policy/ });
pass('the log says how many were put out');
my ($barred) =
	grep {defined} map { $_->{counters}{sessions_barred} } @{ $server->status->{processes} };
is($barred, 2, 'and so does a counter');

# --- Endpoints and the pool. ---

works('an endpoint is added', qw(endpoint create sip:ocschat@example.test), 'name=Chat');
like(
	works('and listed', qw(endpoint list)),
	qr/^sip:ocschat\@example.test +Chat$/m,
	'with its name'
);
works('the pool fails over', qw(pool set state=failed_over), 'name=The pool');
is_deeply(
	$alice->call('server.info')->{pool},
	{ pool => 'chat.example.test', name => 'The pool', state => 'failed_over' },
	'clients are told'
);
works('an endpoint is taken away', qw(endpoint remove ocschat));

# --- All of it stays. ---

sub all () {
	return [
		map { json(@$_) } [qw(config list)], [qw(policy list)],
		[qw(pool get)], [qw(policy effective alice)],
		[qw(policy effective bob)], [qw(endpoint list)]];
}
my $before = all();
my ($code, $output) = $server->pchatctl(qw(data verify));
is($code, 0, 'the database agrees with the cache') or diag $output;
$server->kill_role('sequencer');
$server->wait_ready;
is_deeply(all(), $before, 'a sequencer that is killed loses nothing of it');
$server->restart;
is_deeply(all(), $before, 'nor does a cold start');
$server->change_sql(
	"UPDATE pc_setting SET value = '8' WHERE scope = 'global' AND name = 'history'");
($code, $output) = $server->pchatctl(qw(data verify));
is($code, 65, 'what is changed in the database behind its back');
like($output, qr/setting of kind 1 global history has another value in the database/, 'is found');

$server->stop;
done_testing;
