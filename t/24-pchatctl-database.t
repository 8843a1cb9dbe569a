use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Server;
use Pchat::Wait;

# pchatctl database: works on the databases of the configuration, whether a server runs or not.
my $server = Pchat::Server->new(tls => 0);

sub database (@arguments) { return $server->pchatctl('database', @arguments) }

sub first () {
	my ($code, $output) = database('status', '--json');
	return $code == 0 && decode_json($output)->[0];
}

is(first->{state}, 'empty', 'a new database is empty');
my ($code, $output) = database('check');
is($code, 69, 'check says that the server could not use it');
($code) = database('upgrade');
is($code, 65, 'there is nothing to upgrade');
($code, $output) = database('create', '--dry-run');
is($code, 0, 'create can be tried');
like($output, qr/^would apply the steps 1 to \d+/, 'and says what it would do');
is(first->{state}, 'empty', 'without doing it');
($code) = database('create');
is($code, 0, 'create makes the tables');
is(first->{state}, 'good', 'and the database is good');
($code, $output) = database('create');
is($code, 65, 'it does not do so twice');
like($output, qr/has a schema already/, 'and says why');
($code, $output) = database('check');
is($code, 0, 'check is content');
like($output, qr/good/, 'and shows it');
($code) = database('upgrade', '2');
is($code, 64, 'there is no second database');

$server->launch;
$server->wait_ready;
$server->add_users('alice');
wait_for('events in the database', sub { first->{lsn} > 0 });
is(first->{dead_letters}, 0, 'with a server running it shows where the database stands');

my $wanted = first->{wanted};
$server->change_sql('INSERT INTO pc_schema (version, applied) VALUES (999, 0)');
is(first->{state}, 'too new', 'a database of a newer version is shown as such');
($code, $output) = database('upgrade');
is($code, 65, 'and not touched');
$server->change_sql('DELETE FROM pc_schema WHERE version = 999');
is(first->{version}, $wanted, 'nor changed');
is($server->stop, 0, 'the server stops');

my $nowhere = 'Driver=NoSuchDriver;PWD=sesame';
$server->configure({ content => { dsn => [$nowhere] } });
($code, $output) = database('check');
is($code, 69, 'a database that cannot be reached fails the check');
unlike($output, qr/sesame/, 'its password is not shown');

done_testing;
