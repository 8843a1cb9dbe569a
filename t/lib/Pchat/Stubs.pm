package Pchat::Stubs;

# A master whose processes are t/master/stub: each does what the test wishes and writes down what
# happens to it. For what the master does by itself, whatever the real programs do.
#
#   my $master = Pchat::Stubs->new(conf => { workers => 'active = 1 standby = 1' });
#   $master->wish('start', 2, 'die');
#   $master->launch;

use v5.36;
use Cwd 'abs_path';
use File::Path 'remove_tree';
use File::Temp 'tempdir';
use POSIX ();
use Pchat::Wait;
use Test::More ();

our $build = abs_path($ENV{PCHAT_BUILD} // '.');
our %slot = (sequencer => 1, store => 2, auth => 3, file => 7, worker => 8, reader => 16);
my @all;

sub new ($class, %option) {
	my $directory = tempdir('pchat-stubs.XXXXXX', TMPDIR => 1);
	my $self = bless {
		directory => $directory,
		address => join('.', 127, ($$ >> 16) + 1, $$ >> 8 & 255, $$ & 255),
		port => 21200 + @all,
		owner => $$,
	}, $class;
	push @all, $self;
	chmod 0755, $directory;
	mkdir "$directory/$_" for qw(programs stub);
	chmod 0777, "$directory/stub";
	$self->clear;
	symlink "$build/t/master/stub", "$directory/programs/pchat-$_" or die for keys %slot;
	$self->configure(%{ $option{conf} // {} });
	return $self;
}

sub directory ($self) { return $self->{directory} }
sub configuration ($self) { return "$self->{directory}/pchatd.conf" }
sub pid_file ($self) { return "$self->{directory}/run/pchatd.pid" }
sub control_socket ($self) { return "$self->{directory}/run/control.sock" }
sub pid ($self) { return $self->{pid} }
sub log ($self) { return _read("$self->{directory}/log") }

sub _read ($path) {
	open my $in, '<', $path or return '';
	local $/;
	return <$in> // '';
}

# Sections with their settings as text; '' is what stands outside of them.
sub configure ($self, %changes) {
	my $directory = $self->{directory};
	my %conf = (
		log => 'destination = stderr',
		journal => 'size = 1M',
		workers => 'active = 2 standby = 1 mailbox = 256k',
		cache => 'rooms = 16 principals = 16 sessions = 16 participants = 16 messages = 16 text = 64k history = 1M',
		json => "listen = {'$self->{address}:$self->{port}'} tls = false connections = 100",
		content => 'readers = 1',
		'' => '',
		%changes,
	);
	open my $out, '>', $self->configuration or die;
	print $out qq(domain = "example.test"\n);
	print $out qq(user = ""\nworker_user = ""\n) if $conf{''} !~ /user/;
	print $out qq(state_directory = "$directory/state"\nrun_directory = "$directory/run"\n);
	print $out delete $conf{''}, "\n";
	print $out "$_ {\n", $conf{$_} =~ s/(?<=[\w'}]) (?=\w+ =)/\n/gr, "\n}\n" for sort keys %conf;
	close $out or die;
}

# Forgets what was logged so far; the files stay, and everybody can write to them.
sub clear ($self) {
	for my $file ('log', 'stub/log') {
		open my $out, '>', "$self->{directory}/$file" or die;
		chmod 0666, $out;
	}
}

sub arguments ($self, @more) {
	return ("$build/daemon/pchatd", '-L', "$self->{directory}/programs", '-f', $self->configuration, @more);
}

# Runs it in the foreground, beside us.
sub launch ($self, @more) {
	my $pid = fork // die "could not fork: $!\n";
	if (!$pid) {
		$ENV{PCHAT_STUB} = "$self->{directory}/stub";
		open STDOUT, '>>', "$self->{directory}/log" or die;
		open STDERR, '>&', \*STDOUT or die;
		exec $self->arguments('-F', @more);
		die "could not start pchatd: $!\n";
	}
	$self->{pid} = $pid;
	undef $self->{status};
	return $self;
}

# Runs it to its end; (exit status, output and errors).
sub command ($self, @command) {
	local $ENV{PCHAT_STUB} = "$self->{directory}/stub";
	my $output = "$self->{directory}/output";
	my $status = system '/bin/sh', '-c', 'out=$1; shift; exec "$@" >"$out" 2>&1 </dev/null', 'sh', $output, @command;
	return ($status >> 8 || $status, _read($output));
}

sub running ($self) {
	return 0 if !$self->{pid};
	return 1 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
	$self->{status} = $?;
	undef $self->{pid};
	return 0;
}

sub wait_log ($self, $pattern, $count = 1) {
	wait_for("$pattern in the log", sub { (() = $self->log =~ /$pattern/g) >= $count });
	return $self;
}

sub wait_ready ($self) { return $self->wait_log(qr/pchatd: ready$/m) }

# What the stubs wrote: a list of {slot, pid, generation, what, number}, in the order of time.
sub events ($self, $what = '.', $wanted = undef) {
	my @events;
	for my $line (split /\n/, _read("$self->{directory}/stub/log")) {
		my %event;
		@event{qw(slot pid generation what number)} = split ' ', $line;
		next if $event{what} !~ /^(?:$what)/ || defined $wanted && $event{slot} != $wanted;
		push @events, \%event;
	}
	return @events;
}

sub wait_event ($self, $what, $slot, $count = 1) {
	return wait_for("$what of slot $slot", sub {
		my @events = $self->events($what, $slot);
		return @events >= $count && $events[$count - 1];
	});
}

# The process that is in the slot now.
sub process ($self, $slot) {
	my ($last) = reverse $self->events('start|recover', $slot);
	return $last && $last->{pid};
}

sub wish ($self, $when, $slot, $word) {
	my $file = "$self->{directory}/stub/$when.$slot";
	open my $out, '>', "$file.new" or die;
	print $out $word;
	close $out;
	chmod 0666, "$file.new";
	rename "$file.new", $file or die;
}

sub forget ($self, $when, $slot) { unlink "$self->{directory}/stub/$when.$slot" }

# number => [mode, what it is]
sub descriptors ($self, $slot) {
	return map { /^(\d+) (\w+) (.*)/ ? ($1 => [$2, $3]) : () } split /\n/, _read("$self->{directory}/stub/fds.$slot");
}

sub children ($self) {
	return grep { kill 0, $_ } map { $_->{pid} } $self->events('start|recover');
}

# The exit status after an orderly stop.
sub stop ($self, $signal = 'TERM') {
	kill $signal, $self->{pid};
	return $self->wait_end;
}

sub wait_end ($self) {
	wait_for('end of the master', sub { !$self->running });
	return $self->{status} >> 8 || $self->{status};
}

END {
	my $status = $?;
	for my $self (grep { $_->{owner} == $$ } @all) {
		$status ||= 1 if $self->log =~ /runtime error:|Sanitizer|bug: /;
		Test::More::diag($self->log) if $status || $ENV{PCHAT_LOG};
		kill 'KILL', $self->{pid} // (), $self->children;
		waitpid $self->{pid}, 0 if $self->{pid};
		remove_tree($self->{directory}) if !$ENV{PCHAT_KEEP};
	}
	$? = $status;
}

1;
