use v5.36;
use Test::More;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket;
use Pchat::Stubs;
use Pchat::Wait;

use constant SEEK_HOLE => 4;    # of lseek(2); what is only reserved is a hole

# --- The command line. ---
my $master = Pchat::Stubs->new;
my ($code, $output) = $master->command($master->arguments('-V'));
like("$code $output", qr/^0 pchat [\d.]+$/, '-V tells the version');
for my $help ('-h', '--help') {
	($code, $output) = $master->command($master->arguments($help));
	like("$code $output", qr/^0 usage: pchatd .*^  -r  +start although/ms, "$help lists the options");
}
($code, $output) = $master->command($master->arguments('-x'));
is($code, 64, 'an unknown option is a usage error');
($code, $output) = $master->command($master->arguments('-n'));
is("$code $output", '0 ' . $master->configuration . ": ok\n", '-n says that a good configuration is good');

$master->configure(workers => "active = 77\nstandby = \"none\"", journal => 'nonsense = 1');
($code, $output) = $master->command($master->arguments('-n'));
is($code, 78, '-n ends with EX_CONFIG for a bad one');
my $errors = () = $output =~ /\Q@{[$master->configuration]}\E:\d+: /g;
cmp_ok($errors, '>=', 3, 'and names each mistake with file and line') or diag $output;
($code, $output) = $master->command($master->arguments);
is($code, 78, 'it does not start with it');
$master->configure;

# --- A daemon. ---
($code, $output) = $master->command($master->arguments);
is($code, 0, 'the command that starts the daemon ends with success') or diag $output, $master->log;
my @ready = sort { $a <=> $b } grep { $_ != 10 } map { $_->{slot} } $master->events('ready');
is("@ready", '1 2 3 8 9 16', 'when all but the standby are ready');
wait_for('both places to be served', sub { $master->events('listen') == 2 });
pass('and both places are served');
my ($pid) = do { open my $in, '<', $master->pid_file or die; <$in> };
ok(kill(0, $pid), 'the pid file names the daemon');
is((stat $master->pid_file)[2] & 0777, 0644, 'and everybody can read it');
isnt(getpgrp($pid), getpgrp($$), 'which has a session of its own');
SKIP: {
	skip 'only root can look into it', 2 if $>;
	is(readlink("/proc/$pid/cwd"), '/', 'and is in /');
	is(readlink("/proc/$pid/fd/0"), '/dev/null', 'without an input');
}

my ($second, $message) = $master->command($master->arguments);
is($second, 69, 'a second instance is refused');
like($message, qr/already running.*\b$pid\b/, 'and told the first one\'s process id');
($second, $message) = $master->command($master->arguments('-F'));
like("$second $message", qr/^69 .*already running.*\b$pid\b/s, 'in the foreground as well');

is((stat $master->directory . "/state/$_")[2] & 0777, 0600, "$_ is for nobody else") for qw(journal token.key);
is(-s $master->directory . '/state/token.key', 32, 'the token key has 256 bits');
is(-s $master->directory . '/state/journal', 4096 + (1 << 20), 'the journal has a header and its size');
{
	open my $in, '<', $master->directory . '/state/journal' or die "could not open the journal: $!\n";
	is(sysseek($in, 0, SEEK_HOLE), -s $in, 'all of it is written, and not only reserved');
}
is((stat $master->directory . "/run/$_")[2] & 0777, 0666, "everybody can connect to $_") for qw(admin.sock control.sock);

my $line;
wait_for('the title', sub {
	($line) = do { open my $in, '<', '/proc/' . $master->process(8) . '/cmdline' or die; <$in> };
	return $line =~ /active/;
});
like($line, qr/^pchat-worker\[8\]: active/, 'the title of a process tells role, slot and state');
($line) = do { open my $in, '<', "/proc/$pid/cmdline" or die; <$in> };
like($line, qr/^pchatd: ready/, 'and so does the master\'s');

$master->{pid} = $pid;
kill 'TERM', $pid;
wait_for('end of the daemon', sub { !kill 0, $pid });
ok(!-e $master->pid_file, 'an orderly stop removes the pid file');
ok(!-e $master->control_socket, 'and the sockets');
undef $master->{pid};

# --- What keeps it from starting. ---
my $key = do { open my $in, '<:raw', $master->directory . '/state/token.key' or die; local $/; <$in> };
$master->configure(journal => 'size = 2M');
($code, $output) = $master->command($master->arguments);
isnt($code, 0, 'a journal of another size is refused');
like($output, qr/journal\.size is 2097152.*1048576/, 'and the error names the setting and the size it had');
$master->configure;

my $thief = IO::Socket::INET->new(LocalAddr => $master->{address}, LocalPort => $master->{port}, Listen => 1, ReusePort => 1);
($code, $output) = $master->command($master->arguments);
isnt($code, 0, 'an address that another process shares with us is refused');
like($output, qr/could not bind to \Q$master->{address}:$master->{port}\E: address already in use/i, 'and named');
close $thief;

$master->wish(start => 2, 'die');
($code, $output) = $master->command($master->arguments);
is($code, 69, 'a store that never becomes ready ends the start');
like($output, qr/pchat-store\[2\] could not be started: it ended 5 times/, 'and the caller is told');
ok(!-e $master->pid_file, 'nothing is left behind');
is(scalar $master->children, 0, 'and nobody');
$master->forget(start => 2);

chmod 0644, $master->directory . '/state/token.key';
($code, $output) = $master->command($master->arguments);
like("$code $output", qr/^71 .*token\.key is open to others/, 'a token key that others can read is refused');
chmod 0600, $master->directory . '/state/token.key';

# --- Order, and what each process holds. ---
$master->clear;
$master->configure(files => 'directory = "' . $master->directory . '/files"');
$master->wish(start => 1, 'load');
$master->launch('-r');
$master->wait_event($_->[0], $_->[1]) for ['recover', 1], ['ready', 2];
is(scalar $master->events('start|recover'), 2, 'until the sequencer has loaded there is only the store');
is(scalar $master->events('recover', 1), 1, '-r is passed on to the sequencer');
is(scalar $master->events('recover'), 1, 'and to nobody else');
$master->forget(start => 1);
$master->wait_ready->wait_event(ready => 10);
is(join(' ', sort { $a <=> $b } map { $_->{slot} } $master->events('ready')), '1 2 3 7 8 9 10 16', 'every slot gets its process');
my ($standby) = grep { $_->{slot} == 10 } $master->events('start');
is(($master->events('start'))[-1]{slot}, 10, 'the standby is started last');

my $same = do { open my $in, '<:raw', $master->directory . '/state/token.key' or die; local $/; <$in> };
ok($key eq $same, 'the token key stays the same');

my @pages = map { $_ + 32 } 0 .. 23;
my $own_events = sub ($slot) { return (64 + 1, 64 + $slot) };
my %expected = (
	1 => [0 .. 7, @pages, (map { $_ + 64 } 0 .. 23), map { ($_ + 96, $_ + 128) } 2, 3, 7 .. 23],
	2 => [0 .. 6, @pages, $own_events->(2), 96 + 2, 128 + 2],
	3 => [0 .. 7, 9, 13, @pages, $own_events->(3), 96 + 3, 128 + 3, map { $_ + 160 } 8 .. 10],
	7 => [0 .. 7, 14, @pages, $own_events->(7), 96 + 7, 128 + 7, map { $_ + 160 } 8 .. 10],
	8 => [0 .. 10, 14, @pages, $own_events->(8), 96 + 8, 128 + 8],
	10 => [0 .. 10, 14, @pages, $own_events->(10), 96 + 10, 128 + 10],
	16 => [0 .. 5, 8, @pages, $own_events->(16), 96 + 16, 128 + 16, map { $_ + 160 } 8 .. 10],
);
my $numbers = sub { return join ' ', sort { $a <=> $b } @_ };
for my $slot (sort { $a <=> $b } keys %expected) {
	my %fd = $master->descriptors($slot);
	is($numbers->(keys %fd), $numbers->(@{ $expected{$slot} }), "slot $slot has its descriptors and no others");
	is(join(' ', sort grep { $fd{$_}[0] ne 'r' } grep { $_ >= 32 && $_ < 64 } keys %fd), '', "slot $slot cannot write others' pages");
	is($fd{4}[0], 'rw', "slot $slot can write its own");
}
for my $slot (2, 3, 7, 8, 10) {
	my %fd = $master->descriptors($slot);
	is($fd{6}[0], 'r', "slot $slot cannot write the journal");
	is($fd{7}[0], 'r', "slot $slot cannot write the cache") if $slot != 2;
	is($fd{ 128 + $slot }[0], 'r', "slot $slot cannot write the sequencer's side of its mailbox");
	is($fd{ 96 + $slot }[0], 'rw', "slot $slot can write its own side");
}
my %fd = $master->descriptors(1);
is(join(' ', map { $fd{$_}[0] } 6, 7), 'rw rw', 'the sequencer can write journal and cache');
is(join(' ', map { $fd{$_}[0] } 96 + 8, 128 + 8), 'r rw', 'and its own side of a mailbox only');

# --- Status. ---
my $ask = "$Pchat::Stubs::build/t/master/ask";
($code, $output) = $master->command($ask, $master->control_socket);
like("$code $output", qr/^0 27 27$/m, 'the control socket answers with 27 descriptors');
my ($worker) = $master->process(8);
like($output, qr/^8 $worker$/m, 'the pages tell who is in each slot');
unlike($output, qr/writable/, 'and cannot be written');
($code, $output) = $master->command($ask, $master->control_socket, 'rubbish');
isnt($code, 0, 'another request gets nothing');
my @silent = map { IO::Socket::UNIX->new(Peer => $master->control_socket, Type => SOCK_SEQPACKET) } 1 .. 40;
($code, $output) = $master->command($ask, $master->control_socket);
like("$code $output", qr/^0 27 27$/m, 'many that say nothing do not shut out one that asks');
@silent = ();
SKIP: {
	skip 'only root can be somebody else', 2 if $>;
	my @nobody = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups');
	my $copy = $master->directory . '/ask';
	system 'cp', $ask, $copy;
	chmod 0755, $copy;
	($code, $output) = $master->command(@nobody, $copy, $master->control_socket);
	is("$code $output", '77 ', 'a stranger gets nothing');
	$master->wait_log(qr/refused the status to user 65534/);
	pass('and is named in the log');
}

# --- Reload. ---
$master->configure(log => "destination = stderr\nlevel = \"nonsense\"");
kill 'HUP', $master->pid;
$master->wait_log(qr/pchatd\.conf:\d+: .*log\.level/)->wait_log(qr/the configuration stays as it is/);
pass('a bad configuration changes nothing and is named with its line');
$master->configure(log => "destination = stderr\nlevel = debug", content => 'readers = 3', journal => 'size = 2M');
kill 'HUP', $master->pid;
$master->wait_log(qr/the configuration was read anew/);
for my $name (qw(content.readers journal.size)) {
	like($master->log, qr/\Q$name\E has changed in the file and needs a restart/, "a reload says that $name needs a restart");
}
unlike($master->log, qr/log\.level has changed/, 'but not of the log level, which changes');
unlike($master->log, qr/journal\.file has changed/, 'nor of what stayed the same');
kill 'USR1', $master->pid;
is($master->stop('INT'), 0, 'an interrupt from the keyboard is an orderly stop');

# --- As other users. ---
SKIP: {
	skip 'only root can become somebody else', 3 if $>;
	my $other = Pchat::Stubs->new(conf => { '' => "user = \"daemon\"\nworker_user = \"nobody\"" });
	system 'cp', "$Pchat::Stubs::build/t/master/stub", $other->directory . '/stub/program';
	chmod 0755, $other->directory . '/stub/program';
	for my $role (keys %Pchat::Stubs::slot) {
		my $link = $other->directory . "/programs/pchat-$role";
		unlink $link;
		symlink $other->directory . '/stub/program', $link;
	}
	$other->launch->wait_ready;
	is($other->wait_event('start', 2)->{number}, scalar getpwnam('daemon'), 'the store runs as user');
	is($other->wait_event('start', 8)->{number}, scalar getpwnam('nobody'), 'a worker runs as worker_user');
	is((stat $other->directory . '/state')[4], scalar getpwnam('daemon'), 'the state directory belongs to user');
	is($other->stop, 0, 'they stop in order');
}

# --- Administrators who may look, and no more. ---

# The bytes of the answer to a request, and the user who asks.
sub answer_to ($on, $user, $request) {
	my @as = $user == 0 ? () : ('setpriv', "--reuid=$user", "--regid=$user", '--clear-groups');
	my ($status, $length) = $on->command(
		@as, $^X, '-MSocket', '-e',
		'socket my $s, PF_UNIX, SOCK_SEQPACKET, 0 or die;
		connect $s, pack_sockaddr_un(shift) or die;
		send $s, pack("H*", shift), 0;
		defined recv $s, my $answer, 64, 0 or die;
		print length $answer',
		$on->control_socket, unpack 'H*', $request
	);
	return $status == 0 ? $length : "status $status";
}

SKIP: {
	skip 'only root can become somebody else', 4 if $>;
	my $served = Pchat::Stubs->new(conf => { admin => 'operators = {"nobody"}' })->launch->wait_ready;
	my ($run, $operator) = ("run 1\0\0\0" . "\0" x 32, scalar getpwnam 'nobody');
	cmp_ok(answer_to($served, 0, $run), '>', 0, 'root may have adapters run by the control socket');
	cmp_ok(answer_to($served, $operator, 'status 1'), '>', 0, 'an operator may ask for the status');
	is(answer_to($served, $operator, $run), 0, 'but have nothing run');
	is($served->stop, 0, 'and that is all');
}

done_testing;
