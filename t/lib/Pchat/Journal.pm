package Pchat::Journal;

# The journal's file, taken apart by what shm/layout.h says of it: for tests that compare.

use v5.36;

my %names = (
	1 => 'pad',
	2 => 'start',
	3 => 'principal',
	4 => 'room',
	5 => 'sign_in',
	6 => 'sign_out',
	7 => 'join',
	8 => 'part',
	9 => 'chat',
	10 => 'category',
	11 => 'addin',
	12 => 'role',
	13 => 'affiliation',
	14 => 'delete',
	15 => 'remove',
	16 => 'purge',
	17 => 'invitation',
	18 => 'marker',
	19 => 'feed',
	20 => 'access_request',
	21 => 'import',
	22 => 'setting',
	23 => 'grant',
	24 => 'view',
	25 => 'refused',
	26 => 'file_granted',
	27 => 'upload',
	28 => 'download',
	29 => 'file_removed',
	32 => 'lost',
);

# Of several rooms there is a record for each.
my %several = (30 => 'join', 31 => 'part');

use constant { HEAD => 88, ROOMS_HEAD => 24, TAKEN => 8192 };

sub _types ($type, $payload) {
	return $names{$type} // "type $type" if !$several{$type};
	return map { (unpack 'x4 S', $_) & TAKEN ? 'resume' : $several{$type} }
		unpack '(a8)' . unpack('L', $payload), substr $payload, ROOMS_HEAD;
}

# All events of a journal whose ring was not used a second time, from its beginning to an LSN: a list
# of {lsn, type}, where type is what the record of it is called.
sub events ($file, $end) {
	open my $in, '<:raw', $file or die "could not open $file: $!\n";
	read $in, my ($header), 4096;
	my ($size, $base) = unpack 'x32 Q Q', $header;
	die "the ring was used again\n" if $end > $size;
	read $in, my ($ring), $end;
	my @events;
	for (my $lsn = $base; $lsn < $end;) {
		my ($length, $own, $type) = unpack 'L x4 Q x20 S', substr $ring, $lsn, HEAD;
		die "no record at $lsn\n" if $own != $lsn || $length < HEAD;
		push @events, map { { lsn => $lsn, type => $_ } }
			_types($type, substr $ring, $lsn + HEAD, $length - HEAD);
		$lsn += $length;
	}
	return @events;
}

1;
