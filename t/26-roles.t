use v5.36;
use Mojo::JSON 'decode_json';
use Test::More;
use Pchat::Client;
use Pchat::Server;

# Administrators with less than all rights, on the socket of this host.
my %uid = map { $_ => scalar getpwnam $_ } qw(daemon nobody games);
plan skip_all => 'only root can become other users'
	if $> != 0 || grep { !defined } values %uid;

my $server = Pchat::Server->start(
	conf => {
		admin => { operators => ['daemon'], readers => ['nobody'] },
		compliance => { enabled => 'true' } });
chmod 0711, $server->directory;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, "message $_") for 1 .. 3;

my $pchatctl = "$Pchat::Server::build/daemon/pchatctl";
plan skip_all => 'others cannot run the programs of this build'
	if system('setpriv', '--reuid', 'nobody', '--clear-groups', 'test', '-x', $pchatctl) != 0;

sub as ($user, @words) {
	return $server->command('setpriv', '--reuid', $user, '--clear-groups',
		$pchatctl, '-s', $server->directory . '/run', @words);
}

sub works ($sentence, $user, @words) {
	my ($code, $output) = as($user, @words);
	is($code, 0, "$user: $sentence") or diag $output;
	return $output;
}

sub fails ($sentence, $user, @words) {
	my ($code, $output) = as($user, @words);
	is($code, 77, "$user may not: $sentence") or diag $output;
	like($output, qr/ErrorPermission/, 'and is told so');
}

my $secret = $server->directory . '/password';
open my $out, '>', $secret or die;
print $out "a new password\n";
close $out;
chmod 0644, $secret;

# What is read, all of them may.
for my $user (qw(daemon nobody)) {
	like(works('lists rooms', $user, qw(room list)), qr/lobby/, 'and sees them');
	like(works('shows a room', $user, qw(room get lobby)), qr/privacy/, 'as it is');
	like(works('lists users', $user, qw(user list)), qr/alice/, 'and sees them');
	works('lists categories', $user, qw(category list));
	works('shows a category', $user, qw(category get General));
	works('lists groups', $user, qw(group list));
	works('lists add-ins', $user, qw(addin list));
	like(works('searches messages', $user, qw(message search lobby)),
		qr/message 2/, 'and reads them');
	works('shows the status', $user, 'status');
}

# Users, scopes and the like are for administrators.
for my $user (qw(daemon nobody)) {
	fails('adding a user', $user, qw(user add carol --password-file), $secret);
	fails("setting a user's password", $user, qw(user passwd alice --password-file), $secret);
	fails('disabling a user', $user, qw(user disable alice));
	fails('removing a user', $user, qw(user remove alice --yes));
	fails('making a category', $user, qw(category create Labs));
	fails("changing a category's scope", $user, qw(category update General --add-denied bob));
	fails('adding a group', $user, qw(group add ma-grp:x));
	fails('registering an add-in', $user, qw(addin create Map --url https://example.test/));
}
is(scalar @{ $server->admin('user.list')->{users} }, 2, 'nothing of that was done');
is((as($_, qw(compliance run)))[0], 77, "$_ may not: letting adapters run") for qw(daemon nobody);
is(($server->pchatctl(qw(compliance run)))[0], 69, 'which root may, but there are none here');
ok(Pchat::Client->enter(server => $server, user => 'alice'), 'and the old password counts');

# Rooms and messages are for operators, too.
fails('making a room', 'nobody', qw(room create own));
fails('changing a room', 'nobody', qw(room update lobby --name other));
fails("changing a room's members", 'nobody', qw(room update lobby --add-members bob));
fails('removing messages', 'nobody', qw(message remove lobby 1 --yes));
fails('purging messages', 'nobody', qw(message purge lobby --through 1 --yes));
fails('deleting a room', 'nobody', qw(room delete lobby --yes));
works('makes a room', 'daemon', qw(room create own --privacy secret));
works('changes it', 'daemon', qw(room update own --name mine --add-members bob));
works('removes messages', 'daemon', qw(message remove lobby 1 --yes));
works('purges messages', 'daemon', qw(message purge lobby --through 2 --yes));
works('disables a room', 'daemon', qw(room disable mine));
works('deletes it', 'daemon', qw(room delete mine --yes));
is_deeply([map { $_->{name} } @{ $server->admin('room.list')->{rooms} }],
	['lobby'], 'and that was done');

like(
	$server->log,
	qr/refused user\.add to the administrator "unix:daemon", whose role is operator/,
	'the log says who was refused what'
);
$server->wait_recorded;
my %refused;
$refused{"$_->{user_name} " . decode_json($_->{detail})->{request}}++ for $server->records('refused');
is($refused{"unix:$_ user.add"}, 1, "and so does the compliance record, of $_") for qw(daemon nobody);
like($server->log, qr/administration by "unix:nobody", read-only, from unix:uid=$uid{nobody}/,
	'and who came');

# Whoever is in no list has no business here.
my ($code, $output) = as('games', qw(user list));
is($code, 77, 'a user who is in no list may do nothing') or diag $output;
($code, $output) = as('games', 'status');
isnt($code, 0, 'not even look at the status');

# A name in two lists is a mistake.
my $file = $server->directory . '/wrong.conf';
open my $in, '<', $server->configuration or die;
open $out, '>', $file or die;
print $out join('', <$in>), qq(admin { users = {"daemon"} }\n);
close $out;
($code, $output) = $server->command("$Pchat::Server::build/daemon/pchatd", '-n', '-f', $file);
is($code, 78, 'a user with two roles is a mistake in the configuration');
like($output, qr/admin\.operators names "daemon", as does admin\.users/, 'which is named')
	or diag $output;

done_testing;
