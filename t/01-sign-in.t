use v5.36;
use Test::More;
use Pchat::Client;
use Pchat::Server;

my $server = Pchat::Server->start;
$server->add_users(qw(alice bob));

my $client = Pchat::Client->new(server => $server, user => 'alice')->connect;
my $info = $client->call('server.info');
is($info->{protocol}, 'pchat.v1', 'a client that has not signed in may ask what the server is');
is($info->{domain}, 'example.test', 'the server names its domain');
ok((grep { $_ eq 'SCRAM-SHA-256' } @{ $info->{mechanisms} }), 'the server offers SCRAM-SHA-256');
like(
	$info->{time},
	qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/,
	'times are ISO 8601 in UTC with microseconds'
);

for my $method (
	qw(room.search room.join room.leave room.participants message.post message.history)) {
	is($client->refusal($method), 'NotSignedIn', "$method is refused before the sign-in");
}

ok(eval { $client->sign_in('SCRAM-SHA-256') },
	'a user signs in by SCRAM-SHA-256, and the server proves itself')
	or diag $@;
ok($client->{token}, 'the sign-in gives a token');
ok(eval { Pchat::Client->enter(server => $server, user => 'bob') }, 'a user signs in by PLAIN')
	or diag $@;
ok(
	eval {
		Pchat::Client->enter(
			server => $server,
			user => 'sip:bob@example.test',
			password => $server->password('bob'));
	},
	'a user signs in by the whole URI'
) or diag $@;
is($client->refusal('auth.start', mechanism => 'PLAIN', data => $client->plain),
	'InvalidFlowOfOperations', 'nobody signs in twice on one connection');

for my $mechanism (qw(PLAIN SCRAM-SHA-256)) {
	my $wrong = Pchat::Client->new(server => $server, user => 'alice', password => 'guess')
		->connect;
	ok(!eval { $wrong->sign_in($mechanism) }, "a wrong password is refused by $mechanism");
	like($@, qr/AuthenticationFailed/, "$mechanism says only that the sign-in failed");
	my $unknown = Pchat::Client->new(server => $server, user => 'mallory', password => 'guess')
		->connect;
	ok(!eval { $unknown->sign_in($mechanism) }, "an unknown user is refused by $mechanism");
	like($@, qr/AuthenticationFailed/,
		"$mechanism does not tell an unknown user from a wrong password");
}

my $again = Pchat::Client->new(server => $server)->connect;
ok(eval { $again->resume($client->{token}) }, 'a token signs in without a password') or diag $@;
isnt($again->{token}, $client->{token}, 'the resumed session has a token of its own');
my $forger = Pchat::Client->new(server => $server)->connect;
(my $forged = $client->{token}) =~ s/(.)(?=.{10}$)/$1 eq 'A' ? 'B' : 'A'/e;
is($forger->refusal('auth.resume', token => $forged), 'InvalidToken', 'a changed token is refused');
is($forger->refusal('auth.resume', token => ''), 'InvalidToken', 'an empty token is refused');

my $lobby = $server->add_room('lobby');
my $private = $server->add_room('private', 'where few talk', privacy => 'closed');
my $writer = Pchat::Client->enter(server => $server, user => 'bob');
$writer->join_room($lobby);
$writer->post($lobby, $_) for qw(one two three);
my $back = Pchat::Client->new(server => $server, user => 'alice')->connect;
my $wanted = [{ room => $lobby, since => 1 }, { room => $private }];
is($back->refusal('auth.resume', token => $client->{token}, rooms => [@$wanted, { room => 'x' }]),
	'InvalidArgument', 'a token does not count where the rooms beside it are none');
is($back->refusal('auth.resume', token => 'x', rooms => $wanted),
	'InvalidToken', 'nor rooms where the token does not');
my $entered = $back->call('auth.resume', token => $client->{token}, rooms => $wanted);
ok($entered->{token}, 'a user comes back and joins his rooms in one call');
is_deeply([map { $_->{text} } @{ $entered->{rooms}[0]{messages} }],
	['two', 'three'], 'and has what he missed');
is($entered->{rooms}[1]{error}{data}{name},
	'ErrorPermission', 'of a room that he may not join the reason stands in its place');
is($writer->next_note('joined')->{user}{uri},
	'sip:alice@example.test', 'the others see him come');
$writer->post($lobby, 'four');
is($back->next_note->{text}, 'four', 'and he hears what is said from then on');

$again->call('auth.logout');
is($again->wait_closed, 1000, 'signing out closes the connection in order');

my $before = Pchat::Client->enter(server => $server, user => 'alice');
$server->admin('user.passwd', uri => 'alice', password => 'another secret');
is(
	Pchat::Client->new(server => $server)
		->connect->refusal('auth.resume', token => $before->{token}),
	'InvalidToken',
	'a change of the password voids the tokens given before it'
);
ok(eval { Pchat::Client->enter(server => $server, user => 'alice', password => 'another secret') },
	'the new password counts')
	or diag $@;
ok(!eval { Pchat::Client->enter(server => $server, user => 'alice') }, 'the old one does not');

my $removed = Pchat::Client->enter(server => $server, user => 'bob');
$server->admin('user.remove', uri => 'bob');
ok($removed->wait_closed, 'a user who is removed is signed out');
ok(!eval { Pchat::Client->enter(server => $server, user => 'bob') }, 'and cannot come back');

my $staying = Pchat::Client->enter(server => $server, user => 'alice', password => 'another secret');
$server->restart;
is($staying->next_note('dropped')->{reason},
	'stopping', 'a server that stops says so to its clients');
ok(eval { Pchat::Client->new(server => $server)->connect->resume($staying->{token}) },
	'a token outlives a restart of the server')
	or diag $@;

{
	my $plain = Pchat::Server->start(tls => 0, conf => { auth => { mechanisms => undef } });
	$plain->add_users('alice');
	my $client = Pchat::Client->new(server => $plain, user => 'alice')->connect;
	is_deeply($client->call('server.info')->{mechanisms},
		['SCRAM-SHA-256'], 'without TLS no password is asked for in the open');
	is($client->refusal('auth.start', mechanism => 'PLAIN', data => $client->plain),
		'InvalidArgument', 'nor taken');
	$client->sign_in('SCRAM-SHA-256');
	ok($client->call('room.search'), 'SCRAM does');
	is($plain->stop, 0, 'that server stops');
}

done_testing;
