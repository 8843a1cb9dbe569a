use v5.36;
use Cwd 'abs_path';
use Test::More;
use Pchat::Client;
use Pchat::Server;
use Pchat::Wait;

# Installs under a private prefix, because the programs know where they belong, and tries the init
# script there.
plan skip_all => 'done in the build without sanitizers' if Pchat::Server->has_sanitizers;
plan skip_all => 'make distcheck installs by itself' if $ENV{PCHAT_DISTCHECK};

my $source = abs_path($ENV{PCHAT_SOURCE} // '.');
my $server = Pchat::Server->new;
my $prefix = $server->directory . '/prefix';
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};
my ($code, $output) = $server->command(
	'/bin/sh', '-c', qq(
	set -e
	mkdir '$prefix-build'
	cd '$prefix-build'
	'$source/configure' --quiet --prefix='$prefix' CFLAGS=-O0
	make -s -j2
	make -s install
));
is($code, 0, 'make install succeeds') or diag $output;
for my $file (
	qw(sbin/pchatd sbin/pchatctl bin/pchat etc/init.d/pchatd lib/systemd/system/pchatd.service),
	(map {"libexec/pchat/pchat-$_"} qw(worker sequencer store reader auth admin compliance adapter file)),
	(
		map {"share/man/$_"}
			qw(man1/pchat.1 man5/pchat-archive.5 man5/pchatd.conf.5 man7/pchat-compliance.7
			man7/pchat-failover.7 man7/pchat-protocol.7 man7/pchat-schema.7 man8/pchatd.8 man8/pchatctl.8)
	),
	'share/doc/pchat/examples/pchatd.conf.sample',
	'share/pchat/compliance.xsd',
	'share/pchat/compliance-actiance.xsl'
) {
	ok(-s "$prefix/$file", "$file is installed");
}
is((stat "$prefix/etc/init.d/pchatd")[2] & 0111, 0111, 'the init script can be run');
SKIP: {
	skip 'no systemd here', 1 if !-x '/usr/bin/systemd-analyze';
	($code, $output) = $server->command(
		'systemd-analyze', 'verify',
		'--man=no', "$prefix/lib/systemd/system/pchatd.service"
	);
	is($code, 0, 'systemd accepts the unit') or diag $output;
}

my $configuration = "$prefix/etc/pchat/pchatd.conf";
mkdir "$prefix/etc/$_" for qw(pchat default);
write_file("$prefix/etc/default/pchatd", 'RUN_DIRECTORY=' . $server->directory . "/run\n");
my $good = read_file($server->configuration);
write_file($configuration, $good);

sub init ($verb) { return $server->command("$prefix/etc/init.d/pchatd", $verb) }
sub pid () { return read_file($server->directory . '/run/pchatd.pid') + 0 }

sub read_file ($file) {
	open my $in, '<', $file or die "could not read $file: $!\n";
	local $/;
	return <$in>;
}

sub write_file ($file, $text) {
	open my $out, '>', $file or die "could not write $file: $!\n";
	print $out $text;
	close $out;
}

is((init('status'))[0], 3, 'status says that the server does not run');
($code, $output) = init('start');
is($code, 0, 'start starts it') or diag $output;
is((init('status'))[0], 0, 'status says that it runs');
$server->add_users('alice');
my $alice = eval { Pchat::Client->enter(server => $server, user => 'alice') };
ok($alice, 'a client can sign in') or diag $@;

my $pid = pid;
is((init('start'))[0], 0, 'a second start is no error');
is(pid, $pid, 'and changes nothing');
is((init('reload'))[0], 0, 'reload succeeds');
is($alice->call('server.info')->{name}, 'pchat', 'and keeps the connections');
write_file($configuration, $good . "nonsense\n");
is((init('reload'))[0], 6, 'reload refuses a bad configuration');
isnt((init('restart'))[0], 0, 'so does restart');
is($alice->call('server.info')->{name}, 'pchat', 'and the server goes on as it was');
write_file($configuration, $good);
is((init('restart'))[0], 0, 'restart succeeds');
isnt(pid, $pid, 'with another process');
ok(eval { Pchat::Client->new(server => $server)->connect->resume($alice->{token}) }, 'that serves')
	or diag $@;
is((init('stop'))[0], 0, 'stop succeeds');
is((init('status'))[0], 3, 'and status says so');
is((init('stop'))[0], 0, 'a second stop is no error');
write_file($server->directory . '/run/pchatd.pid', "$$\n");
is((init('status'))[0], 1, 'a pid file that a crash left behind is told from a server that runs');
is((init('start'))[0], 0, 'and hinders no start');
is((init('stop'))[0], 0, 'nor a stop');
is((init('dance'))[0], 2, 'an unknown verb is an error');

($code, $output) = $server->command('make', '-s', '-C', "$prefix-build", 'uninstall');
is($code, 0, 'make uninstall succeeds') or diag $output;
unlink $configuration, "$prefix/etc/default/pchatd";
is(`find '$prefix' -type f`, '', 'and leaves nothing behind');

# A server that a failed test left running does not outlive it.
END { local $?; init('stop') if $server && -d "$prefix/etc" && -e "$prefix/sbin/pchatd" }

done_testing;
