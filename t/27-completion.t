use v5.36;
use FindBin;
use Test::More;
use Pchat::Server;

# The completion for bash: everything that "pchatctl --help" tells of, and names that the server has.
my $script = "$FindBin::Bin/../conf/pchatctl.bash-completion";
my $server = Pchat::Server->start;
$server->add_users(qw(alice bob));
$server->add_room('The Lobby');
my $pchatctl = "$Pchat::Server::build/daemon/pchatctl";
my $directory = $server->directory;

# What is offered for the last of these words, for many command lines at once.
sub offered (@lines) {
	my $file = "$directory/completion";
	open my $out, '>', $file or die "could not write $file: $!\n";
	print $out qq{source "$script"\npchatctl() { "$pchatctl" -s "$directory/run" "\$@"; }\n};
	for my $words (@lines) {
		my $list = join ' ', map {"'$_'"} 'pchatctl', @$words;
		print $out "COMP_WORDS=($list); COMP_CWORD=" . @$words
			. "; COMPREPLY=(); _pchatctl\n";
		print $out qq{printf '%s|' "\${COMPREPLY[\@]}"; echo\n};
	}
	close $out or die "could not write $file: $!\n";
	my @offered = map {
		chomp;
		[sort grep {length} split /\|/]
	} `bash $file 2>&1`;
	return @offered;
}

# Nouns, verbs and options, as --help has them.
my (%verbs, $verb);
for my $line (`$pchatctl --help`) {
	if ($line =~ /^  ([a-z]+) ([a-z-]*)/) {
		$verb = $2;
		$verbs{$1}{$verb} = [];
		$verb = $verbs{$1}{$verb};
	} elsif ($verb && $line =~ /^\s{20,}(--[a-z-]+)/) {
		push @$verb, $1;
	}
}
cmp_ok(scalar keys %verbs, '>', 15, '--help lists nouns');
my ($nouns) = offered(['']);
is_deeply($nouns, [sort keys %verbs], 'every noun is offered');
my @nouns = grep { !$verbs{$_}{''} } sort keys %verbs;
my @lists = offered(map { [$_, ''] } @nouns);
is_deeply($lists[$_], [sort keys %{ $verbs{ $nouns[$_] } }], "every verb of $nouns[$_] is, too")
	for 0 .. $#nouns;

my @common = qw(--json --config --run-directory --server --certificate --key --ca);
my @calls = map {
	my $noun = $_;
	map { [$noun, $_] } sort keys %{ $verbs{$noun} }
} @nouns;
my @options = offered(map { [@$_, '--'] } @calls);
my @odd = grep {
	my ($noun, $name) = @{ $calls[$_] };
	"@{ $options[$_] }" ne join ' ', sort @common, @{ $verbs{$noun}{$name} }
} 0 .. $#calls;
is_deeply([map {"@{ $calls[$_] }: @{ $options[$_] }"} @odd], [], 'and every option of every verb');

# What options and arguments may be.
is_deeply([
		offered(
			['room', 'create', '--privacy', ''],
			['room', 'list', '--disabled', 'y'],
			['room', 'get', 'The'],
			['user', 'disable', ''],
			['room', 'list', '--member', 'sip:a'],
			['category', 'get', ''],
			['pool', 'drain', ''],
			['message', 'search', '--match', 'p'])
	],
	[
		[qw(closed open secret)], ['yes'],
		['The\ Lobby'], [qw(sip:alice@example.test sip:bob@example.test)],
		['sip:alice@example.test'], ['General'],
		[qw(0 1 2)], ['phrase']
	],
	'words and names are offered, too'
);

done_testing;
