package Pchat::Mssql;

# Databases on a SQL Server, or another server that speaks TDS and T-SQL, which PCHAT_TEST_MSSQL
# names by a connection string; its user must be allowed to create databases. They are dropped when
# the test ends.
#
#   my $mssql = Pchat::Mssql->start;
#   my $dsn = $mssql->dsn($mssql->add_database('content'));

use v5.36;
use DBI;
use Test::More ();

my %all;

# Whether there is one.
sub named ($class) { return $ENV{PCHAT_TEST_MSSQL} }

sub start ($class) {
	my $dsn = $class->named // die "PCHAT_TEST_MSSQL does not name a server\n";
	my $self = bless { given => $dsn, databases => [], owner => $$ }, $class;
	$all{$self} = $self;
	return $self;
}

# A new, empty database that lets readers see one state of it; its name.
sub add_database ($self, $name) {
	my $full = "pchat_${$}_$name";
	my $db = $self->_connect($self->{given});
	$db->do("CREATE DATABASE $full");
	push @{ $self->{databases} }, $full;
	# Where there is no such statement there is no need of it.
	eval { $db->do("ALTER DATABASE $full SET ALLOW_SNAPSHOT_ISOLATION ON") };
	$db->disconnect;
	return $full;
}

sub dsn ($self, $name) { return $self->{given} =~ s/\bDatabase=[^;]*/Database=$name/ir }

# A connection as an outsider has it, and with what it needs to give text as it is.
sub connect ($self, $name, %attributes) { return $self->_connect($self->dsn($name), %attributes) }

sub _connect ($self, $dsn, %attributes) {
	return DBI->connect(
		"dbi:ODBC:$dsn;TDS_Version=7.4;ClientCharset=UTF-8",
		undef, undef,
		{   RaiseError => 1,
			PrintError => 0,
			LongReadLen => 8 << 20,
			odbc_utf8_on => 1,
			%attributes
		});
}

sub finish ($self) {
	delete $all{$self};
	my $db = eval { $self->_connect($self->{given}) } or return;
	for my $name (splice @{ $self->{databases} }) {
		eval { $db->do("DROP DATABASE $name"); 1 }
			or Test::More::diag("could not drop the database $name: $@");
	}
	$db->disconnect;
}

END {
	my $status = $?;
	$_->finish for grep { $_->{owner} == $$ } values %all;
	$? = $status;
}

1;
