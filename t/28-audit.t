use v5.36;
use Mojo::JSON qw(decode_json false true);
use Test::More;
use Pchat::Authority;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Who changed what.
my $authority = Pchat::Authority->new('test authority');
my $olga = $authority->issue('olga');
my $server = Pchat::Server->new;
my $port = $server->port + 500;
$server->configure({
	admin => {
		listen => [$server->address . ":$port"],
		ca => $authority->certificate,
		access => ['olga: operator'],
	} });
$server->launch;
$server->wait_ready;
my $me = 'unix:' . getpwuid $>;

# The rows that a filter lets through, newest first.
sub entries (%filter) { return @{ $server->admin('audit.list', %filter)->{entries} } }

# The newest row.
sub newest (%filter) { return (entries(%filter))[0] }

sub shows ($sentence, $wanted, %filter) {
	my $row = newest(%filter);
	my %got = map { $_ => $row->{$_} } keys %$wanted;
	is_deeply(\%got, $wanted, $sentence) or diag explain $row;
	return $row;
}

# --- Every kind of change. ---

$server->add_users(qw(alice bob));
my $row = shows(
	'a user who is added',
	{
		what => 'user.add',
		object => 'sip:bob@example.test',
		actor => $me,
		address => "unix:uid=$>",
		details => { after => { name => 'Bob' } } });
like($row->{time}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'with the time');
$server->admin('user.passwd', uri => 'bob', password => 'another password');
shows("a user's password that is changed", { what => 'user.passwd', details => {} });
unlike(encode(newest()), qr/another password/, 'but not what it is');
sub encode ($row) { return Mojo::JSON::encode_json($row) }
$server->admin('user.disable', uri => 'bob');
shows('a user who is disabled', { what => 'user.disable', object => 'sip:bob@example.test' });
$server->admin('user.enable', uri => 'bob');
shows('and enabled', { what => 'user.enable' });
$server->admin('user.update', uri => 'bob', name => 'Robert');
shows(
	'and called otherwise',
	{
		what => 'user.update',
		details => { before => { name => 'Bob' }, after => { name => 'Robert' } } });
$server->admin('user.update', uri => 'bob', name => 'Bob');
$server->admin('retention.set', values => { age => '90d' });
shows('a limit of what is kept',
	{ what => 'retention.set', object => 'global', details => { name => 'age', after => { value => '90d' } } });
$server->admin('retention.remove');
shows('that is taken away', { what => 'retention.remove', object => 'global' });

$server->admin('group.add', uri => 'ma-grp:staff', name => 'Staff');
shows('a group', { what => 'group.add', object => 'ma-grp:staff' });
$server->admin('group.members', uri => 'ma-grp:staff', add => ['bob']);
shows(
	'and its members',
	{
		what => 'group.members',
		object => 'ma-grp:staff',
		details => { add => 'sip:bob@example.test' } });

$server->admin('group.add', uri => 'ma-grp:more', name => 'More');
$server->admin('group.members', uri => 'ma-grp:staff', replace => ['alice', 'ma-grp:more']);
is_deeply([
		sort map { join ' ', $_->{actor}, %{ $_->{details} } }
			entries(what => 'group.members', limit => 3)
	],
	[
		sort map {"$me $_"} 'add ma-grp:more',
		'add sip:alice@example.test',
		'remove sip:bob@example.test'
	],
	'those who come and go by one command each have a row, with the actor'
);

my $category = $server->admin('category.create', name => 'Labs', files => true)->{category};
shows(
	'a category',
	{
		what => 'category.create',
		object => 'Labs',
		category => $category,
		details => {
			after => {
				name => 'Labs',
				description => '',
				invitations => true,
				files => true,
				history => true,
				authors_remove => false,
				members_leave => false,
				requests => false
			} } });
$server->admin('category.update', category => 'Labs', history => false, name => 'Lab');
shows(
	'and what of it changes',
	{
		what => 'category.update',
		details => {
			before => { name => 'Labs', history => true },
			after => { name => 'Lab', history => false } } });
$server->admin('category.roles', category => 'Lab', allowed => { add => ['*'] });
shows(
	'its scope',
	{
		what => 'category.roles',
		object => 'Lab',
		category => $category,
		details => { list => 'allowed', add => '*' } });

$server->admin('addin.create', name => 'Map', url => 'https://example.test/');
shows('an add-in', { what => 'addin.create', object => 'Map' });

my $room = $server->admin('room.create', name => 'lobby', category => 'Lab', privacy => 'open')
	->{room};
$row = shows('a room', { what => 'room.create', object => 'lobby', room => $room });
is_deeply([@{ $row->{details}{after} }{qw(category privacy type)}],
	[qw(Lab open normal)], 'with what it began with');
$server->admin(
	'room.update',
	room => 'lobby',
	name => 'Foyer',
	privacy => 'closed',
	addin => 'Map',
	category => 'General'
);
shows(
	'and what of it changes',
	{
		what => 'room.update',
		object => 'Foyer',
		room => $room,
		details => {
			before => {
				name => 'lobby',
				privacy => 'open',
				category => 'Lab',
				addin => ''
			},
			after => {
				name => 'Foyer',
				privacy => 'closed',
				category => 'General',
				addin => 'Map'
			} } });
my $before = entries();
$server->admin(
	'room.roles',
	room => 'Foyer',
	members => { add => ['alice', 'ma-grp:staff'] },
	managers => { add => ['alice'] });
is(entries() - $before, 3, 'lists of a room: a row for each who comes or goes');
is_deeply([
		sort map {"$_->{what} $_->{object} $_->{details}{list} $_->{details}{add}"}
			entries(limit => 3)
	],
	[
		'room.roles Foyer managers sip:alice@example.test',
		'room.roles Foyer members ma-grp:staff',
		'room.roles Foyer members sip:alice@example.test',
	],
	'with the list'
);
is(scalar(grep { $_->{actor} ne $me } entries()), 0, 'all by the one who did it');

# --- Users, too. ---

my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->call('room.update', room => $room, description => 'hers');
shows(
	'what a manager does is under his name',
	{
		what => 'room.update',
		actor => 'sip:alice@example.test',
		details => { before => { description => '' }, after => { description => 'hers' } } }
);
$alice->join_room($room);
$alice->post($room, "message $_") for 1 .. 3;
is(scalar(entries(what => 'message')), 0, 'messages are nobody\'s business here');
$server->admin('message.remove', room => 'Foyer', seqs => [1]);
shows(
	'but that one is removed',
	{
		what => 'message.remove',
		object => 'Foyer',
		room => $room,
		details => { seq => 1, author => 'sip:alice@example.test' } });
$server->admin('message.remove', room => 'Foyer', seqs => [2], replace => 'gone');
shows('or replaced', { what => 'message.replace' });
$server->admin('message.purge', room => 'Foyer', seq => 2);
shows('or all of them', { what => 'message.purge', details => { through => 2 } });

# --- By whom: certificates. ---

my $pchatctl = "$Pchat::Server::build/daemon/pchatctl";
my @remote = (
	$pchatctl, '--server',
	$server->address . ":$port", '--certificate',
	$olga->{certificate}, '--key',
	$olga->{key}, '--ca',
	$server->certificate
);
my ($code, $output) = $server->command(@remote, qw(room disable Foyer));
is($code, 0, 'an operator disables a room') or diag $output;
$row = shows(
	'under the name of her certificate',
	{
		what => 'room.disable',
		actor => 'cert:olga',
		details => { before => { disabled => false }, after => { disabled => true } } });
like($row->{address}, qr/^127[\d.]+:\d+$/, 'with the address that she came from');
($code, $output) = $server->command(@remote, 'audit');
is($code, 77, 'but may not read what others did') or diag $output;

# --- Settings. ---

sub does (@words) {
	my ($code, $output) = $server->pchatctl(@words);
	die "pchatctl @words: $output\n" if $code;
}
does(qw(config set global history=40));
shows(
	'a setting',
	{
		what => 'config.set',
		object => 'global',
		actor => $me,
		details => { name => 'history', after => { value => '40' } } });
does(qw(config set global history=41));
shows(
	'and what it was before',
	{
		details => {
			name => 'history',
			before => { value => '40' },
			after => { value => '41' } } });
does(qw(config remove global));
shows(
	'a setting that is taken back',
	{ what => 'config.remove', details => { name => 'history', before => { value => '41' } } });
does(qw(policy create strict));
shows('a policy', { what => 'policy.set', object => 'tag:strict', actor => $me });
does(qw(policy grant bob strict));
shows(
	'and who is granted it',
	{
		what => 'policy.grant',
		object => 'sip:bob@example.test',
		details => { after => { policy => 'strict' } } });
does(qw(policy revoke bob));
shows('or not any more',
	{ what => 'policy.grant', details => { before => { policy => 'strict' } } });

# --- Removal. ---

$server->admin('room.delete', room => 'Foyer');
shows('a room that is deleted', { what => 'room.delete', object => 'Foyer', room => $room });
$server->admin('addin.delete', addin => 'Map');
shows('an add-in', { what => 'addin.delete', object => 'Map' });
$server->admin('category.delete', category => 'Lab');
shows('a category', { what => 'category.delete', object => 'Lab', category => $category });
$server->admin('user.remove', uri => 'alice');
shows('a user', { what => 'user.remove', object => 'sip:alice@example.test' });

# --- Filters. ---

my @all = entries(limit => 100);
cmp_ok(scalar @all, '>', 20, 'all of that is there');
is_deeply([map { $_->{lsn} } @all], [sort { $b <=> $a } map { $_->{lsn} } @all], 'newest first');
is(scalar(entries(actor => 'OLGA')), 1, 'rows are found by a part of the actor\'s name');
is(scalar(entries(object => 'foyer', what => 'room.roles')), 3, 'by object and kind');
is(
	scalar(entries(object => ($room =~ m{([^/]+)$})[0], limit => 100)),
	scalar(grep { ($_->{room} // '') eq $room } @all),
	'or by the object\'s number'
);
is(scalar(entries(actor => 'nobody')), 0, 'or not at all');
is_deeply(
	[map { $_->{lsn} } entries(start => $all[4]{time}, end => $all[2]{time})],
	[map { $_->{lsn} } @all[2 .. 4]],
	'by time'
);
my ($page, @paged);
do {
	$page = $server->admin('audit.list', limit => 7, $page ? (before => $page->{before}) : ());
	push @paged, @{ $page->{entries} };
} while $page->{more};
is_deeply([map { $_->{lsn} } @paged], [map { $_->{lsn} } @all], 'and page by page');
for my $wrong (
	[limit => 0],
	[limit => 101],
	[before => 0],
	[start => 'yesterday'],
	[actor => 1],
	[what => 'x' x 513],
) {
	my ($error) = $server->try_admin('audit.list', @$wrong);
	is($error->{name}, 'InvalidArgument',
		"$wrong->[0] of " . substr($wrong->[1], 0, 10) . ' is refused');
}
my $client = eval {
	Pchat::Client->enter(server => $server, user => 'bob', password => 'another password');
};
if ($client) {
	my ($error) = $client->try('audit.list');
	is($error->{name}, 'MethodNotFound', 'users cannot ask for it');
}

# --- pchatctl. ---

($code, $output) = $server->pchatctl(qw(audit --what room.create));
is($code, 0, 'pchatctl audit shows it') or diag $output;
like($output, qr/^TIME +ACTOR.*\n.*\Q$me\E +\Qunix:uid=$>\E +room\.create +lobby +\{/,
	'as a table');
($code, $output) = $server->pchatctl(qw(--json audit --limit 200));
is(scalar @{ decode_json($output)->{entries} }, scalar @all, 'or as JSON, all pages');
($code, $output) = $server->pchatctl(qw(audit --limit 2));
is(scalar(() = $output =~ /\n/g), 3, 'or only the newest');

# --- Crashes: everything once. ---

for my $role (qw(store sequencer)) {
	$server->admin('room.create', name => "before $role", category => 'General');
	$server->kill_role($role);
	$server->admin('room.create', name => "after $role", category => 'General');
}
$server->restart;
my @rooms =
	grep { $_->{what} eq 'room.create' && $_->{actor} eq $me } entries(what => 'room.create');
is_deeply(
	[sort map { $_->{object} } @rooms],
	['after sequencer', 'after store', 'before sequencer', 'before store', 'lobby'],
	'each change is there once, with its actor, whatever dies'
);
$server->kill_master;
$server->launch;
$server->wait_ready;
$server->admin('room.create', name => 'later', category => 'General');
shows(
	'numbers of sessions that come again are not taken for the old ones',
	{ what => 'room.create', object => 'later', actor => $me });
wait_for(
	'end of the sessions',
	sub {
		!grep { $_->{address} !~ /^unix/ } $server->sql('SELECT * FROM pc_session');
	});
cmp_ok(scalar($server->sql('SELECT * FROM pc_session')),
	'<', 10, 'sessions that are over leave nothing');

# --- Age. ---

$server->stop;
$server->change_sql('UPDATE pc_audit SET time = time - 86400000000 * 500 WHERE object = \'lobby\'');
$server->change_sql("UPDATE pc_audit SET details = '{\"x\":' WHERE object = 'later'");
$server->launch;
$server->wait_ready;
wait_for('end of what is old',
	sub { !$server->sql("SELECT * FROM pc_audit WHERE object = 'lobby'") });
pass('what is older than content.audit_retention goes');
$row = newest(object => 'later');
is($row->{what}, 'room.create', 'a row that somebody spoiled is shown');
ok(!exists $row->{details}, 'without what is not JSON');

done_testing;
