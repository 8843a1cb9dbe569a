package Pchat::Model;

# The room access sample of the original, written straight into a content database: 150,000 users in
# 33,077 rooms with 731,088 roles, to the last one.
#
#   my $counts = Pchat::Model::fill($db, 1);     # 20: a twentieth of it
#
# $db is a DBI handle on a database with the schema of this version and nothing in it but what that
# begins with. Users are in teams of 50, teams in departments and divisions, so that everybody is in a
# dozen groups, directly or not.

use v5.36;

use constant {
	ROWS => 200,    # of one statement
	TEAM => 50,
	DEPARTMENT => 32,    # teams of one
	ANY_USER => 4294967295,
	CLOSED => 3,
	OPEN => 6,
	NORMAL => 4,
	AUDITORIUM => 5,
	MEMBER => 4,
	MANAGER => 5,
	PRESENTER => 6,
};

# Rooms by size: how many, how many of them are open, auditoriums with presenters; of the others so many
# have users as members, all the rest groups; members by name and by group in all; managers in all.
my @sizes = ({
		rooms => 32_000,
		open => 960,
		auditoriums => 0,
		by_name => 15_520,
		names => 465_600,
		groups => 46_560,
		managers => 192_000
	},
	{
		rooms => 1067,
		open => 32,
		auditoriums => 32,
		by_name => 104,
		names => 15_520,
		groups => 4656,
		managers => 6400
	},
	{
		rooms => 10,
		open => 5,
		auditoriums => 5,
		by_name => 0,
		names => 0,
		groups => 50,
		managers => 60,
		presenters => 10
	},
);

# Rows into a table, many by one statement.
sub _writer ($db, $table, @columns) {
	my @pending;
	my $one = '(' . join(', ', ('?') x @columns) . ')';
	my $flush = sub {
		return if !@pending;
		my $rows = @pending / @columns;
		$db->do(
			"INSERT INTO $table (@{[join ', ', @columns]}) VALUES "
				. join(', ', ($one) x $rows),
			undef,
			splice @pending
		);
	};
	return sub (@row) {
		push @pending, @row;
		$flush->() if !@row || @pending >= ROWS * @columns;
	};
}

# The i-th of $count parts of $all, as even as whole numbers can be.
sub _share ($all, $count, $i) {
	return int($all * ($i + 1) / $count) - int($all * $i / $count);
}

sub _uuid ($id) { return sprintf '%08x-0000-4000-8000-%012x', $id, $id }

sub _people ($db, $users, $counts) {
	my $put = _writer($db, 'pc_principal', qw(id kind state epoch uri name));
	my $join = _writer($db, 'pc_affiliation', qw(member group_id));
	my $teams = int(($users + TEAM - 1) / TEAM);
	my $departments = int(($teams + DEPARTMENT - 1) / DEPARTMENT);
	my $group = sub ($id, $name) { $put->($id, 9, 0, 0, "ma-grp:$name", $name) };
	$put->($_, 5, 0, 0, sprintf('sip:user%06d@example.test', $_), sprintf('User %06d', $_))
		for 1 .. $users;
	my ($first_team, $first_department) = ($users + 1, $users + 1 + $teams);
	my $company = $first_department + $departments;
	$group->($first_team + $_, "team$_") for 0 .. $teams - 1;
	$group->($first_department + $_, "department$_") for 0 .. $departments - 1;
	$group->($company, 'company');
	my $affiliate = sub ($member, $to) { $join->($member, $to); $counts->{affiliations}++ };
	$affiliate->($_, $first_team + int(($_ - 1) / TEAM)) for 1 .. $users;

	for my $team (0 .. $teams - 1) {
		# A team works for its own department and, now and then, for others.
		my %of = map { ($team + $_) % $departments => 1 } 0, 3, 7;
		$of{ int($team / DEPARTMENT) } = 1;
		$affiliate->($first_team + $team, $first_department + $_) for sort keys %of;
	}
	$affiliate->($first_department + $_, $company) for 0 .. $departments - 1;
	$put->(), $join->();
	$counts->{users} = $users;
	$counts->{groups} = $teams + $departments + 1;
	return { users => $users, first => $first_team, groups => $teams, last => $company };
}

# Members, managers and presenters of one room; all different, and spread over everybody.
sub _roles ($role, $id, $people, $size, $want) {
	my $user = sub ($n) { 1 + ($id * 97 + $n * 131) % $people->{users} };
	my $group = sub ($n) { $people->{first} + ($id * 31 + $n) % $people->{groups} };
	my %given;
	my $give = sub ($who, $what) {
		$role->(2, $id, $who, $what) if !$given{"$who $what"}++;
	};
	my @names = map { $user->($_) } 0 .. ($want->{names} // 0) - 1;
	my @groups = map { $group->($_) } 0 .. ($want->{groups} // 0) - 1;
	$give->($_, MEMBER) for @names, @groups;
	$give->($user->($_), MANAGER) for 0 .. $want->{managers} - 1;
	my @presenters = @names ? @names[0 .. 5] : @groups;
	$give->($_, PRESENTER) for $want->{auditorium} ? @presenters : ();
	return scalar keys %given;
}

sub _rooms ($db, $size, $scale, $people, $id, $counts) {
	my $put = _writer($db, 'pc_room',
		qw(id uuid name description disabled created last_seq folded category privacy behavior)
	);
	my $role = _writer($db, 'pc_role', qw(kind node principal role));
	my $part = sub ($name) { int($size->{$name} / $scale + 0.5) };
	my ($rooms, $open, $by_name) = map { $part->($_) } qw(rooms open by_name);
	$open = $rooms if $open > $rooms;
	$by_name = $rooms - $open if $by_name > $rooms - $open;
	my $by_group = $rooms - $open - $by_name;
	for my $i (0 .. $rooms - 1) {
		my ($n, $kind) =
			  $i < $by_name ? ($i, 'name')
			: $i < $by_name + $by_group ? ($i - $by_name, 'group')
			: (0, 'open');
		my %want = (
			managers => _share($part->('managers'), $rooms, $i),
			names => $kind eq 'name' ? _share($part->('names'), $by_name, $n) : 0,
			groups => $kind eq 'group' ? _share($part->('groups'), $by_group, $n) : 0,
			auditorium => $kind ne 'open' && $i < $part->('auditoriums'),
		);
		$put->(
			$$id,
			_uuid($$id),
			"Room $$id",
			"sample room $$id",
			0,
			1_700_000_000_000_000 + $$id,
			0,
			"room $$id\nsample room $$id",
			1,
			$kind eq 'open' ? OPEN : CLOSED,
			$want{auditorium} ? AUDITORIUM : NORMAL
		);
		$counts->{roles} += _roles($role, $$id, $people, $size, \%want);
		$counts->{rooms}++;
		$$id++;
	}
	$put->(), $role->();
}

sub fill ($db, $scale) {
	my %counts = (rooms => 0, roles => 0, affiliations => 0);
	my $id = 1;
	$db->begin_work;
	my $people = _people($db, int(150_000 / $scale), \%counts);
	_rooms($db, $_, $scale, $people, \$id, \%counts) for @sizes;
	$db->do('UPDATE pc_cursor SET last_principal = ?, last_room = ?',
		undef, $people->{last}, $id - 1);
	$db->commit;
	return \%counts;
}

1;
