use v5.36;
use FindBin;
use Mojo::JSON 'true', 'false';
use Test::More;
use Pchat::Client;
use Pchat::Server;

# Every parameter of every method, with values of every wrong kind. A name says which values are right
# for it: what is right for all is left out of the list of wrong ones.
my $server = Pchat::Server->start;
$server->add_users(qw(alice bob));
my $room = $server->add_room('lobby');
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
$alice->join_room($room);
$alice->post($room, 'the only message');

my %wrong = (
	null => undef,
	true => true,
	zero => 0,
	negative => -1,
	fraction => 1.5,
	huge => 9223372036854775807,
	'out of range' => 1e300,
	'empty text' => '',
	'long text' => 'x' x 20000,
	'text with NUL' => "a\0b",
	'a control character' => "a\x{7}b",
	'a list' => [],
	'an object' => {},
	'a list of lists' => [[[[]]]],
	'a number in a text' => '12',
	'an odd URI' => 'ma-chan://example.test/../..',
	'another domain' => $room =~ s/example/sample/r,
	'an injection' => "'; DROP TABLE pc_message; --",
	'a percent sign' => '%',
	'a long URI' => $room . 'x' x 500,
);
my $nowhere = $room =~ s{[^/]+$}{00000000-0000-4000-8000-000000000000}r;
my $no_category = $nowhere =~ s/chan/cat/r;
my $no_file = $nowhere =~ s{chan://([^/]+)/(.*)}{filelink://$1/$2/$2}r;
my %edit = (add => ['nobody']);
# Those that an administrator and a user may call alike; no right value changes anything.
my %both = (
	'addin.create' => { name => 'x', url => 'https://example.test/' },
	'addin.delete' => { addin => 'nothing' },
	'addin.get' => { addin => 'nothing' },
	'addin.list' => { text => '', limit => 1, offset => 0 },
	'addin.update' => { addin => 'nothing', name => 'x', url => 'https://example.test/' },
	'category.create' => {
		name => 'x',
		description => 'x',
		invitations => true,
		files => true,
		history => true,
		authors_remove => true,
		members_leave => true,
		requests => true
	},
	'category.delete' => { category => $no_category },
	'category.get' => { category => $no_category },
	'category.list' => { text => '', limit => 1, offset => 0 },
	'category.roles' => {
		category => $no_category,
		allowed => \%edit,
		denied => \%edit,
		creators => \%edit,
		if_revision => 1
	},
	'category.update' => {
		category => $no_category,
		name => 'x',
		description => 'x',
		history => true,
		if_revision => 1
	},
	'room.create' => {
		name => 'x',
		description => 'x',
		category => $no_category,
		privacy => 'open',
		type => 'normal',
		invitations => true,
		addin => '',
		disabled => true
	},
	'file.download' => { file => $no_file },
	'file.get' => { file => $no_file, removed => true },
	'file.list' => { room => $nowhere, before => $no_file, limit => 1, removed => true },
	'file.remove' => { file => $no_file, lost => true },
	'message.purge' => { room => $nowhere, seq => 1, time => '2020-01-01' },
	'message.remove' => { room => $nowhere, seq => 1, seqs => [1], replace => 'x' },
	'message.search' => {
		room => $nowhere,
		rooms => [$nowhere],
		words => 'x',
		match => 'all',
		case => true,
		from => 'nobody',
		start => '2020-01-01',
		end => '2020-01-01',
		direction => 'newest',
		limit => 1,
		page => 'x'
	},
	'room.delete' => { room => $nowhere },
	'room.disable' => { room => $nowhere, if_revision => 1 },
	'room.enable' => { room => $nowhere, if_revision => 1 },
	'room.get' => { room => $nowhere },
	'room.roles' => {
		room => $nowhere,
		members => \%edit,
		managers => \%edit,
		presenters => \%edit,
		if_revision => 1
	},
	'room.update' => {
		room => $nowhere,
		name => 'x',
		description => 'x',
		category => $no_category,
		privacy => 'open',
		type => 'normal',
		invitations => true,
		addin => '',
		if_revision => 1
	},
);
my %methods = (
	%both,
	'room.mine' => { as => 'member', limit => 1, offset => 0 },
	'invitation.list' => { since => 0, limit => 1 },
	'invitation.ack' => { id => 1 },
	'marker.set' => { room => $room, seq => 1 },
	'feed.add' =>
		{ name => 'x', words => '', match => 'any', ego => false, from => '', room => undef },
	'feed.update' => { feed => 1, name => 'x', words => 'x' },
	'feed.list' => { feed => 1 },
	'feed.remove' => { feed => 1 },
	'file.upload' => { room => $room, name => 'x', type => 'text/plain', size => 1 },
	'room.quit' => { room => $nowhere },
	'access.request' => { room => $nowhere, text => 'x' },
	'access.withdraw' => { room => $nowhere },
	'access.list' => { room => $nowhere, limit => 1, offset => 0 },
	'access.grant' => { room => $nowhere, user => 'nobody' },
	'access.deny' => { room => $nowhere, user => 'nobody' },
	'auth.start' => { mechanism => 'PLAIN', data => '' },
	'auth.step' => { data => '' },
	'auth.resume' => { token => 'x', rooms => [] },
	'room.search' => {
		text => '',
		privacy => 'open',
		type => 'normal',
		category => $no_category,
		member => '*',
		manager => '*',
		addin => '',
		disabled => false,
		limit => 1,
		offset => 0
	},
	'room.join' => { room => $room, since => 0, history => 0, rooms => undef },
	'room.participants' => { room => $room },
	'message.post' => {
		room => $room,
		text => '',
		id => 'id',
		importance => 'regular',
		title => 'x',
		rich => { type => '', content => 'x' }
	},
	'message.history' => { room => $room, before => 1, after => 1, around => 1, limit => 1 },
	'server.info' => { anything => 1 },
	'room.leave' => { room => $room },
);
my $names =
	qr/^(ok|InvalidArgument|InvalidRequest|NoSuchNode|UserNotJoined|TooLarge|LimitExceeded|InvalidToken|InvalidFlowOfOperations|AuthenticationFailed|ErrorPermission|NoSuchPrincipal|DataCollision)$/;

# There are no files here.
sub is_clear ($method, $answer) {
	return $answer =~ $names || $method =~ /^file/ && $answer eq 'unavailable';
}

sub all_wrong ($ask, $method, $right) {
	for my $name (sort keys %$right) {
		my @odd;
		for my $kind (sort keys %wrong) {
			my %params = %$right;
			delete $params{rooms};
			$params{$name} = $wrong{$kind};
			my $answer = $ask->($method, %params);
			push @odd, "$kind: $answer" if !is_clear($method, $answer);
		}
		is_deeply(\@odd, [], "$method answers clearly whatever $name is");
		my %without = %$right;
		delete @without{ $name, 'rooms' };
		my $answer = $ask->($method, %without);
		ok(is_clear($method, $answer), "$method answers clearly without $name") or diag $answer;
	}
}

my @before = map { $_->{pid} } $server->processes;
for my $method (sort keys %methods) {
	# room.leave is the last; auth.* are asked by somebody who has not signed in, and who may be thrown
	# out for it, also while he waits for an answer.
	my $stranger = Pchat::Client->new(server => $server);
	my $ask = $method =~ /^auth/
		? sub (@call) {
		my $answer = 'closed';
		for (1 .. 2) {
			$stranger->connect if !$stranger->connected;
			$answer = $stranger->refusal(@call);
			last if $answer ne 'closed';
		}
		return $answer;
		}
		: sub (@call) { $alice->refusal(@call) };
	all_wrong($ask, $method, $methods{$method});
}
is($alice->refusal('room.join', rooms => [({ room => $room }) x 129]),
	'InvalidArgument', 'more rooms than allowed in one join are refused');
is($alice->refusal('room.join', rooms => [1, 'x', undef, []]),
	'InvalidArgument', 'rooms that are no objects are refused');
is($alice->refusal('room.join', room => $room), 'ok', 'and the connection still serves');

my @rows = $server->stored($room, 1);
is_deeply([map { $_->{text} } @rows[0 .. 0]], ['the only message'], 'the message is as it was');
my @texts = grep { !exists $wrong{$_} && $_ ne 'the only message' } map { $_->{text} } @rows;
is_deeply([
		grep {
			my $text = $_;
			!grep { defined && !ref && $_ eq $text } values %wrong
		} @texts
	],
	[],
	'nothing was stored but texts that are allowed'
);
is_deeply([map {"$_->{name}"} @{ $server->admin('room.list')->{rooms} }],
	['lobby'], 'there is still one room');
is_deeply([map { $_->{pid} } $server->processes], \@before, 'no process died of it');

# The administrator's methods, by the local socket. Nothing is recorded here: compliance.* is refused.
my %admin = (
	%both,
	'data.import' => {
		kind => 'user',
		line => { user => 'sip:x\@example.test', name => 'x', state => 'active' },
		check => \1
	},
	'category.eligible' => { category => $no_category, text => '', limit => 1, offset => 0 },
	'audit.list' => {
		actor => 'x',
		object => 'x',
		what => 'x',
		start => '2020-01-01',
		end => '2020-01-01',
		limit => 1,
		before => 1
	},
	'compliance.hold' => {
		name => 'x',
		reason => 'x',
		user => 'nobody',
		room => $nowhere,
		start => '2020-01-01',
		end => '2020-01-01'
	},
	'compliance.note' => { text => 'x' },
	'compliance.purge' => { until => '2020-01-01' },
	'compliance.release' => { name => 'x', reason => 'x' },
	'config.effective' => { scope => 'global' },
	'config.get' => { scope => 'site:nowhere' },
	'config.list' => { limit => 1, offset => 0 },
	'config.remove' => { scope => 'site:nowhere', if_revision => 1, check => true },
	'config.set' =>
		{ scope => 'site:nowhere', values => { history => 5 }, if_revision => 1, check => true },
	'endpoint.create' => { uri => 'sip:x\@example.test', values => { name => 'x' } },
	'endpoint.get' => { uri => 'nobody' },
	'endpoint.list' => { limit => 1, offset => 0 },
	'endpoint.remove' => { uri => 'nobody' },
	'endpoint.set' => { uri => 'nobody', values => { name => 'x' } },
	'group.add' => { uri => 'ma-grp:x', name => 'x', kind => 'group' },
	'group.get' => { uri => 'ma-grp:nothing' },
	'group.list' => { text => '', limit => 1, offset => 0 },
	'group.members' => { uri => 'ma-grp:nothing', add => ['nobody'], remove => [] },
	'group.remove' => { uri => 'ma-grp:nothing' },
	'group.update' => { uri => 'ma-grp:nothing', name => 'x' },
	'user.disable' => { uri => 'nobody' },
	'user.enable' => { uri => 'nobody' },
	'user.add' => { uri => 'carol', name => 'Carol', password => 'x' },
	'user.passwd' => { uri => 'nobody', password => 'x' },
	'user.get' => { uri => 'nobody' },
	'user.list' => { text => 'x', limit => 1, offset => 0 },
	'user.remove' => { uri => 'nobody' },
	'user.update' => { uri => 'nobody', name => 'x' },
	'policy.create' => { scope => 'x', values => { enabled => true } },
	'policy.effective' => { uri => 'nobody' },
	'policy.get' => { scope => 'nothing' },
	'policy.grant' => { uri => 'nobody', policy => 'nothing' },
	'policy.list' => { limit => 1, offset => 0 },
	'policy.remove' => { scope => 'nothing' },
	'policy.set' => { scope => 'nothing', values => { enabled => true } },
	'pool.get' => { pool => 'nowhere' },
	'pool.workers' => { anything => 1 },
	'pool.set' => { pool => 'nowhere', values => { state => 'normal' } },
	'room.eligible' => { room => $nowhere, as => 'member', text => '', limit => 1, offset => 0 },
	'topology.get' => {},
	'topology.set' => { values => { document => '' } },
	'room.list' => { text => '', content_exceeds => 1, limit => 1, offset => 0 },
	'retention.get' => { category => $no_category },
	'retention.list' => { limit => 1, offset => 0 },
	'retention.remove' => { category => $no_category },
	'retention.set' => { category => $no_category, values => { age => '1d' } },
);
my $more =
	qr/^(PrincipalsAlreadyDefined|NoSuchPrincipal|DuplicateRoomName|DuplicateAddinName|PrincipalsNotInScope)$/;
for my $method (sort keys %admin) {
	all_wrong(
		sub (@call) {
			my ($error) = $server->try_admin(@call);
			return !$error || $error->{name} =~ $more ? 'ok' : $error->{name};
		},
		$method,
		$admin{$method});
}
is_deeply([map { $_->{pid} } $server->processes], \@before, 'no process died of that either');

# No method is left out. auth.logout has no parameters, and ends the connection.
my %known = (%methods, %admin, 'auth.logout' => {});
my @sources = glob "$FindBin::Bin/../worker/json_*.c";
my @forgotten;
for my $source (@sources) {
	open my $in, '<', $source or die "could not open $source: $!\n";
	push @forgotten, grep { !$known{$_} } map {/\{"([a-z]+\.[a-z]+)", *JSON_/g} <$in>;
}
cmp_ok(scalar @sources, '>', 10, 'the server has its methods where they are looked for');
is_deeply(\@forgotten, [], 'every method was tried');
is($server->admin('room.list', text => 'lobby')->{rooms}[0]{last_seq},
	scalar @rows, 'and the rooms are as they were');

done_testing;
