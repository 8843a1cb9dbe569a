use v5.36;
use Test::More;
use Time::HiRes 'time';
use Pchat::Client;
use Pchat::Disk;
use Pchat::Load;
use Pchat::Postgres;
use Pchat::Server;
use Pchat::Wait;

# What can happen to a PostgreSQL under load: a lock that is held for long, a deadlock, a death in the
# middle of a batch, a disk that is full. Chat goes on, and in the end SQL has every message once.
plan skip_all => 'PostgreSQL is not installed' if !Pchat::Postgres->directory_of_programs;

my $postgres = Pchat::Postgres->start(settings => { deadlock_timeout => '500ms' });
my $server = Pchat::Server->new(tls => 0, postgres => $postgres);
$server->configure({ limits => { history => 500 }, journal => { size => '64M' } });
$server->launch;
$server->wait_ready;
$server->add_users(qw(alice bob carol));
my $content = $server->{content};

sub wait_postgres_log ($text) {
	return wait_for("\"$text\" in PostgreSQL's log", sub { index($postgres->log, $text) >= 0 });
}

# Runs code while a room is written to; then all must be there. The longest time that a post took.
sub under_load ($what, $code) {
	my $room = $server->add_room($what);
	my $load = Pchat::Load->new(server => $server, room => $room, users => [qw(alice bob)]);
	my $carol = Pchat::Client->new(server => $server, user => 'carol')->connect->sign_in;
	my ($longest, $count) = (0, 0);
	$carol->join_room($room);
	my $post = sub () {
		my $began = time;
		$carol->post($room, 'how long does it take');
		my $took = time - $began;
		$longest = $took if $took > $longest;
		$count++;
		$carol->notes;
	};
	$load->proceed(50);
	$code->($load, $post);
	$load->proceed(50);
	$load->finish;
	$carol->close;
	is_deeply($load->{faults}, [], "$what: no client saw a gap or an error that is none");
	my $all = $load->acked + $count;
	is_deeply(
		[map { $_->{seq} } $server->stored($room, $all)],
		[1 .. $all],
		"$what: SQL has every message once and in order"
	);
	note sprintf '%s: %d posts of one client, the longest took %.0f ms', $what, $count,
		$longest * 1000;
	return $longest;
}

# Waits until somebody waits for a lock. What a transaction sees of others does not change, so that it is
# asked outside of one.
sub wait_blocked () {
	my $db = $postgres->connect($content);
	wait_for(
		'the store to wait for a lock',
		sub {
			return $db->selectrow_array(
				q{SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'});
		});
	$db->disconnect;
}

# --- A lock that is held for longer than the store waits. ---

my @stores = $server->pids('store');
under_load(
	'lock',
	sub ($load, $post) {
		my $db = $postgres->connect($content);
		$db->begin_work;
		$db->do('LOCK TABLE pc_message IN ACCESS EXCLUSIVE MODE');
		wait_postgres_log('canceling statement due to lock timeout');
		$post->() for 1 .. 20;
		$load->proceed(50);
		$db->rollback;
		$db->disconnect;
	});
is_deeply([$server->pids('store')], \@stores, 'the store lives on');

# --- A deadlock: the store has rows of rooms and wants the cursor's row, we the other way round. ---

my $ours = 0;
under_load(
	'deadlock',
	sub ($load, $post) {
		for my $round (1 .. 3) {
			my $db = $postgres->connect($content);
			$db->begin_work;
			$db->do('SELECT * FROM pc_cursor FOR UPDATE');
			$post->();
			wait_blocked();
			# One of the two is chosen; we may be.
			eval { $db->do('UPDATE pc_room SET folded = folded'); 1 }
				and eval { $db->commit };
			$ours++ if $@;
			$db->disconnect;
			$post->() for 1 .. 5;
		}
		wait_postgres_log('deadlock detected');
		$load->proceed(50);
	});
my $detected = () = $postgres->log =~ /deadlock detected/g;
note "$detected deadlocks, $ours of which the other one lost";
cmp_ok($detected, '>', 0, 'there were deadlocks');

# --- It dies between the rows of a batch and its commit. ---

under_load(
	'death',
	sub ($load, $post) {
		for my $round (1 .. 3) {
			my $db = $postgres->connect($content);
			$db->begin_work;
			$db->do('SELECT * FROM pc_cursor FOR UPDATE');
			$post->();
			wait_blocked();
			$postgres->kill;
			eval { $db->disconnect };
			$post->() for 1 .. 20;
			$load->proceed(50);
			$postgres->launch;
			$load->proceed(50);
		}
	});

# --- The disk is full. ---

SKIP: {
	my $directory = "$postgres->{scratch}/disk";
	my $disk = Pchat::Disk->mount($directory, '4M')
		or skip 'no file system can be mounted here', 3;
	chown $postgres->{account}{uid}, $postgres->{account}{gid}, $directory;
	chmod 0700, $directory;
	$postgres->do('postgres', "CREATE TABLESPACE small LOCATION '$directory'");
	$postgres->do($content, 'ALTER TABLE pc_message SET TABLESPACE small');
	under_load(
		'disk full',
		sub ($load, $post) {
			my $text = 'x' x 8000;
			my $filler = Pchat::Client->new(server => $server, user => 'carol')
				->connect->sign_in;
			my $room = $server->add_room('filler');
			$filler->join_room($room);
			until ($postgres->log =~ /No space left on device/) {
				# What does not compress.
				$filler->post($room, join '', map { chr 33 + rand 90 } 1 .. 8000);
				$filler->notes;
			}
			$post->() for 1 .. 50;
			$load->proceed(200);
			$filler->close;
			pass('chat goes on while the disk is full');
			$disk->resize('200M');
		});
}

is($server->status->{content}{dead_letters}, 0, 'nothing became a dead letter');
is(($server->pchatctl(qw(data verify)))[0], 0, 'database and cache agree');
ok($server->finish, 'the server ends without complaint');
$postgres->finish;
done_testing;
