package Pchat::Archive;

# Archives of pchatctl data export, and a server that has one of everything to be put into one.

use v5.36;
use utf8;
use Exporter 'import';
use IO::Compress::Gzip;
use IO::Uncompress::Gunzip;
use Mojo::JSON qw(decode_json encode_json false true);
use Mojo::Util 'encode';
use Digest::SHA 'sha256_hex';
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

our @EXPORT = qw(archive_lines archive_write archive_objects archive_stored fill_server @TEXTS);

# Texts that a database or a parser could spoil.
our @TEXTS = (
	'plain',
	"emoji \x{1F600}\x{1F468}\x{200D}\x{1F469}\x{200D}\x{1F467}",
	"combining e\x{301} \x{915}\x{94D}\x{937}",
	"\x{5E9}\x{5DC}\x{5D5}\x{5DD} \x{202E}right to left\x{202C}",
	"every plane \x{FFFD} \x{10000} \x{20000} \x{E0001} \x{10FFFD}",
	'blanks at the end   ',
	"quotes ' \" \\ \\n \$1 % _ [x] {y} \@p1 ? ;--",
	"lines\r\nand\ttabs\n\n",
	"control \x{1}\x{1B}\x{7F}\x{85}\x{2028}",
	' ',
);

# The lines of an archive as bytes, without their ends.
sub archive_lines ($file) {
	my $in = IO::Uncompress::Gunzip->new($file) or die "could not read $file\n";
	local $/ = "\n";
	my @lines = <$in>;
	chomp @lines;
	return @lines;
}

# An archive of lines without a last one, which is made for them.
sub archive_write ($file, @lines) {
	my $bytes = join '', map {"$_\n"} @lines;
	my $out = IO::Compress::Gzip->new($file) or die "could not write $file\n";
	$out->print($bytes, '{"end":true,"lines":', scalar @lines,
		',"sha256":"', sha256_hex($bytes), "\"}\n");
	$out->close;
}

# The same as objects, without the last one, each with its kind as "line".
sub archive_objects ($file) {
	my @lines = archive_lines($file);
	pop @lines;
	return map {
		my ($kind) = /^\{"([^"]+)"/;
		+{ %{ decode_json $_ }, line => $kind };
	} @lines;
}

# Waits until the database has what the journal has.
sub archive_stored ($server) {
	wait_for(
		'store to have everything',
		sub {
			my $content = $server->status->{content};
			return $content && $content->{lag} == 0;
		});
}

# One of everything. Returns what the rooms are called by.
sub fill_server ($server) {
	$server->add_users(qw(alice bob carol dave frank zoe));
	my $admin = sub ($method, %params) { $server->admin($method, %params) };
	$admin->(
		'group.add',
		uri => "ma-grp:\x{e9}quipe",
		name => "L'\x{e9}quipe",
		kind => 'group'
	);
	$admin->('group.add', uri => 'ma-grp:ou', name => 'OU', kind => 'folder');
	$admin->('group.members', uri => "ma-grp:\x{e9}quipe", add => [qw(alice bob ma-grp:ou)]);
	$admin->('group.members', uri => 'ma-grp:ou', add => ['carol']);
	$admin->('addin.create', name => 'Board', url => 'https://example.test/?a=1&b=2');
	my $category = $admin->(
		'category.create',
		name => "Lab \x{1F52C}",
		description => 'with all flags',
		files => true,
		authors_remove => true,
		members_leave => true,
		requests => true
	)->{category};
	$admin->(
		'category.roles',
		category => $category,
		allowed => { add => ['*'] },
		denied => { add => ['dave'] },
		creators => { add => ['alice', 'ma-grp:ou'] });
	my @general = (category => 'General');
	my %room = (
		open => $server->add_room('Open', 'for all', @general),
		texts => $server->add_room('Texts', "what is\nhard", @general),
		gaps => $server->add_room('Gaps', 'with holes', @general),
		empty => $server->add_room('Empty', '', @general),
		secret => $server->add_room(
			'Secret', 'hush',
			privacy => 'secret',
			category => $category,
			addin => 'Board',
			type => 'auditorium'
		),
		closed => $server->add_room(
			'Closed', 'shut',
			privacy => 'closed',
			category => $category,
			invitations => false
		),
	);
	$admin->(
		'room.roles',
		room => $room{secret},
		members => { add => [qw(alice carol)] },
		managers => { add => ['alice'] },
		presenters => { add => ['alice'] });
	$admin->('room.roles', room => $room{closed}, members => { add => ["ma-grp:\x{e9}quipe"] });
	_post_all($server, \%room);
	my $bob = Pchat::Client->enter(server => $server, user => 'bob');
	$bob->call('feed.add', name => "w\x{f6}rter", words => 'a b', match => 'any');
	$bob->call('feed.add', name => 'me', words => '', ego => true);
	$bob->call('feed.add', name => 'hers', words => 'x', from => 'alice', room => $room{open});
	$bob->call('marker.set', room => $room{texts}, seq => 2);
	$bob->close;
	my $alice = Pchat::Client->enter(server => $server, user => 'alice');
	$alice->call('invitation.ack', id => 1);
	$alice->close;
	my $frank = Pchat::Client->enter(server => $server, user => 'frank');
	$frank->call('access.request', room => $room{closed}, text => "let me in \x{1F600}");
	$frank->close;
	_set_all($server, $category);
	_put_file($server, $room{open}, 1, "caf\x{e9} \x{1F600} \"1\".txt", 'sip:alice@example.test');
	_put_file($server, $room{closed}, 2, 'plan.pdf', 'sip:zoe@example.test', type => 'application/pdf');
	$admin->('user.disable', uri => 'dave');
	$admin->('user.remove', uri => 'zoe');
	$admin->('room.disable', room => $room{empty});
	archive_stored($server);
	return %room;
}

# A setting of each kind; carol is granted a policy.
sub _set_all ($server, $category) {
	my $admin = sub ($method, %params) { $server->admin($method, %params) };
	my $url = 'https://example.test/?a=1&b=%20';
	my %values = (history => 77, room_management_url => $url);
	$admin->('config.set', scope => 'site:Lab', values => \%values);
	$admin->(
		'policy.create',
		scope => 'Staff',
		values => { description => "who \"works\" \x{1F52C}" });
	$admin->('policy.grant', uri => 'carol', policy => 'staff');
	$admin->('endpoint.create', uri => 'sip:chat@example.test', values => { name => 'Chat' });
	$admin->('endpoint.create', uri => 'sip:bare@example.test');
	$admin->('pool.set', values => { name => 'Main', state => 'failed_over' });
	$admin->('topology.set', values => { document => '{"x":"' . "\x{e9}" x 7000 . '"}' });
	$admin->('retention.set', values => { age => '36000d' });
	$admin->('retention.set', category => $_, values => { messages => 100000 })
		for 'General', $category;
}

# What is known of a file. There is no content: this is about what the database has.
sub _put_file ($server, $room, $number, $name, $from, %more) {
	$server->admin(
		'data.import',
		kind => 'file',
		line => {
			file => sprintf('00000000-0000-4000-8000-%012d', $number),
			room => $room =~ s{.*/}{}r,
			name => $name,
			size => 5 * $number,
			sha256 => sha256_hex($number),
			time => '2025-11-21T09:30:00.123456Z',
			from => $from,
			%more
		});
}

sub _post_all ($server, $room) {
	my $alice = Pchat::Client->enter(server => $server, user => 'alice');
	my $zoe = Pchat::Client->enter(server => $server, user => 'zoe');
	$alice->join_room($room->{$_}) for qw(open texts gaps secret closed);
	$zoe->join_room($room->{open});
	$alice->post($room->{texts}, $_) for @TEXTS;
	$alice->post(
		$room->{texts},
		'<b>rich</b> as text',
		rich => { type => 'text/html', content => "<b>\x{1F600}</b>" });
	$alice->post($room->{texts}, "story \x{1F4D6} " x 40000, title => "A \x{1F4D6} of length");
	$alice->post($room->{open}, 'to all', importance => 'alert');
	$zoe->post($room->{open}, 'by one who goes');
	$alice->post($room->{secret}, 'from the stage');
	$alice->post($room->{gaps}, "message $_") for 1 .. 9;
	$server->admin('message.remove', room => $room->{gaps}, seqs => [4, 9]);
	$server->admin('message.remove', room => $room->{gaps}, seq => 6, replace => 'replaced');
	$server->admin('message.purge', room => $room->{gaps}, seq => 2);
	$_->close for $alice, $zoe;
}

1;
