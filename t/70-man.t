use v5.36;
use File::Basename;
use Test::More;

my $source = $ENV{PCHAT_SOURCE} // '.';
my @pages = glob "$source/man/*.[1-8]";
cmp_ok(scalar @pages, '>=', 5, 'there are man pages');
for my $page (@pages) {
	my $output = `mandoc -T lint -W warning '$page' 2>&1`;
	is($output, '', basename($page) . ' is clean mdoc');
}

# What pchatd.conf(5) says of the settings is what the table in conf/setting.c says.
sub slurp ($file) {
	open my $in, '<', "$source/$file" or die "could not open $file: $!\n";
	local $/;
	return <$in>;
}

my %unit = (
	k => 1 << 10,
	M => 1 << 20,
	G => 1 << 30,
	us => 1,
	ms => 1e3,
	s => 1e6,
	m => 6e7,
	h => 3.6e9,
	d => 8.64e10
);
my %macro = (
	(map { (uc, $unit{$_}) } qw(k M G ms s h d)),
	MIN => $unit{m},
	slurp('conf/conf.h') =~ /\b(CONF_\w+) = (\d+)/g
);

# "64k" on the page, "64 * K" in the table.
sub amount ($text) { return $text =~ /^(\d+)([a-zA-Z]*)$/ ? $1 * ($2 ? $unit{$2} : 1) : -1 }

sub product ($text) {
	my $product = 1;
	$product *= /^\d+$/ ? $_ : $macro{$_} // die "$_ is unknown\n" for split /\s*\*\s*/, $text;
	return $product;
}

my %told;    # "journal.size" => "size, 256M; 1M to 1024G"
for my $part (split /^(?=\.Ss )/m, slurp('man/pchatd.conf.5')) {
	my ($section) = $part =~ /^\.Ss (?:Sections? )?(\w+)/ or next;
	$section = 'root' if $section eq 'Outside';
	while ($part =~ /^\.It Cm (\w+) Pq (.*)/mg) {
		my ($name, $text) = ($1, $2);
		$told{"$section.$name"} = $text =~ s/\b(?:Cm|Pa|No|Qq) //gr;
	}
}

my (%known, @wrong);
my $table = slurp('conf/setting.c');
while ($table =~ /^\t(ROOT|STRING|NUMBER|CHOICE|ADAPTER\w*)\((\w+), (.*?)\),/msg) {
	my ($macro, $kind, @part) = ($1, $2, split /,\s*/, $3);
	my $section = $macro eq 'ROOT' ? 'root' : $macro =~ /^ADAPTER/ ? 'adapter' : shift @part;
	my $name = "$section." . shift @part;
	shift @part if $macro eq 'CHOICE';
	my $default = (shift @part) =~ tr/"//dr;
	my $text = $told{$name} // '';
	$known{$name} = 1;
	push @wrong, "$name: $default"
		if $default ne ''
		&& $default ne 'none'
		&& $kind ne 'LIST'
		&& $text !~ /(?<!\w)\Q$default\E(?!\w)/;
	next if $kind !~ /^(?:COUNT|SIZE|TIME)$/;
	my ($least, $most) = $text =~ /(\w+) to (\w+)/ ? ($1, $2) : (0, $text =~ /at most (\w+)/);
	push @wrong, "$name: $part[0] to $part[1]"
		if amount($least) != product($part[0]) || amount($most // '') != product($part[1]);
}
cmp_ok(scalar keys %known, '>', 100, 'there are settings');
is_deeply(
	[sort keys %told],
	[sort keys %known],
	'each of them stands in pchatd.conf(5), and no other'
);
is("@wrong", '', 'with its default and its range');

# What pchatctl(8) says of counters is what the processes count.
my ($counters) = slurp('man/pchatctl.8') =~ /^\.Ss Counters\n(.*?)^\.S[hs] /ms;
my @described = map { s/ Pq .*//r =~ /(\w+)/g } $counters =~ /^\.It Cm (.*)/mg;
my @counted = slurp('shm/counter.h') =~ /X\(\w+, "(\w+)"\)/g;
cmp_ok(scalar @counted, '>', 50, 'there are counters');
is_deeply([sort @described], [sort @counted], 'each of them stands in pchatctl(8), and no other');

done_testing;
