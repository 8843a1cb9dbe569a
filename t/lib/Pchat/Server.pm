package Pchat::Server;

# A pchatd of the build tree with a directory and a loopback address of its own.
#
#   my $server = Pchat::Server->start(conf => { journal => { size => '1M' } });
#   $server->add_users(qw(alice bob));
#   my $room = $server->add_room('lobby');
#
# Options: tls => 0 for plain text; conf: settings over the defaults below; environment; postgres: the
# Pchat::Postgres or Pchat::Mssql that has its content database; records: the one that has its
# compliance database. Where PCHAT_TEST_DATABASE says "postgresql" or "mssql" every server gets one,
# all servers of a test the same; else the database is SQLite's.
# When the server stops, what its log says of sanitizers and unexpected deaths fails the test.

use v5.36;
use Cwd 'abs_path';
use DBI;
use File::Basename 'basename';
use File::Path 'remove_tree';
use File::Temp 'tempdir';
use IO::Socket::UNIX;
use Mojo::JSON 'decode_json', 'encode_json';
use POSIX ':sys_wait_h', 'setpgid';
use Pchat::Client;
use Pchat::Disk;
use Pchat::Mssql;
use Pchat::Postgres;
use Pchat::Wait;
use Test::More ();

our $build = abs_path($ENV{PCHAT_BUILD} // '.');
my %all;    # every server of this test, for the end

sub new ($class, %option) {
	state $number = 0;
	my $directory = tempdir('pchat-test.XXXXXX', TMPDIR => 1);
	my $self = bless {
		directory => $directory,
		# A process id has at most 22 bits: no two tests share an address.
		address => join('.', 127, ($$ >> 16) + 1, $$ >> 8 & 255, $$ & 255),
		port => 21700 + $number++,
		tls => $option{tls} // 1,
		environment => $option{environment} // {},
		expected => {},
		passwords => {},
		owner => $$,
		postgres => $option{postgres} // _postgres(),
	}, $class;
	$all{$self} = $self;
	$self->{content} = $self->{postgres}->add_database("content$self->{port}") if $self->{postgres};
	$self->{keeper} = $option{records} // $self->{postgres};
	$self->{records} = $self->{keeper}->add_database("records$self->{port}") if $self->{keeper};
	mkdir "$directory/$_" or die "could not make $directory/$_: $!\n" for qw(state run);
	$self->_make_certificate if $self->{tls};
	$self->configure($option{conf} // {});
	return $self;
}

# The one for all servers of this test, if they are to have one.
sub _postgres () {
	state $server;
	my $kind = $ENV{PCHAT_TEST_DATABASE} // 'sqlite';
	my %class = (postgresql => 'Pchat::Postgres', mssql => 'Pchat::Mssql');
	return undef if $kind eq 'sqlite';
	die "PCHAT_TEST_DATABASE must be sqlite, postgresql or mssql\n" if !$class{$kind};
	return $server //= $class{$kind}->start;
}

# Made, started and ready.
sub start ($class, %option) {
	my $self = $class->new(%option);
	$self->launch;
	$self->wait_ready;
	return $self;
}

sub tls ($self) { return $self->{tls} }
sub address ($self) { return $self->{address} }
sub port ($self) { return $self->{port} }
sub directory ($self) { return $self->{directory} }
sub certificate ($self) { return "$self->{directory}/certificate.pem" }
sub configuration ($self) { return "$self->{directory}/pchatd.conf" }
sub log_file ($self) { return "$self->{directory}/log" }
sub journal ($self) { return "$self->{state}/journal" }
sub database ($self) { return "$self->{state}/content.db" }
sub admin_socket ($self) { return "$self->{directory}/run/admin.sock" }
sub control_socket ($self) { return "$self->{directory}/run/control.sock" }
sub pid ($self) { return $self->{pid} }

sub url ($self) {
	return ($self->{tls} ? 'wss' : 'ws') . "://$self->{address}:$self->{port}/pchat";
}

# Writes the configuration: defaults, and over them the sections given.
sub configure ($self, $changes) {
	my $directory = $self->{directory};
	my %conf = (
		'' => {
			domain => 'example.test',
			user => '',
			worker_user => '',
			admin_user => '',
			state_directory => "$directory/state",
			run_directory => "$directory/run",
		},
		journal => { size => '4M' },
		workers => { active => 2, standby => 1 },
		cache => {
			rooms => 1000,
			principals => 1000,
			sessions => 2000,
			participants => 4000,
			messages => 20000
		},
		json => {
			listen => ["$self->{address}:$self->{port}"],
			connections => 2000,
			$self->{tls}
			? (certificate => $self->certificate, key => "$directory/key.pem")
			: (tls => 'false'),
		},
		auth => { iterations => 4096, mechanisms => ['SCRAM-SHA-256', 'PLAIN'] },
		$self->{postgres} ? (content => { dsn => [$self->dsn] }) : (),
		compliance => {
			user => '',
			$self->{keeper} ? (dsn => [$self->records_dsn]) : (),
		},
	);
	for my $section (keys %$changes) {
		$conf{$section} = { %{ $conf{$section} // {} }, %{ $changes->{$section} } };
	}
	$self->{state} = $conf{''}{state_directory};
	# The sequencer, the store, pchat-auth, the workers, the readers, pchat-compliance, pchat-admin,
	# pchat-file.
	$self->{children} =
		3 + $conf{workers}{active} + $conf{workers}{standby} + ($conf{content}{readers} // 2) +
		(($conf{compliance}{enabled} // '') eq 'true' && 1 + !!grep {/^adapter /} keys %conf);
	$self->{children}++ if $conf{admin}{listen};
	$self->{children}++ if $conf{files}{directory};
	open my $out, '>', $self->configuration or die "could not write the configuration: $!\n";
	print $out map { _section($_, $conf{$_}) } sort keys %conf;
	close $out or die "could not write the configuration: $!\n";
}

sub _section ($name, $settings) {
	my @lines = map { "$_ = " . _value($settings->{$_}) . "\n" }
		grep { defined $settings->{$_} } sort keys %$settings;
	return $name eq '' ? @lines : ("$name {\n", (map {"\t$_"} @lines), "}\n");
}

sub _value ($value) {
	return '{' . join(', ', map { _value($_) } @$value) . '}' if ref $value eq 'ARRAY';
	return $value =~ /^\d+$/ ? $value : '"' . $value =~ s/(["\\])/\\$1/gr . '"';
}

sub _make_certificate ($self) {
	my @command = (
		'openssl', 'req',
		'-x509', '-newkey',
		'ec', '-pkeyopt',
		'ec_paramgen_curve:prime256v1', '-nodes',
		'-days', 2,
		'-subj', '/CN=pchat test',
		'-addext', "subjectAltName=IP:$self->{address}",
		'-keyout', "$self->{directory}/key.pem",
		'-out', $self->certificate
	);
	my $output = `@{[map { "'$_'" } @command]} 2>&1`;
	die "could not make a certificate: $output\n" if $?;
}

# Starts the master; it may not be ready yet.
sub launch ($self) {
	my $pid = fork // die "could not fork: $!\n";
	if (!$pid) {
		setpgid(0, 0);
		$ENV{ASAN_OPTIONS} =
			"log_path=$self->{directory}/sanitizer:verify_asan_link_order=0";
		$ENV{UBSAN_OPTIONS} = "log_path=$self->{directory}/sanitizer:print_stacktrace=1";
		$ENV{PCHAT_FAULT_FILE} = $self->fault_file;
		$ENV{$_} = $self->{environment}{$_} for keys %{ $self->{environment} };
		open STDOUT, '>>', $self->log_file or die;
		open STDERR, '>&', \*STDOUT or die;
		exec "$build/daemon/pchatd", '-F', '-L', $build, '-f', $self->configuration;
		die "could not start pchatd: $!\n";
	}
	$self->{pid} = $pid;
}

# Ready: an administrator is answered by a sequencer that has loaded.
# All of it: a standby or a reader may be late.
sub wait_ready ($self) {
	wait_for(
		'server to be ready',
		sub {
			die "pchatd ended while it started\n" . $self->log_tail if !$self->running;
			my ($error) = eval { $self->try_admin('user.list', limit => 1) };
			return !$@ && !$error && $self->processes == $self->{children};
		});
}

sub running ($self) {
	return 0 if !$self->{pid};
	return 1 if waitpid($self->{pid}, WNOHANG) == 0;
	$self->{status} = $?;
	undef $self->{pid};
	return 0;
}

# What the server logged; of a log that has run wild only the first megabytes.
sub log ($self) {
	open my $in, '<', $self->log_file or return '';
	read $in, my $text, 8 << 20;
	return $text // '';
}

# The last lines of it.
sub log_tail ($self) {
	open my $in, '<', $self->log_file or return '';
	seek $in, -8000, 2 if -s $in > 8000;
	read $in, my $text, 8000;
	return $text // '';
}

# --- Administration, by the socket itself; pchatctl is what t/2x are about. ---

# One call on a connection of its own; (error, result) as in Pchat::Client.
sub try_admin ($self, $method, %params) {
	my $socket = IO::Socket::UNIX->new(Peer => $self->admin_socket)
		or die "could not connect to the admin socket: $!\n";
	local $SIG{ALRM} = sub { die "no answer to $method\n" };
	alarm 30;
	print $socket encode_json(
		{ jsonrpc => '2.0', id => 1, method => $method, params => \%params }), "\n";
	$socket->flush;
	my $line = <$socket>;
	alarm 0;
	die "the admin socket was closed without an answer\n" if !defined $line;
	my $answer = decode_json $line;
	my $error = $answer->{error};
	return ($error && { %$error, name => $error->{data}{name} }, $answer->{result});
}

# Asks again while the server says that it is busy or loading, or dies. A repeated request may find
# that the first one was done after all.
sub admin ($self, $method, %params) {
	my ($result, $cut);
	wait_for(
		"answer to $method",
		sub {
			(my $error, $result) = eval { $self->try_admin($method, %params) };
			return !($cut = 1)
				if $@ || $error && $error->{name} =~ /^(busy|unavailable|timeout)$/;
			return 1 if !$error || $cut && $error->{name} =~ /AlreadyDefined/;
			die "$method: $error->{name}: $error->{message}\n";
		});
	return $result;
}

sub add_users ($self, @names) {
	for my $name (@names) {
		$self->{passwords}{$name} = "secret of $name";
		$self->admin(
			'user.add',
			uri => $name,
			name => ucfirst $name,
			password => $self->{passwords}{$name});
	}
}

sub password ($self, $user) { return $self->{passwords}{$user} }

# Open to everybody, unless the settings say other things.
sub add_room ($self, $name, $description = "where $name is talked about", %settings) {
	return $self->admin(
		'room.create',
		name => $name,
		description => $description,
		privacy => 'open',
		%settings
	)->{room};
}

# Runs pchatctl of the build tree; (exit status, output and errors).
sub pchatctl ($self, @arguments) {
	return $self->command("$build/daemon/pchatctl", '-f', $self->configuration, @arguments);
}

# Runs a program to its end; (exit status, output and errors).
sub command ($self, @command) {
	open my $pipe, '-|', _with_errors(@command) or die "could not run $command[0]: $!\n";
	local $/;
	my $output = <$pipe> // '';
	close $pipe;
	return ($? >> 8 || $?, $output);
}

sub _with_errors (@command) {
	return ('/bin/sh', '-c', 'exec "$@" 2>&1 </dev/null', 'sh', @command);
}

sub status ($self) {
	my ($code, $output) = $self->pchatctl('status', '--json');
	die "pchatctl status failed: $output\n" if $code;
	return decode_json $output;
}

# --- Processes. ---

# The children as the kernel knows them: a list of {pid, role}.
sub processes ($self) {
	my @found;
	for my $directory (glob '/proc/[0-9]*') {
		open my $in, '<', "$directory/stat" or next;
		my ($parent) = (<$in> // '') =~ /\) \S (\d+) [^)]*$/ or next;
		next if $parent != ($self->{pid} // 0);
		my $program = readlink "$directory/exe" or next;
		my ($role) = $program =~ m{/pchat-(\w+)(?: \(deleted\))?$} or next;
		push @found, { pid => basename($directory), role => $role };
	}
	return @found;
}

sub pids ($self, $role) {
	my @pids = sort { $a <=> $b } map { $_->{pid} } grep { $_->{role} eq $role } $self->processes;
	return @pids;
}

# The worker that serves a client: whose process holds the other end of its connection.
sub worker_of ($self, $client) {
	my $own = sprintf '%02X' x 4, reverse split /[.]/, $self->{address};
	my $ends = sprintf '%s:%04X [0-9A-F]{8}:%04X 01', $own, $self->{port}, $client->local_port;
	open my $in, '<', '/proc/net/tcp' or die "could not read /proc/net/tcp: $!\n";
	my ($line) = grep {/$ends/} <$in> or return;
	my $socket = 'socket:[' . (split ' ', $line)[9] . ']';
	for my $pid ($self->pids('worker')) {
		return $pid if grep { (readlink($_) // '') eq $socket } glob "/proc/$pid/fd/*";
	}
	return;
}

# One signed-in client for each user, no two of them on the same worker.
sub spread ($self, @users) {
	my (%taken, @clients);
	for my $user (@users) {
		push @clients, wait_for(
			"$user to reach another worker",
			sub {
				my $client =
					Pchat::Client->new(server => $self, user => $user)->connect;
				my $worker = $self->worker_of($client);
				return $client->sign_in if defined $worker && !$taken{$worker}++;
				$client->close;
				return;
			});
	}
	return @clients;
}

# The test makes these processes end; their deaths are no surprise.
sub expect_end ($self, @pids) {
	$self->{expected}{$_} = 1 for @pids;
}

# Sends KILL (or another signal).
sub kill ($self, $pids, $signal = 'KILL') {
	my @pids = ref $pids ? @$pids : $pids;
	$self->expect_end(@pids);
	CORE::kill($signal, @pids);
}

# Kills one process of a role and waits until another serves in its place.
sub kill_role ($self, $role) {
	my @before = $self->pids($role) or die "there is no $role to kill\n";
	$self->kill($before[0]);
	wait_for(
		"new $role",
		sub {
			my @now = $self->pids($role);
			return @now == @before && !grep { $_ == $before[0] } @now;
		});
	return $before[0];
}

# --- How it was built, and fault points. ---

sub fault_file ($self) { return "$self->{directory}/fault" }

sub has_faults ($class) { return _configured('PCHAT_FAULTS') }
sub has_sanitizers ($class) { return _configured('PCHAT_SANITIZERS') }

sub _configured ($name) {
	open my $in, '<', "$build/config.h" or return 0;
	return scalar grep {/^#define $name 1/} <$in>;
}

# The process that comes through the named point for the count-th time dies there.
sub arm_fault ($self, $name, $count = 1) {
	open my $out, '>', $self->fault_file . '.new' or die;
	print $out "$name $count\n";
	close $out;
	rename $self->fault_file . '.new', $self->fault_file or die;
	$self->{fault_used} = 1;
}

sub fault_pending ($self) { return -e $self->fault_file }

sub disarm_fault ($self) { return unlink $self->fault_file }

# --- The databases, as an outsider sees them. ---

sub postgres ($self) { return $self->{postgres} }

# By which dialect it is used: sqlite, postgresql or mssql.
sub dialect ($self) {
	return !$self->{postgres} ? 'sqlite' : $self->{postgres}->isa('Pchat::Mssql') ? 'mssql' : 'postgresql';
}

sub dsn ($self) { return $self->{postgres}->dsn($self->{content}) }

# A connection of DBI.
sub connect_sql ($self, %attributes) {
	return $self->{postgres}->connect($self->{content}) if $self->{postgres};
	return _connect_sqlite($self->database, %attributes);
}

sub _connect_sqlite ($file, %attributes) {
	my $db = DBI->connect("dbi:SQLite:dbname=$file",
		'', '', { RaiseError => 1, PrintError => 0, sqlite_unicode => 1, %attributes });
	$db->sqlite_busy_timeout(30000);
	return $db;
}

# The same for the compliance database.
sub records_dsn ($self) { return $self->{keeper}->dsn($self->{records}) }
sub records_database ($self) { return "$self->{state}/compliance/records.db" }

sub connect_records ($self, %attributes) {
	return $self->{keeper}->connect($self->{records}) if $self->{keeper};
	return _connect_sqlite($self->records_database, %attributes);
}

# The records of some types, or all, in their order.
sub records ($self, @types) {
	my $db = $self->connect_records(ReadOnly => 1);
	my $rows = $db->selectall_arrayref('SELECT * FROM pcc_record ORDER BY number', { Slice => {} });
	$db->disconnect;
	my %wanted = map { $_ => 1 } @types;
	return grep { !@types || $wanted{ $_->{type} } } @$rows;
}

# Everything that is durable is on record.
sub wait_recorded ($self) {
	wait_for(
		'everything to be on record',
		sub {
			my $status = $self->status;
			my ($compliance) =
				grep { $_->{role} eq 'compliance' } @{ $status->{processes} };
			return ($compliance->{cursor} // 0) >= $status->{journal}{durable};
		});
}

# A statement that copies a table, and a table of the numbers from 1 on, in the words of the database.
sub copy_sql ($self, $from, $to) {
	return "SELECT * INTO $to FROM $from" if $self->dialect eq 'mssql';
	return "CREATE TABLE $to AS SELECT * FROM $from";
}

sub numbers_sql ($class, $count) {
	my $digits = '(' . join(' UNION ALL ', 'SELECT 0 AS i', map {"SELECT $_"} 1 .. 9) . ')';
	return "(SELECT 1 + a.i + 10 * b.i + 100 * c.i + 1000 * d.i AS i FROM $digits AS a,"
		. " $digits AS b, $digits AS c, $digits AS d"
		. " WHERE a.i + 10 * b.i + 100 * c.i + 1000 * d.i < $count)";
}

# Changes the database behind the server's back.
sub change_sql ($self, @statements) {
	my $db = $self->connect_sql;
	$db->do($_) for @statements;
	$db->disconnect;
}

sub sql ($self, $query, @values) {
	my $db = $self->connect_sql(ReadOnly => 1);
	my $rows = $db->selectall_arrayref($query, { Slice => {} }, @values);
	$db->disconnect;
	return @$rows;
}

# The messages of a room in SQL, in order, once there are so many of them.
sub stored ($self, $room, $count) {
	my ($uuid) = $room =~ m{([^/]+)$};
	my $query =
		'SELECT m.seq, m.client_id AS id, m.body AS text, p.uri AS author FROM pc_message m'
		. ' JOIN pc_room r ON r.id = m.room JOIN pc_principal p ON p.id = m.author'
		. ' WHERE r.uuid = ? ORDER BY m.seq';
	return @{
		wait_for(
			"$count messages in SQL",
			sub {
				my @rows = $self->sql($query, $uuid);
				return @rows >= $count && \@rows;
			}) };
}

# --- The end. ---

# An orderly stop; the exit status of the master.
sub stop ($self) {
	return if !$self->running;
	CORE::kill('TERM', $self->{pid});
	wait_for('orderly stop', sub { !$self->running });
	return $self->{status};
}

# Kills the master as hard as can be and waits until its children, who see it, are gone, too.
sub kill_master ($self) {
	my @children = map { $_->{pid} } $self->processes;
	$self->expect_end(@children);
	CORE::kill('KILL', $self->{pid});
	$self->_wait_gone(@children);
}

# Kills all at once, as when the power fails: none sees another one die, and ends in order.
sub kill_all ($self) {
	my @all = ($self->{pid}, map { $_->{pid} } $self->processes);
	$self->kill(\@all, 'STOP');
	$self->kill(\@all);
	$self->_wait_gone(@all);
}

sub _wait_gone ($self, @pids) {
	wait_for('death of the master', sub { !$self->running });
	wait_for(
		'end of its children',
		sub {
			!grep { CORE::kill(0, $_) } @pids;
		});
}

sub restart ($self) {
	$self->stop;
	$self->launch;
	$self->wait_ready;
}

# What went wrong behind the test's back: sanitizer reports, failed assertions, unexpected signals.
sub complaints ($self) {
	my @found;
	for my $report (glob "$self->{directory}/sanitizer.*") {
		open my $in, '<', $report or next;
		# Whoever is killed while his leaks are looked for, as writers past their time_limit may be,
		# has none to show.
		push @found, grep { !/Unable to get registers from thread/ } <$in>;
	}
	for my $line (split /\n/, $self->log) {
		push @found, "$line\n" if $line =~ /runtime error:|Sanitizer|bug: /;
		my ($pid, $end) =
			$line =~ /process (\d+), (was ended by signal \d+|ended with status)/
			or next;
		next if $self->{expected}{$pid} || $self->{fault_used} && $end =~ / 9$/;
		push @found, "$line\n";
	}
	return @found;
}

# Ends the server; true if nothing is to be complained of.
sub finish ($self) {
	delete $all{$self};
	my $stopped = eval { $self->stop; 1 };
	Test::More::diag("the server did not stop: $@") if !$stopped;
	my @left = map { $_->{pid} } $self->processes;
	CORE::kill('KILL', $self->{pid} // (), @left);
	waitpid $self->{pid}, 0 if $self->{pid};
	my @complaints = $self->complaints;
	Test::More::diag($_) for @complaints;
	Test::More::diag($self->log_tail) if !$stopped || @complaints;
	Pchat::Disk->unmount_below($self->{directory});
	remove_tree($self->{directory}) if !$ENV{PCHAT_KEEP};
	return $stopped && !@complaints;
}

END {
	my $status = $?;
	for my $server (grep { $_->{owner} == $$ } values %all) {
		Test::More::diag($server->log_tail) if $status;
		$status ||= 1 if !$server->finish;
	}
	$? = $status;
}

1;
