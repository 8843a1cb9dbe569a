package Pchat::Authority;

# A certificate authority for a test, made by openssl(1) in a directory that goes with it.
#
#   my $authority = Pchat::Authority->new('CN of the authority');
#   my $alice = $authority->issue('alice', subjectAltName => 'email:alice@example.test');
#   $authority->revoke('alice');
#
# issue returns {certificate, key}: files. crl is the file with the list of those revoked so far.

use v5.36;
use File::Temp 'tempdir';

# above: the authority that vouches for this one; without one it does so itself.
sub new ($class, $name, $above = undef) {
	my $directory = tempdir('pchat-authority.XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless { directory => $directory }, $class;
	$self->_write('index', '');
	$self->_write('serial', "1000\n");
	$self->_write('crlnumber', "01\n");
	$self->_write('conf', <<END);
[ca]
default_ca = own
[own]
database = $directory/index
new_certs_dir = $directory
serial = $directory/serial
crlnumber = $directory/crlnumber
certificate = $directory/ca.pem
private_key = $directory/ca.key
default_md = sha256
default_days = 2
default_crl_days = 2
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = optional
END
	if ($above) {
		my $own = $above->issue($name, basicConstraints => 'critical,CA:TRUE');
		rename $own->{certificate}, "$directory/ca.pem" or die "could not move: $!\n";
		rename $own->{key}, "$directory/ca.key" or die "could not move: $!\n";
	} else {
		$self->_openssl(
			'req', '-x509', _key("$directory/ca.key"), '-days',
			3, '-subj', "/CN=$name", '-out',
			"$directory/ca.pem"
		);
	}
	$self->_list;
	return $self;
}

sub certificate ($self) { return "$self->{directory}/ca.pem" }
sub crl ($self) { return "$self->{directory}/crl.pem" }

# Extensions of the certificate by their names; start, end: as 20260101000000Z.
sub issue ($self, $name, %option) {
	my $file = "$self->{directory}/" . ($option{file} // $name =~ s/[^\w.-]/_/gr);
	my @extensions = map { $option{$_} ? ('-addext', "$_=$option{$_}") : () }
		qw(subjectAltName extendedKeyUsage basicConstraints);
	$self->_openssl('req', '-new', _key("$file.key"), '-subj', "/CN=$name", @extensions, '-out',
		"$file.csr");
	$self->_openssl('ca', '-batch', '-notext', '-config', "$self->{directory}/conf",
		'-in', "$file.csr", '-out', "$file.pem",
		map { $option{$_} ? ("-${_}date", $option{$_}) : () } qw(start end));
	return { certificate => "$file.pem", key => "$file.key" };
}

sub revoke ($self, $issued) {
	$self->_openssl('ca', '-config', "$self->{directory}/conf", '-revoke',
		$issued->{certificate});
	$self->_list;
}

sub _list ($self) {
	$self->_openssl('ca', '-config', "$self->{directory}/conf", '-gencrl', '-out', $self->crl);
}

sub _key ($file) {
	return ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
		'-nodes', '-keyout', $file);
}

sub _write ($self, $name, $text) {
	open my $out, '>', "$self->{directory}/$name" or die "could not write $name: $!\n";
	print $out $text;
	close $out or die "could not write $name: $!\n";
}

sub _openssl ($self, @words) {
	my $output = `@{[map { "'$_'" } 'openssl', @words]} 2>&1 </dev/null`;
	die "openssl $words[0] failed: $output\n" if $?;
}

1;
