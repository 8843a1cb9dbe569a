use v5.36;
use Test::More;
use Pchat::Server;

# make distcheck builds from the tarball in a directory of its own, with a source that cannot be
# written to, runs the first tests there, installs and removes. Once is enough, and not inside itself.
plan skip_all => 'already inside of make distcheck' if $ENV{PCHAT_DISTCHECK};
plan skip_all => 'done in the build without sanitizers' if Pchat::Server->has_sanitizers;
my $source = $ENV{PCHAT_SOURCE} // '.';
plan skip_all => 'not a checked-out source tree' if !-e "$source/.gitignore";

delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL PCHAT_COUNTS PCHAT_BUILD PCHAT_SOURCE PERL5LIB)};
$ENV{PCHAT_DISTCHECK} = 1;
$ENV{PCHAT_TESTS} = '^(02|10)';
my $output = `make -C '$Pchat::Server::build' -j2 distcheck DISTCHECK_CONFIGURE_FLAGS=CFLAGS=-O0 2>&1`;
is($?, 0, 'make distcheck passes') or diag substr $output, -4000;
like($output, qr/ready for distribution/, 'and the tarball is there');
my ($archive) = glob "$Pchat::Server::build/pchat-*.tar.xz";
my %packed = map { chomp; s{^[^/]+/}{}r => 1 } `tar tf '$archive'`;
my @tracked = map { chomp; $_ } `git -C '$source' ls-files`;
SKIP: {
	skip 'git does not say what there is', 1 if !@tracked;
	is_deeply([grep { !m{^\.} && !$packed{$_} } @tracked], [], 'with everything that there is');
}
unlink $archive;

done_testing;
