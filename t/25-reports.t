use v5.36;
use Cwd 'abs_path';
use File::Basename 'dirname';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# The reports of pchat-schema(7), as they stand there, on the databases that understand them.
my $page = dirname(dirname(abs_path(__FILE__))) . '/man/pchat-schema.7';
open my $in, '<', $page or die "could not open $page: $!\n";
my $text = do { local $/; <$in> };
my ($examples) = $text =~ /^\.Sh EXAMPLES\n(.*?)^\.Sh /ms;
my @reports = $examples =~ /^\.Bd -literal[^\n]*\n(.*?)^\.Ed/msg;
is(scalar @reports, 9, 'the page has nine reports');

my $server = Pchat::Server->start(tls => 0);
$server->add_users(qw(alice bob));
my $lobby = $server->add_room('Lobby');
$server->add_room('Quiet');
my $budget = $server->add_room('Budget', 'money', privacy => 'closed');
$server->admin('room.roles', room => $budget, members => { add => [qw(alice)] });
$server->admin('group.add', uri => 'ma-grp:all', name => 'All');
$server->admin('group.members', uri => 'ma-grp:all', add => ['bob']);
$server->admin('room.roles', room => $budget, members => { add => ['ma-grp:all'] });
my ($alice, $bob) =
	map { Pchat::Client->enter(server => $server, user => $_) } qw(alice bob);
$_->join_room($lobby) for $alice, $bob;
$alice->join_room($budget);
$alice->post($lobby, "text $_") for 1 .. 3;
$bob->post($lobby, 'the budget is spent');
$alice->post($budget, 'no budget left');
$server->stored($lobby, 4);
$server->stored($budget, 1);

# As the page says of SQL Server.
sub said ($report) {
	my $sql = $report =~ s/;\s*$//r;
	$sql =~ s/\A(\s*SELECT\b)(.*)\bLIMIT (\d+)\s*\z/$1 TOP $3$2/s if $server->dialect eq 'mssql';
	return $sql;
}
my @rows = map { [$server->sql(said($_))] } @reports;

sub columns ($report, @names) {
	return [map { my $row = $_; join '|', map { $row->{$_} } @names } @{ $rows[$report] }];
}

is_deeply(columns(0, qw(name messages)), ['Lobby|4', 'Budget|1'], 'the most active rooms');
is_deeply(
	columns(1, qw(uri messages)),
	['sip:alice@example.test|4', 'sip:bob@example.test|1'],
	'who wrote most'
);
is_deeply(columns(2, qw(name last_seq)), ['Quiet|0'], 'rooms in which nobody writes');
is_deeply(columns(3, qw(name role)), ['Budget|4'], 'the rooms of a user');
is_deeply(columns(4, qw(uri name)), ['sip:alice@example.test|Alice'], 'the members of a room');
is_deeply(
	columns(5, qw(name seq author)),
	['Budget|1|Alice', 'Lobby|4|Bob'],
	'messages with a word in them'
);
is_deeply(
	columns(6, qw(uri name messages)),
	['sip:alice@example.test|Budget|1', 'sip:alice@example.test|Lobby|3', 'sip:bob@example.test|Lobby|1'],
	'who wrote where'
);
is(scalar @{ $rows[7] }, 1, 'one row says how far the database has come');
is($rows[7][0]{dead}, 0, 'and that it took everything');
is_deeply(columns(8, qw(id name)), ['1|Budget'], 'the invitations of a user');
my $by_group = said($reports[3] =~ s/alice/bob/r);
is_deeply([map { $_->{name} } $server->sql($by_group)], ['Budget'], 'a group counts as well');

# What there is stands on the page: every table with its columns, and every version.
my $db = $server->connect_sql;
my @missing;
for my $table (
	qw(schema cursor principal affiliation category addin room role remains message file indexing
	unindexed invitation invited marker feed request setting audit session grant credential
	dead_letter)
	)
{
	my $rows = $db->prepare("SELECT * FROM pc_$table WHERE 1 = 0");
	$rows->execute;
	my ($told) = $text =~ /^\.Ss pc_$table\n(.*?)^\.S[sh] /ms;
	push @missing, map {"$table.$_"} grep { ($told // '') !~ /^\.It (?:\w+ , )*\Q$_\E\b/m } @{ $rows->{NAME} };
}
$db->disconnect;
is("@missing", '', 'every table and column is told');
my ($newest) = map { $_->{version} } $server->sql('SELECT MAX(version) AS version FROM pc_schema');
my ($versions) = $text =~ /^\.Sh VERSIONS\n(.*?)^\.Sh /ms;
is_deeply([$versions =~ /^\.It (\d+)$/mg], [1 .. $newest], 'and what each version brought');

done_testing;
