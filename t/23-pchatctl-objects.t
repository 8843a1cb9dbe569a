use v5.36;
use Mojo::JSON 'false', 'true';
use Test::More;
use Pchat::Client;
use Pchat::Pchatctl;
use Pchat::Server;

# pchatctl's nouns category, room, addin, user and group.
my $server = administer(Pchat::Server->start);
$server->add_users(qw(alice bob));

like(works('a category is made', qw(category create Labs --files yes --history no)),
	qr{^ma-cat://}, 'and its URI is printed');
works('and changed', qw(category update labs --description research --add-allowed *));
is_deeply(
	[@{ json(qw(category get labs)) }{qw(description files history allowed)}],
	['research', true, false, ['*']],
	'properties and lists by one call'
);
like(works('it is shown', qw(category get labs)), qr/^files: +yes$/m, 'line by line');
like(works('categories are listed', qw(category list)), qr/General.*Labs/s, 'by name');

$server->admin('room.create', name => "Lab\x{202e}tac.exe", category => 'Labs');
like(works('rooms are listed', qw(room list)),
	qr/^Lab\\u\{202e\}tac\.exe /m, 'and no name misleads whoever looks');
$server->admin('room.delete', room => "Lab\x{202e}tac.exe");

like(works('a group is added', qw(group add ma-grp:staff --name Crew --kind folder)),
	qr/^ma-grp:staff$/, 'and its URI is printed');
works('it gets members', 'group', 'update', 'ma-grp:staff', '--add-members', 'alice,bob');
works('and loses some', qw(group update ma-grp:staff --remove-members bob));
is_deeply(json(qw(group get ma-grp:staff))->{members}, ['sip:alice@example.test'], 'which shows');
works('and another name', qw(group update ma-grp:staff --name Staff --add-members alice));
like(
	works('groups are listed', qw(group list)),
	qr/ma-grp:staff +Staff +folder +active/,
	'with their kind'
);

works('an add-in is registered', qw(addin create Map --url https://example.test/));
works('and renamed', qw(addin update Map --name Chart));
like(works('it is shown', qw(addin get chart)), qr{^url: +https://example\.test/$}m, 'line by line');
fails('without a change there is no update', 64, qr/nothing to change/, qw(addin update Chart));
works('a room is made',
	qw(room create Atom --category Labs --privacy secret --type auditorium --addin chart));
my $room = json(qw(room get Atom));
is_deeply([@$room{qw(privacy type addin)}], [qw(secret auditorium Chart)], 'as it was described');
works(
	'name and lists are changed together',
	qw(room update Atom --name Molecule --add-members),
	'ma-grp:staff,bob',
	qw(--add-presenters bob --replace-managers alice --if-revision),
	$room->{revision});
is_deeply(
	[map { [sort @$_] } @{ json(qw(room get Molecule)) }{qw(members managers presenters)}],
	[
		['ma-grp:staff', 'sip:bob@example.test'], ['sip:alice@example.test'],
		['sip:bob@example.test']
	],
	'as asked'
);
fails(
	'but not if somebody was faster',
	65, qr/DataCollision/, qw(room update Molecule --name x --if-revision),
	$room->{revision});
works("room $_ is made", 'room', 'create', $_, qw(--category General --privacy open)) for qw(b a c);
my $names = sub (@filter) {
	join ' ', map { $_->{name} } @{ json('room', 'list', @filter)->{rooms} };
};
is($names->(), 'a b c Molecule', 'rooms are listed by name');
is($names->(qw(--limit 2 --offset 1)), 'b c', 'or a part of them');
is($names->(qw(--privacy secret)), 'Molecule', 'or those that a filter lets through');
is($names->(qw(--member alice)), 'Molecule', 'members by a group included');
works('a room is made that is disabled', qw(room create early --category General --disabled yes));
is($names->(qw(--disabled yes)), 'early', 'and nobody gets in before it is enabled');
works('it is deleted', qw(room delete early --yes));
works('a room is disabled', qw(room disable a));
is($names->(qw(--disabled yes)), 'a', 'which shows');
works('and enabled', qw(room enable a));

# --dry-run.
my $before = json(qw(room get Molecule));
like(
	works('a dry run', qw(room update Molecule --name Ion --add-members bob --dry-run)),
	qr/^would call room\.update .*"Ion".*^would call room\.roles .*bob/ms,
	'says what would be done'
);
is_deeply(json(qw(room get Molecule)), $before, 'and does not do it');
fails('it finds a name that is in use',
	65, qr/in use/, qw(room update Molecule --name LABS --dry-run));
fails('and users who do not exist',
	65, qr/NoSuchPrincipal/, qw(room update Molecule --add-members nobody --dry-run));
fails('and rooms that do not exist', 65, qr/NoSuchNode/, qw(room delete Nothing --dry-run));
fails('and another revision',
	65, qr/DataCollision/, qw(room update Molecule --name x --if-revision 99 --dry-run));
fails('and a category with rooms in it', 65, qr/InvalidFlow/, qw(category delete Labs --dry-run));

fails('and a user who is there',
	65, qr/AlreadyDefined/, qw(user add Alice@example.test --dry-run));
like(works('of a new one', qw(user add carol --dry-run)),
	qr/would call user\.add/, 'it says what it would do, and asks for no password');
fails('and somebody whose password cannot be changed',
	65, qr/NoSuchPrincipal/, qw(user passwd carol --dry-run));
like(
	works('and of a room for tests', qw(test setup alice bob --dry-run)),
	qr/room\.create.*room\.roles/s,
	'it says both'
);
fails('but not for strangers', 65, qr/NoSuchPrincipal/, qw(test setup alice carol --dry-run));

# Deleting asks.
fails('nothing is deleted where nobody can be asked', 64, qr/--yes/, qw(room delete b));
fails("nor is a $_->[0] removed", 64, qr/--yes/, @$_)
	for [qw(user remove alice)], [qw(group remove ma-grp:staff)];
works("$_->[0] is deleted", @{$_}[0 .. 2], '--yes')
	for [qw(room delete b)], [qw(room delete Molecule)], [qw(addin delete chart)],
	[qw(category delete Labs)];
is($names->(), 'a c', 'what was deleted is gone');

# Rooms by the size of what is in them: text and rich part of one message are 24000 bytes.
works('an empty room is made', qw(room create m --category General --privacy open));
my %uri = map { $_->{name} => $_->{room} } @{ json(qw(room list))->{rooms} };
my $alice = Pchat::Client->enter(server => $server, user => 'alice');
for (['a', 43], ['c', 44]) {
	my ($name, $count) = @$_;
	$alice->join_room($uri{$name});
	$alice->post(
		$uri{$name},
		"\N{U+e4}" x 4000,
		rich => { type => 'text/html', content => 'x' x 16000 }
	) for 1 .. $count;
}
is($names->(qw(--content-exceeds 1)), 'c', 'only the room above a megabyte is listed');
is($names->(qw(--content-exceeds 0)), 'a c', 'or all that are not empty');
is($names->(qw(--content-exceeds 2)), '', 'or none');
is($names->(qw(--content-exceeds 0 --limit 1 --offset 1)), 'c', 'in pages');
works('one of them is disabled', qw(room disable c));
is($names->(qw(--content-exceeds 0 --disabled no)), 'a', 'and other filters hold, too');
is(
	join(
		' ',
		map { $_->{name} }
			map { @{ $server->admin('room.list', content_exceeds => $_)->{rooms} } }
			44 * 24000 - 1,
		44 * 24000
	),
	'c',
	'a room has to have more bytes than that'
);
works('all but one message are purged', qw(message purge c --through 43 --yes));
is($names->(qw(--content-exceeds 1)), '', 'which count no more');
works('it is enabled', qw(room enable c));
is($alice->refusal('room.search', content_exceeds => 0),
	'ErrorPermission', 'a user cannot have rooms measured');
fails('a wrong number of megabytes',
	64, qr/number of megabytes/, qw(room list --content-exceeds), $_)
	for '-1', '1.5', 'x', '', 2**43;
$alice->end;

works('a user gets another name', qw(user update alice --name), "Alice the Second");
like(works('he is shown', qw(principal get alice)),
	qr/^name: +Alice the Second\n.*^groups: +ma-grp:staff\n/ms, 'with his groups');
like(works('and found by it', qw(user list SECOND)), qr/alice/, 'without regard to case');
unlike(works('others', qw(user list second)), qr/bob/, 'are left out');
works('a user is disabled', qw(principal disable alice));
like(works('users are listed', qw(user list)), qr/alice.*disabled/, 'with their state');
works('and enabled', qw(user enable alice));
works('a group is removed', qw(group remove ma-grp:staff --yes));

fails('a wrong yes or no is an error of usage',
	64, qr/yes or no/, qw(room create x --invitations maybe));
fails('an option of another verb', 64, qr/--url is none.*usage: pchatctl room get/s,
	qw(room get a --url x));
fails('an argument that is missing', 64, qr/missing.*usage: pchatctl room get/s, qw(room get));
fails('one too many', 64, qr/too many/, qw(room get a b));
fails('a verb that there is not', 64, qr/room has no verb "explode"/, qw(room explode));
fails('and no such noun', 64, qr/no noun "bomb"/, qw(bomb explode));
fails('a wrong word', 65, qr/InvalidArgument/, qw(room create x --category General --privacy x));
works('there is another category', qw(category create Another));
fails('a room of no category where there are several',
	65, qr/InvalidArgument.*--category says which/, qw(room create x));
fails('an update without a change', 64, qr/nothing to change/, qw(room update a));

done_testing;
