use v5.36;
use Test::More;
use Pchat::Server;
use Pchat::Wait;

# A database with what a removed room left behind: more than the store deletes at a time.
my $server = Pchat::Server->start(tls => 0);
is($server->stop, 0, 'a server makes its database and stops');
$server->change_sql(
	'INSERT INTO pc_message (room, seq, time, author, flags, client_id, body)'
		. " SELECT r.room, n.i, n.i, 1, 0, '', 'text'"
		. ' FROM ' . Pchat::Server->numbers_sql(2600)
		. ' AS n, (SELECT 7 AS room UNION ALL SELECT 8 UNION ALL SELECT 9) AS r',
	'INSERT INTO pc_remains (room) VALUES (7), (8)'
);

$server->launch;
$server->wait_ready;
wait_for('the removed rooms are forgotten', sub { !$server->sql('SELECT * FROM pc_remains') });
is_deeply(
	[$server->sql('SELECT room, COUNT(*) AS count FROM pc_message GROUP BY room')],
	[{ room => 9, count => 2600 }],
	'the messages of removed rooms are gone, and no others'
);
is($server->stop, 0, 'the server stops');

done_testing;
