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

done_testing;
