# The load generator notices what a server does wrong, or its figures would be worth nothing.
use v5.36;
use File::Temp 'tempdir';
use FindBin;
use Mojo::IOLoop;
use Mojo::JSON 'decode_json', 'encode_json';
use POSIX ':sys_wait_h';
use Test::More;
use Pchat::Fake;
use Pchat::Wait;

my $build = $ENV{PCHAT_BUILD} // '.';
my $directory = tempdir(CLEANUP => 1);

# What pchat-load finds when every notification passes through spoil, which returns what is sent
# instead of it to one of the receivers; and how many posts there were. The options may begin with
# what --join is to be.
sub figures_of_a_second ($spoil, @options) {
	my $join = @options && $options[0] =~ /^1:/ ? shift @options : '1:4';
	my $fake = Pchat::Fake->new(mechanisms => ['PLAIN']);
	open my $out, '>', "$directory/rooms" or die;
	print $out $fake->add_room('Lobby'), "\n";
	close $out;
	my ($one, $posts) = (undef, 0);
	no warnings 'redefine';
	my $notify = Pchat::Fake::Connection->can('notify');
	local *Pchat::Fake::Connection::notify = sub ($self, $method, $params) {
		$one //= $self;
		$posts = $params->{seq};
		my @sent = $self == $one ? $spoil->($params) : $params;
		$notify->($self, $method, $_) for @sent;
	};
	open my $in, '-|', "$build/t/bench/pchat-load", '--server', $fake->url =~ s{ws://}{}r,
		'--rooms', "$directory/rooms",
		'--connections', 4, '--join', $join, '--user', 'alice', '--password', 'tuna on rye',
		'--seconds', 1, '--warmup', 0, @options
		or die;
	my $output = '';
	my $stream = Mojo::IOLoop::Stream->new($in)->timeout(0);
	my $open = 1;
	$stream->on(read => sub ($stream, $bytes) { $output .= $bytes });
	$stream->on(close => sub { $open = 0 });
	Mojo::IOLoop->stream($stream);
	wait_for('pchat-load to end', sub { !$open });
	return (decode_json($output), $posts);
}

# The same; on a busy machine a second may pass without the posts that are spoiled.
sub figures ($spoil, @options) {
	my ($figures, $posts);
	for (1 .. 10) {
		($figures, $posts) = figures_of_a_second($spoil, @options);
		last if $posts > 20;
	}
	return $figures;
}

sub faults ($figures) {
	return join ' ', map {"$_:$figures->{$_}"}
		grep { $figures->{$_} } qw(lost repeated disordered malformed);
}

my $right = figures(sub ($message) {$message});
is(faults($right), '', 'a server that does all right is not blamed');
cmp_ok($right->{acked}, '>', 10, 'its posts are counted');
cmp_ok($right->{deliveries_per_second} / $right->{posts_per_second},
	'>', 3.5, 'and its deliveries: four for each post');
is(faults(figures(sub ($message) {$message}, '--rate', 50)),
	'', 'nor is it when posts come at a rate');

# Two senders are in different processes; when each post is intended stands in its text. Where one
# of them has no turn at the end, its last posts are missing.
my @intended;
figures(
	sub ($message) {
		@intended = () if $message->{seq} == 1;
		push @intended, $message->{text} =~ /^load \d+ \d+ (\d+) /;
		return $message;
	},
	qw(1:4:40 --senders 2 --processes 2)
);
@intended = sort { $a <=> $b } @intended;
my @apart = map { $intended[$_] - $intended[$_ - 1] } 1 .. $#intended;
cmp_ok(scalar @apart, '>', 5, 'posts come at the rate of a group');
is_deeply([grep { $_ < 24_999 || ($_ + 1) % 25_000 > 2 } @apart],
	[], 'and at even times, though several processes make them');
is(
	faults(figures(sub ($message) {
		$message->{seq} == 5 ? () : $message;
	})),
	'lost:1',
	'a message that is left out is lost'
);
is(
	faults(figures(sub ($message) {
		$message->{seq} == 5 ? ($message, $message) : $message;
	})),
	'repeated:1',
	'one that comes twice is repeated'
);
is(
	faults(figures(sub ($message) {
		state $kept;
		$kept = $message, return if $message->{seq} == 5;
		return $message->{seq} == 6 ? ($message, $kept) : $message;
	})),
	'lost:1 repeated:1',
	'two that change places are seen'
);
like(
	faults(figures(sub ($message) {
		return $message if $message->{seq} != 5;
		return { %$message, text => $message->{text} =~ s/^load \d+ \d+/load 9 9/r };
	})),
	qr/^disordered:[13]$/,    # one differs from three, or three from whoever came first
	'and so is one that says something else to one receiver'
);
like(
	faults(figures(sub ($message) {
		$message->{seq} == 5 ? { %$message, text => 'x' } : $message;
	})),
	qr/malformed:1/,
	'or nothing of ours'
);

is(faults(figures(sub ($message) {$message}, '--window', 8)),
	'', 'a window of posts makes no difference');
{
	local $ENV{PCHAT_BENCH_NAP} = 500;
	is(faults(figures(sub ($message) {$message})),
		'', 'nor does a generator that is not woken, but looks from time to time');
}

# The lines that t/bench/table makes of what targets has measured.
sub table ($name, %figures) {
	open my $out, '>', "$directory/targets" or die;
	say $out encode_json({
		bench => "target $name",
		figures => { rounds => 1, faults => 0, %figures } });
	close $out;
	return `$^X '$FindBin::Bin/bench/table' '$directory/targets' 2>/dev/null`;
}

# Of users/s in its rounds.
sub verdict (@users) {
	my %median = (median => $users[$#users / 2], all => \@users);
	return (grep {/resume/} table('resume', rounds => 0 + @users, users_per_second => \%median))
		[0];
}
like(verdict(5100), qr/5,000 +5,100 +yes$/, 'a target that is reached is said to be');
like(
	verdict(3000, 4900, 5200),
	qr/4,900 \(3,000 4,900 5,200\) +no$/,
	'one that the middle round does not reach is not'
);
like(verdict(), qr/resume +not measured/, 'nor is one that was not measured');

sub delivery ($size, $us) {
	return (size => $size, delivery_us => { map { ($_ => $us) } qw(p50 p90 p99 max) });
}
my %model = (delivery(0, 60_000), groups => [{ delivery(30, 7000) }, { delivery(16_000, 90_000) }]);
my %bare = (receivers => 15_996, delivery(0, 80_000));
my $pool = join '',
	table(
	'pool',
	model_1_times_10 => \%model,
	model_2_times_10 => \%model,
	bare => \%bare
	);
like(
	$pool,
	qr/model 1 x 10, last of 16000.* 90 +yes\n.*60 \(30: 7; 16000: 90\) +no\n/,
	'the largest rooms of the pool are told from all'
);
like($pool, qr/bare, 15996 alone.* 80; 80; 80/, 'and beside them stands what nothing can better');

# The command lines in which a directory is named.
sub commands_with ($name) {
	my @commands = map {
		my $opened = open my $in, '<', "$_/cmdline";
		$opened ? <$in> // '' : ();
	} glob '/proc/[0-9]*';
	return grep {/\Q$name\E/} @commands;
}

# A measure that is ended in the middle.
chmod 0755, $directory;    # a database runs as another user
my $scratch = "$directory/scratch";
mkdir $scratch or die;
my $measure = fork // die;
if (!$measure) {
	local $ENV{TMPDIR} = $scratch;
	open STDOUT, '>', '/dev/null';
	open STDERR, '>&', \*STDOUT;
	exec $^X, "$FindBin::Bin/bench/room" or die;
}
wait_for(
	'the generator of a measure',
	sub {
		grep {/pchat-load/} commands_with($scratch);
	});
kill 'TERM', $measure;
waitpid $measure, 0;
is($? >> 8, 1, 'a measure that is told to end says so');
wait_for('the end of what it started', sub { !commands_with($scratch) });
is_deeply([glob "$scratch/*"], [], 'and leaves neither processes nor files');

done_testing;
