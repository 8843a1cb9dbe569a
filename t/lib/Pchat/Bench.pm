package Pchat::Bench;

# What the scripts in t/bench share: a server with users and rooms, pchat-load against it, and one
# line of JSON in the end.
#
#   PCHAT_BENCH=full          the full size; without it everything is small and short
#   PCHAT_BENCH_RUNS          how often each measure is repeated; the medians are given
#   PCHAT_BENCH_SERVER_CPUS   processors of the server and
#   PCHAT_BENCH_LOAD_CPUS     of the generator ("0", "1-3")
#   PCHAT_BENCH_SPIN          the generator never sleeps, so the server need not wake it
#   PCHAT_BENCH_NAP           the generator looks every so many microseconds instead of being woken
#   PCHAT_BENCH_MIXED         at a rate: not room by room, but who follows each other is far apart

use v5.36;
use Exporter 'import';
use File::Spec::Functions 'tmpdir';
use IO::Socket::UNIX;
use IPC::Open2 'open2';
use Mojo::JSON 'decode_json', 'encode_json';
use POSIX ();
use Pchat::Mssql;
use Pchat::Postgres;
use Pchat::Quota;
use Pchat::Server;
use Pchat::Wait;

our @EXPORT = qw(full size_of runs middle);

# A measure that is ended by a signal leaves no servers, peers and generators behind: the END blocks
# of all modules are run. No eval is to catch that.
my %generators;
my %asked;    # other programs
my @settings;    # of the servers so far
my $owner = $$;
$SIG{$_} = \&_end for qw(HUP INT TERM);

sub _end ($signal) {
	POSIX::_exit(1) if $$ != $owner;
	@SIG{qw(HUP INT TERM)} = ('IGNORE') x 3;
	print STDERR "ended by SIG$signal\n";
	exit 1;
}

END {
	my $status = $?;
	if ($$ == $owner) {
		kill 'KILL', keys %generators;
		kill 'TERM', keys %asked;
	}
	$? = $status;
}

use constant PASSWORD => 'secret of bench';

sub full () { return ($ENV{PCHAT_BENCH} // '') eq 'full' }

# The one number for a short run, the other for a full one.
sub size_of ($short, $full) { return full() ? $full : $short }

sub runs () { return $ENV{PCHAT_BENCH_RUNS} // (full() ? 5 : 1) }

# The middle one of some figures, by what the callback says of each.
sub middle ($of, @all) {
	my @sorted = sort { $of->($a) <=> $of->($b) } @all;
	return $sorted[$#sorted / 2];
}

# tls, active, standby, connections, users, rooms (their number), ring (size of the journal); cache,
# limits, content and compliance: settings over those that follow from these; records and postgres: as of
# Pchat::Server; shares and share: as of Pchat::Quota, to whose slower processors the server is held then.
sub new ($class, %self) {
	my $self = bless {
		tls => 0,
		active => 1,
		standby => 1,
		users => 10,
		rooms => 1,
		connections => 1000,
		%self
	}, $class;
	$self->{settings} = $self->_configuration;
	push @settings, $self->{settings};
	_pin($self->{shares} ? _all_processors() : $ENV{PCHAT_BENCH_SERVER_CPUS});
	$self->{server} = Pchat::Server->start(
		tls => $self->{tls},
		conf => $self->{settings},
		map({ $self->{$_} ? ($_ => $self->{$_}) : () } qw(records postgres)));
	$self->_pin_load;
	$self->_fill;
	Pchat::Quota->new(%$self{qw(shares share)})
		->hold($self->{server}->pid, map { $_->{pid} } $self->{server}->processes)
		if $self->{shares};
	return $self;
}

sub _configuration ($self) {
	my ($connections, $rooms) = $self->@{qw(connections rooms)};
	return {
		map({ $_ => $self->{$_} } grep { $self->{$_} } qw(limits content compliance)),
		journal => { size => $self->{ring} // '256M', sync => 'always' },
		workers => { active => $self->{active}, standby => $self->{standby} },
		json => {
			connections => $connections + 100,
			ping_interval => '10m',
			idle_timeout => '30m'
		},
		cache => {
			rooms => $rooms + 100,
			principals => $self->{users} + 100,
			sessions => 2 * $connections + 100,
			participants => 2 * ($self->{seats} // 4 * $connections) + 100,
			messages => 100 * $rooms + 1000,
			history => '128M',
			%{ $self->{cache} // {} },
		},
	};
}

# Slower processors are all of them, and the generator has the rest of each.
sub _pin_load ($self) {
	_pin($self->{shares} ? _all_processors() : $ENV{PCHAT_BENCH_LOAD_CPUS});
}

sub _all_processors () { return '0-' . (_first_line('nproc --all') - 1) }

# Children take over what their parent may run on.
sub _pin ($processors) { return pin_process($$, $processors) }

sub pin_process ($pid, $processors) {
	return if !defined $processors;
	my $output = `taskset -acp '$processors' $pid 2>&1`;
	die "could not keep to the processors $processors: $output\n" if $?;
}

# What the server's configuration has that is not usual.
sub settings ($self) { return $self->{settings} }

sub server ($self) { return $self->{server} }

# Many requests on one connection, some of them under way at a time; the results in order. What a
# server that has no processor refuses as busy is asked again.
sub admin ($self, @requests) {
	my $socket = IO::Socket::UNIX->new(Peer => $self->{server}->admin_socket)
		or die "could not connect to the admin socket: $!\n";
	my (@results, @again, $sent);
	for my $done (0 .. $#requests) {
		while (($sent //= 0) < @requests && $sent < $done + 16) {
			my ($method, $params) = @{ $requests[$sent] };
			print $socket encode_json({
				jsonrpc => '2.0',
				id => $sent++,
				method => $method,
				params => $params
			}),
				"\n";
		}
		$socket->flush;
		my $answer = decode_json(<$socket> // die "the admin socket was closed\n");
		my ($id, $error) = $answer->@{qw(id error)};
		my $busy = $error && $error->{data}{name} eq 'busy';
		die "$requests[$id][0]: $error->{message}\n" if $error && !$busy;
		push @again, $id if $busy;
		$results[$id] = $answer->{result};
	}
	@results[@again] = $self->admin(@requests[@again]) if @again;
	return @results;
}

sub _fill ($self) {
	$self->admin(
		map { ['user.add', { uri => "user$_", name => "User $_", password => PASSWORD }] }
			0 .. $self->{users} - 1);
	my @rooms = $self->admin(map { ['room.create', { name => "Room $_", privacy => 'open' }] }
			1 .. $self->{rooms});
	$self->{rooms_file} = $self->{server}->directory . '/rooms';
	open my $out, '>', $self->{rooms_file} or die;
	print $out "$_->{room}\n" for @rooms;
	close $out or die;
}

sub _command ($self, %options) {
	my %all = (
		server => $self->{server}->address . ':' . $self->{server}->port,
		rooms => $self->{rooms_file},
		users => $self->{users},
		password => PASSWORD,
		connections => $self->{connections},
		%options
	);
	return (
		"$Pchat::Server::build/t/bench/pchat-load",
		$self->{tls} ? '--tls' : (),
		map { defined $all{$_} ? ("--$_", $all{$_}) : "--$_" } sort keys %all
	);
}

# Runs pchat-load to its end, with a callback that gets the handle of its output meanwhile; its
# figures.
sub generate ($self, $meanwhile, %options) {
	$self->_pin_load;
	my $pid = open my $in, '-|', $self->_command(%options);
	die "could not start pchat-load: $!\n" if !$pid;
	$generators{$pid} = 1;
	$meanwhile->($in);
	my $line = do { local $/; <$in> };
	close $in or die "pchat-load failed\n";
	delete $generators{$pid};
	my $figures = decode_json $line;
	_complain($figures);
	return $figures;
}

# The same, and beside them the processor time of each of the server's roles, from the joining to the
# end, in seconds.
sub load ($self, %options) {
	my %before = $self->_cpu;
	my $figures = $self->generate(sub ($) { }, %options);
	my %after = $self->_cpu;
	$figures->{server_cpu} =
		{ map { $_ => 0 + sprintf '%.2f', $after{$_} - ($before{$_} // 0) } keys %after };
	return $figures;
}

# The middle one of some runs, by the figure named.
sub median ($self, $figure, %options) {
	my @all =
		sort { $a->{$figure} <=> $b->{$figure} } map { $self->load(%options) } 1 .. runs();
	return $all[$#all / 2];
}

# A figure of a server that loses messages is no figure.
sub _complain ($figures) {
	for my $fault (qw(lost repeated disordered malformed)) {
		warn "pchat-load: $figures->{$fault} messages $fault\n" if $figures->{$fault};
	}
}

# The same for what is asked once for each of several settings: {name => {options}}.
sub medians ($self, $figure, $loads) {
	return { map { $_ => $self->median($figure, %{ $loads->{$_} }) } sort keys %$loads };
}

# Connections that stay until the callback returns.
sub hold ($self, $callback, %options) {
	$self->_pin_load;
	my $pid = open2(my $out, my $in, $self->_command(%options, idle => undef)) or die;
	$generators{$pid} = 1;
	my $figures = decode_json(<$out> // die "pchat-load failed\n");
	$callback->($figures);
	close $in;
	waitpid $pid, 0;
	delete $generators{$pid};
	return $figures;
}

# How many events the database is behind.
sub lag ($self) { return $self->{server}->status->{content}{lag_events} // 0 }

# Until the database has everything.
sub wait_stored ($self) {
	wait_for(
		'the store to be done',
		sub {
			my ($store) = grep { $_->{role} eq 'store' }
				@{ $self->{server}->status->{processes} };
			return defined $store->{lag} && $store->{lag} == 0;
		});
}

# The workers that serve, not the standbys, as their titles say.
sub active_workers ($self) {
	return grep {
		my $opened = open my $in, '<', "/proc/$_/cmdline";
		$opened && (<$in> // '') =~ /: active/;
	} $self->{server}->pids('worker');
}

# KiB that belong to the processes of a role alone, and are not a file's.
sub private_memory ($self, $role) {
	my $sum = 0;
	for my $pid ($self->{server}->pids($role)) {
		open my $in, '<', "/proc/$pid/smaps_rollup" or next;
		while (my $line = <$in>) { $sum += $1 if $line =~ /^Private_Dirty:\s+(\d+) kB/ }
	}
	return $sum;
}

# KiB of the kernel's own: slabs, and what TCP holds.
sub kernel_memory () {
	open my $in, '<', '/proc/meminfo' or return 0;
	my ($sum) = map {/^Slab:\s+(\d+)/} <$in>;
	open $in, '<', '/proc/net/sockstat' or return $sum;
	my ($pages) = map {/^TCP:.* mem (\d+)/} <$in>;
	return $sum + 4 * $pages;
}

# Seconds of processor time of each role so far.
sub _cpu ($self) {
	my %used;
	for my $process ($self->{server}->processes) {
		open my $in, '<', "/proc/$process->{pid}/stat" or next;
		my @fields = split ' ', <$in> =~ s/.*\) //r;
		$used{ $process->{role} } += ($fields[11] + $fields[12]) / 100;
	}
	return %used;
}

sub _first_line ($command) {
	my $line = `$command 2>/dev/null` // '';
	chomp $line;
	return $line;
}

# The names of those that can be measured here.
sub databases () {
	return (
		'sqlite',
		Pchat::Postgres->directory_of_programs ? 'postgresql' : (),
		Pchat::Mssql->named ? 'mssql' : ());
}

# The line that another program prints, decoded.
sub answer (@command) {
	my $pid = open my $in, '-|', @command;
	die "could not start $command[0]: $!\n" if !$pid;
	$asked{$pid} = 1;
	my $line = <$in> // '';
	close $in or die "@command[0, 1] failed\n";
	delete $asked{$pid};
	return decode_json $line;
}

# The same of another of these scripts, with changes to its environment (undef: without).
sub ask ($script, %environment) {
	local %ENV = (%ENV, %environment);
	delete @ENV{ grep { !defined $environment{$_} } keys %environment };
	return answer($^X, $script);
}

# Whether packets of the loopback device are taken up by other processors than the sender's.
sub _steered () {
	my $mask = _first_line('cat /sys/class/net/lo/queues/rx-0/rps_cpus');
	return $mask =~ /[1-9a-f]/ ? \1 : \0;
}

# Prints the line: what was asked, where, with which settings of the servers, and the figures.
sub report ($question, %figures) {
	local $/ = "\n";    # a signal may have come while somebody read a file as a whole
	open my $in, '<', '/proc/cpuinfo' or die;
	my ($model) = map {/^model name\s*:\s*(.*)/} <$in>;
	my $source = $ENV{PCHAT_SOURCE} // '.';
	my %line = (
		bench => $question,
		size => full() ? 'full' : 'short',
		runs => runs() + 0,
		time => _first_line('date -u +%Y-%m-%dT%H:%M:%SZ'),
		machine => $model // 'unknown',
		cores => _first_line('nproc --all') + 0,
		kernel => _first_line('uname -r'),
		commit => _first_line("git -C '$source' rev-parse --short=12 HEAD"),
		server_cpus => $ENV{PCHAT_BENCH_SERVER_CPUS} // 'all',
		load_cpus => $ENV{PCHAT_BENCH_LOAD_CPUS} // 'all',
		load_spins => $ENV{PCHAT_BENCH_SPIN} ? \1 : \0,
		load_nap_us => ($ENV{PCHAT_BENCH_NAP} || 0) + 0,
		load_mixed => $ENV{PCHAT_BENCH_MIXED} ? \1 : \0,
		steered => _steered(),
		file_system => _first_line("stat -f -c %T '@{[tmpdir]}'"),
		settings => delete $figures{settings} // \@settings,
		figures => \%figures,
	);
	say encode_json(\%line);
}

1;
