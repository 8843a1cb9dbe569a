package Pchat::Peer;

# Other chat servers, to be measured beside this one: started on a loopback address of their own, on
# the server's processors, and loaded by peer-load. Their packages are installed where they are missing
# (as root).
#
#   my $peer = Pchat::Peer->start('inspircd');
#   my $figures = $peer->load(rooms => 200, size => 30, senders => 0);
#
#   inspircd, ngircd    IRC; they keep nothing
#   ejabberd, prosody   XMPP; they keep nothing in these, but ejabberd with postgres => of
#                       Pchat::Postgres, which has its archive then
#   bare                t/bench/fan-out: messages of our frames' size handed on and nothing else

use v5.36;
use File::Temp 'tempdir';
use IO::Handle;
use IO::Socket::INET;
use IPC::Open2 'open2';
use Mojo::JSON 'decode_json';
use POSIX 'setpgid';
use Pchat::Bench;
use Pchat::Postgres;
use Pchat::Wait;

# A frame of ours has 345 to 352 bytes for 100 of text. ngircd lets ten wait for being accepted.
use constant { PORT => 21690, FRAME => 350, HANDSHAKES => 4 };

# members: of the large room that it is asked to serve.
my %kinds = (
	inspircd => {
		packages => ['inspircd'],
		protocol => 'irc',
		file => 'conf',
		members => 1000,
		handshakes => 512,    # each takes a second
		command => \&_inspircd,
		conf => \&_inspircd_conf
	},
	ngircd => {
		packages => ['ngircd'],
		protocol => 'irc',
		file => 'conf',
		members => 1000,
		command => \&_ngircd,
		conf => \&_ngircd_conf
	},
	ejabberd => {
		packages => ['ejabberd', 'erlang-p1-pgsql'],
		protocol => 'xmpp',
		file => 'conf.yml',
		members => 500,
		command => \&_ejabberd,
		conf => \&_ejabberd_conf
	},
	prosody => {
		packages => ['prosody'],
		protocol => 'xmpp',
		file => 'conf.cfg.lua',
		members => 500,
		command => \&_prosody,
		conf => \&_prosody_conf
	},
	bare => {
		packages => [],
		protocol => 'irc',
		file => 'conf',
		members => 1000,
		command => \&_bare,
		conf => sub { return '' }
	},
);
my %all;    # process groups of those that run
my %generators;    # processes
my $owner = $$;

sub names ($class) { return sort keys %kinds }

sub start ($class, $name, %options) {
	state $number = 0;
	my $self = bless {
		name => $name,
		kind => $kinds{$name},
		address => join('.', 127, 2, $$ >> 8 & 255, $$ & 255),
		port => PORT + $number++,
		directory => tempdir('pchat-peer.XXXXXX', TMPDIR => 1, CLEANUP => 1),
		%options
	}, $class;
	$self->_install;
	$self->_make_archive if $self->{postgres};
	$self->_launch;
	return $self;
}

# Of the large room that a peer of this name is asked to serve.
sub members ($class, $name) { return $kinds{$name}{members} }

# How many of a room post: what XMPP servers bear.
sub senders ($class, $name) { return $kinds{$name}{protocol} eq 'xmpp' ? 3 : 0 }

# rooms, size, senders (of each room; 0: all), window, rate, page, seconds and processes, as of
# pchat-load. Its figures. The users stay and are taken again by the next load of the same kind; one
# of another kind gets a server that was started anew, for these go at their own pace.
sub load ($self, %options) {
	$self->begin(%options);
	return $self->figures;
}

# The two halves of that, to have more than one loaded at a time.
sub begin ($self, %options) {
	my %all = (
		window => 1,
		rate => 0,
		processes => size_of(1, 2),
		seconds => size_of(2, 10),
		%options
	);
	my $kind = join ' ', @all{qw(rooms size senders window processes)},
		$self->{kind}{handshakes} // HANDSHAKES, $all{page} // ();
	$self->_restart if $self->{users} && $self->{users}{kind} ne $kind;
	Pchat::Bench::pin_process($$, $ENV{PCHAT_BENCH_LOAD_CPUS});
	$self->_start_users($kind) if !$self->{users};
	say { $self->{users}{out} } "$all{rate} $all{seconds}";
}

sub figures ($self) {
	my $in = $self->{users}{in};
	my $line = <$in> // die "peer-load failed\n" . `tail -5 $self->{directory}/log`;
	return decode_json $line;
}

sub _restart ($self) {
	$self->stop;
	$self->_launch;
}

sub _start_users ($self, $kind) {
	my $pid = open2(
		my $in, my $out,
		"$Pchat::Server::build/t/bench/peer-load",
		$self->{kind}{protocol},
		$self->{address}, $self->{port}, split ' ', $kind
	);
	$out->autoflush(1);
	$self->{users} = { kind => $kind, in => $in, out => $out, pid => $pid };
	$generators{$pid} = 1;
}

sub _stop_users ($self) {
	my $users = delete $self->{users} // return;
	close $users->{out};
	waitpid $users->{pid}, 0;
	delete $generators{ $users->{pid} };
}

sub _inspircd ($self, $conf) {
	return ('inspircd', '--nofork', '--nolog', '--nopid', '--runasroot', "--config=$conf");
}

sub _inspircd_conf ($self) {
	return <<~"END";
		<server name="irc.example.test" description="versus" id="001" network="versus">
		<admin name="nobody" nick="nobody" email="nobody\@example.test">
		<bind address="$self->{address}" port="$self->{port}" type="clients">
		<connect allow="*" timeout="60" pingfreq="2h" softsendq="67108864"
			hardsendq="67108864" recvq="65536" threshold="100000" commandrate="100000000"
			fakelag="no" localmax="100000" globalmax="100000" maxchans="1000"
			maxconnwarn="no" limit="100000" resolvehostnames="no" useident="no">
		<performance softlimit="100000" somaxconn="4096" netbuffersize="65534"
			clonesonconnect="no">
		<options hostintopic="no" splitwhois="no">
		<security maxtargets="20">
		END
}

sub _ngircd ($self, $conf) { return ('ngircd', '-n', '-f', $conf) }

sub _ngircd_conf ($self) {
	return <<~"END";
		[Global]
			Name = irc.example.test
			Info = versus
			Listen = $self->{address}
			Ports = $self->{port}
			ServerUID = root
			ServerGID = root
		[Limits]
			MaxConnections = 0
			MaxConnectionsIP = 0
			MaxJoins = 0
			MaxPenaltyTime = 0
			PingTimeout = 7200
			PongTimeout = 600
		[Options]
			DNS = no
			Ident = no
			PAM = no
		END
}

# Without its control script: no other node, no port mapper, and one thread for each processor.
sub _ejabberd ($self, $conf) {
	my ($ebin) = glob '/usr/lib/*/ejabberd-*/ebin';
	$ENV{EJABBERD_CONFIG_PATH} = $conf;
	$ENV{HOME} = $self->{directory};
	my $threads = _processors();
	return ('erl', '+S', "$threads:$threads", '+P', '250000', '+K', 'true', '-noinput',
		'-pa', $ebin, '-mnesia', 'dir', qq("$self->{directory}/mnesia"),
		'-s', 'ejabberd');
}

sub _processors () {
	my $list = $ENV{PCHAT_BENCH_SERVER_CPUS} // return 4;
	my $count = 0;
	for my $range (split /,/, $list) {
		my ($first, $last) = split /-/, $range;
		$count += ($last // $first) - $first + 1;
	}
	return $count;
}

sub _ejabberd_conf ($self) {
	my $sql = $self->{postgres} ? <<~"END" : '';
		sql_type: pgsql
		sql_server: "@{[$self->{postgres}->address]}"
		sql_port: @{[$self->{postgres}->port]}
		sql_database: @{[$self->_archive]}
		sql_username: pchat
		sql_password: "@{[$self->{postgres}->password]}"
		END
	my $modules =
		$self->{postgres} ? "  mod_mam:\n    db_type: sql\n    default: always\n" : '';
	my $mam = $self->{postgres} ? 'true' : 'false';
	return $sql . <<~"END";
		hosts: [example.test]
		loglevel: error
		auth_method: [anonymous]
		anonymous_protocol: sasl_anon
		allow_multiple_connections: true
		shaper_rules:
		  max_user_sessions: infinity
		  c2s_shaper: none
		access_rules:
		  muc:
		    allow: all
		listen:
		  -
		    port: $self->{port}
		    ip: "$self->{address}"
		    module: ejabberd_c2s
		    max_stanza_size: 262144
		    backlog: 1024
		modules:
		$modules  mod_muc:
		    host: conference.example.test
		    access: muc
		    access_create: muc
		    max_users: 5000
		    min_message_interval: 0
		    min_presence_interval: 0
		    history_size: 0
		    default_room_options:
		      max_users: 5000
		      mam: $mam
		      persistent: $mam
		END
}

sub _prosody ($self, $conf) { return ('prosody', '-F', '--config', $conf) }

sub _prosody_conf ($self) {
	return <<~"END";
		run_as_root = true
		pidfile = "$self->{directory}/pid"
		data_path = "$self->{directory}"
		log = { error = "*stdout" }
		interfaces = { "$self->{address}" }
		c2s_ports = { $self->{port} }
		s2s_ports = {}
		network_backend = "epoll"
		network_settings = { tcp_backlog = 1024 }
		modules_enabled = { "roster", "saslauth" }
		modules_disabled = { "s2s", "tls" }
		c2s_require_encryption = false
		VirtualHost "example.test"
			authentication = "anonymous"
		Component "conference.example.test" "muc"
			restrict_room_creation = false
			muc_room_locking = false
			max_history_messages = 0
		END
}

sub _bare ($self, $conf) {
	return ("$Pchat::Server::build/t/bench/fan-out", $self->{address}, $self->{port}, FRAME);
}

sub _install ($self) {
	for my $package ($self->{kind}{packages}->@*) {
		next if system("dpkg -s '$package' >/dev/null 2>&1") == 0;
		system("apt-get install -y --no-install-recommends '$package' >/dev/null 2>&1") == 0
			or die "could not install $package\n";
		# A package starts a server of its own, which nobody asked for.
		system("service '$package' stop >/dev/null 2>&1");
	}
}

sub _archive ($self) { return "archive$self->{port}" }

sub _make_archive ($self) {
	my $dbh = $self->{postgres}->connect($self->{postgres}->add_database($self->_archive));
	open my $in, '<', '/usr/share/ejabberd/sql/pg.sql' or die "ejabberd's schema is missing\n";
	local $/;
	$dbh->do(<$in>) or die "could not make ejabberd's tables\n";
}

sub _launch ($self) {
	my $directory = $self->{directory};
	my $file = "$directory/$self->{kind}{file}";
	open my $out, '>', $file or die;
	print $out $self->{kind}{conf}->($self);
	close $out or die;
	$self->{pid} = fork // die "could not fork: $!\n";
	if (!$self->{pid}) {
		setpgid(0, 0);
		chdir $directory;    # some leave logs where they are started
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$directory/log";
		open STDERR, '>&', \*STDOUT;
		$ENV{PATH} .= ':/usr/sbin';
		Pchat::Bench::pin_process($$, $ENV{PCHAT_BENCH_SERVER_CPUS});
		exec $self->{kind}{command}->($self, $file);
		die "could not start $self->{name}: $!\n";
	}
	$all{$self} = $self->{pid};
	wait_for(
		"$self->{name} to listen",
		sub {
			die "$self->{name} ended: " . `cat $directory/log`
				if waitpid($self->{pid}, POSIX::WNOHANG()) > 0;
			IO::Socket::INET->new(
				PeerAddr => $self->{address},
				PeerPort => $self->{port});
		});
}

sub stop ($self) {
	my $pid = $all{$self} // return;
	return if $owner != $$;
	$self->_stop_users;
	kill 'KILL', -$pid;
	waitpid $pid, 0;
	delete $all{$self};    # not before: a signal may end us while the users go
}

sub DESTROY ($self) {
	local ($?, $!);
	$self->stop;
}

END {
	my $status = $?;
	if ($owner == $$) {
		kill 'KILL', keys %generators;
		waitpid $_, 0 for keys %generators;
		kill 'KILL', -$_ for values %all;
	}
	$? = $status;
}

1;
