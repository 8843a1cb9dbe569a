package Pchat::Postgres;

# A PostgreSQL of a test's own: a cluster in a scratch directory, served on a loopback address of its
# own by an unprivileged user, with a password. It ends with the test.
#
#   my $postgres = Pchat::Postgres->start;
#   my $dsn = $postgres->dsn($postgres->add_database('content'));
#   $postgres->kill;    # as a crash would
#   $postgres->launch;
#
# PostgreSQL and its ODBC driver come from the packages of ./bootstrap.

use v5.36;
use DBI;
use File::Path 'remove_tree';
use File::Temp 'tempdir';
use POSIX ':sys_wait_h';
use Pchat::Disk;
use Pchat::Wait;
use Test::More ();

my %all;
my $password = 'p;w=d{loopback}';    # as awkward as one can be

# Debian's entry of the driver has each process leave a log in /tmp. Ours is the same without that,
# until this process ends.
sub _silence_driver () {
	state $directory;
	return if $directory;
	my $system = ($ENV{ODBCSYSINI} // '/etc') . '/odbcinst.ini';
	open my $in, '<', $system or return;
	$directory = tempdir('pchat-odbc.XXXXXX', TMPDIR => 1, CLEANUP => 1);
	chmod 0755, $directory;
	open my $out, '>', "$directory/odbcinst.ini" or die "could not write $directory: $!\n";
	print $out grep { !/^\s*CommLog\s*=/i } <$in>;
	close $out;
	$ENV{ODBCSYSINI} = $directory;
}

# Where its programs are, or nothing.
sub directory_of_programs ($class) {
	my ($newest) = sort { _version($b) <=> _version($a) } glob '/usr/lib/postgresql/*/bin/postgres';
	return $newest && $newest =~ s{/postgres$}{}r;
}

sub _version ($path) { return $path =~ m{postgresql/(\d+)} ? $1 : 0 }

# settings: more of postgresql.conf; standby_of: another one of us, whose standby this is to be.
sub start ($class, %option) {
	state $number = 0;
	my $programs = $class->directory_of_programs // die "PostgreSQL is not installed\n";
	_silence_driver;
	my $self = bless {
		programs => $programs,
		scratch => tempdir('pchat-postgres.XXXXXX', TMPDIR => 1),
		address => join('.', 127, ($$ >> 16) + 1, $$ >> 8 & 255, $$ & 255),
		port => 21800 + $number++,
		owner => $$,
	}, $class;
	$all{$self} = $self;
	$self->{account} = $> == 0 ? $class->_account : undef;
	_give($self->{account}, $self->{scratch});
	$option{standby_of} ? $self->_copy($option{standby_of}) : $self->_make;
	$self->configure(%{ $option{settings} // {} });
	$self->launch;
	return $self;
}

# PostgreSQL refuses to be run by root.
sub _account ($class) {
	for my $name (qw(postgres nobody)) {
		my @entry = getpwnam $name or next;
		return { uid => $entry[2], gid => $entry[3] };
	}
	die "there is no unprivileged user to run PostgreSQL\n";
}

sub _give ($account, @paths) {
	return if !$account;
	chown $account->{uid}, $account->{gid}, @paths or die "could not chown: $!\n";
}

sub data ($self) { return "$self->{scratch}/data" }
sub address ($self) { return $self->{address} }
sub port ($self) { return $self->{port} }
sub password ($class) { return $password }
sub pid ($self) { return $self->{pid} }
sub log_file ($self) { return "$self->{scratch}/log" }

sub log ($self) {
	open my $in, '<', $self->log_file or return '';
	local $/;
	return <$in> // '';
}

# Runs one of its programs as its user, in the background; the process id.
sub _spawn ($self, $program, @arguments) {
	my $pid = fork // die "could not fork: $!\n";
	return $pid if $pid;
	if (my $account = $self->{account}) {
		$( = $account->{gid};
		$) = "$account->{gid} $account->{gid}";
		($<, $>) = ($account->{uid}, $account->{uid});
		die "could not become another user\n" if $> == 0 || $< == 0;
	}
	chdir $self->{scratch};
	open STDIN, '<', '/dev/null' or die;
	open STDOUT, '>>', $self->log_file or die;
	open STDERR, '>&', \*STDOUT or die;
	$ENV{PGPASSWORD} = $password;
	exec "$self->{programs}/$program", @arguments;
	die "could not run $program: $!\n";
}

sub _run ($self, $program, @arguments) {
	waitpid $self->_spawn($program, @arguments), 0;
	die "$program failed\n" . $self->log if $?;
}

sub _make ($self) {
	my $file = "$self->{scratch}/password";
	open my $out, '>', $file or die "could not write $file: $!\n";
	print $out $password;
	close $out;
	_give($self->{account}, $file);
	$self->_run(
		'initdb', '-D', $self->data, '--username=pchat', "--pwfile=$file",
		'--auth=scram-sha-256', '--encoding=UTF8', '--locale=C', '--no-sync'
	);
}

sub _copy ($self, $principal) {
	$self->_run(
		'pg_basebackup', '-D', $self->data, '-h', $principal->address, '-p', $principal->port,
		'-U', 'pchat', '-R', '--checkpoint=fast', '--no-sync'
	);
}

# fsync: the operating system outlives these tests, so that a killed server has lost nothing.
sub configure ($self, %settings) {
	my %all = (
		listen_addresses => $self->{address},
		port => $self->{port},
		unix_socket_directories => '',
		fsync => 'off',
		shared_buffers => '16MB',
		max_connections => 40,
		logging_collector => 'off',
		%settings
	);
	my $file = $self->data . '/test.conf';
	open my $out, '>', $file or die "could not write $file: $!\n";
	print $out "$_ = '$all{$_}'\n" for sort keys %all;
	close $out;
	_give($self->{account}, $file);
	open $out, '>>', $self->data . '/postgresql.conf' or die;
	print $out "include 'test.conf'\n" if !$self->{configured}++;
	close $out;
}

# Starts it and waits until it answers. After a hard death the memory of the dead is in the way for
# a moment.
sub launch ($self) {
	wait_for(
		'PostgreSQL to answer',
		sub {
			if (!$self->running) {
				$self->{pid} = $self->_spawn('postgres', '-D', $self->data);
			}
			return eval { $self->do('postgres', 'SELECT 1'); 1 };
		});
}

sub running ($self) {
	return 0 if !$self->{pid};
	return 1 if waitpid($self->{pid}, WNOHANG) == 0;
	undef $self->{pid};
	return 0;
}

# Ends it in order, and all connections with it.
sub stop ($self, $signal = 'INT') {
	return if !$self->running;
	CORE::kill($signal, $self->{pid});
	wait_for('PostgreSQL to end', sub { !$self->running });
}

# As when the power fails, for it: nothing is written any more. QUIT is what its own crashes do.
sub kill ($self) { return $self->stop('QUIT') }

# Stops or continues all of its processes, as a host that hangs.
sub signal ($self, $signal) {
	my @children = split ' ', do {
		open my $in, '<', "/proc/$self->{pid}/task/$self->{pid}/children" or return;
		<$in> // '';
	};
	CORE::kill($signal, $self->{pid}, @children);
}

# A new, empty database; its name.
sub add_database ($self, $name) {
	$self->do('postgres', qq{CREATE DATABASE "$name"});
	return $name;
}

sub dsn ($self, $name) {
	return "Driver=PostgreSQL Unicode;Servername=$self->{address};Port=$self->{port};"
		. "Database=$name;UID=pchat;PWD=" . _braced($password);
}

# What stands in braces is taken as it is; a closing one is doubled.
sub _braced ($text) { return '{' . $text =~ s/\}/}}/gr . '}' }

# A connection as an outsider has it.
sub connect ($self, $name) {
	return DBI->connect(
		"dbi:Pg:dbname=$name;host=$self->{address};port=$self->{port}",
		'pchat', $password,
		{ RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoCommit => 1 });
}

sub do ($self, $name, @statements) {
	my $db = $self->connect($name);
	$db->do($_) for @statements;
	$db->disconnect;
}

sub finish ($self) {
	delete $all{$self};
	if ($self->{pid}) {
		$self->signal('CONT');
		eval { $self->stop('QUIT'); 1 } or do {
			CORE::kill('KILL', $self->{pid});
			waitpid $self->{pid}, 0;
		};
	}
	Pchat::Disk->unmount_below($self->{scratch});
	remove_tree($self->{scratch}) if !$ENV{PCHAT_KEEP};
}

END {
	my $status = $?;
	for my $postgres (grep { $_->{owner} == $$ } values %all) {
		Test::More::diag($postgres->log) if $status;
		$postgres->finish;
	}
	$? = $status;
}

1;
