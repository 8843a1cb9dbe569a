package Pchat::Files;

# Uploads and downloads by hand, over a server without TLS, and the directory in which it keeps them.
#
#   my $place = Pchat::Files->new(server => $server, directory => $directory, room => $room);
#   my ($grant, $status, $answer) = $place->upload($client, 'plan.pdf', $bytes);

use v5.36;
use IO::Socket::INET;
use Mojo::JSON 'decode_json';

sub new ($class, %self) { return bless {%self}, $class }

sub bytes ($self, $size) {
	return join '', map { chr int rand 256 } 1 .. $size if $size < 200_000;
	return $self->bytes(100_000) x ($size / 100_000) . 'x' x ($size % 100_000);
}

# --- On the disk. ---

sub path ($self, $uri) {
	my ($uuid) = $uri =~ m{([0-9a-f-]{36})$};
	return "$self->{directory}/" . substr($uuid, 0, 2) . "/$uuid";
}

sub _slurp ($path) {
	open my $in, '<:raw', $path or return undef;
	local $/;
	return scalar <$in>;
}

sub content ($self, $uri) { return _slurp($self->path($uri)) }
sub about ($self, $uri) { return decode_json _slurp($self->path($uri) . '.json') }
sub incoming ($self) { return map {s{.*/}{}r} glob "$self->{directory}/incoming/*" }

# --- Over HTTP. ---

sub _connect ($self) {
	return IO::Socket::INET->new(
		PeerAddr => $self->{server}->address,
		PeerPort => $self->{server}->port,
		Timeout => 30
	) // die "could not connect: $!\n";
}

# The head and some bytes; the connection.
sub begin_put ($self, $grant, $size, $bytes) {
	my $socket = $self->_connect;
	local $SIG{PIPE} = 'IGNORE';
	print $socket "PUT $grant->{url} HTTP/1.1\r\nHost: test\r\nContent-Length: $size\r\n\r\n$bytes";
	$socket->flush;
	return $socket;
}

# All that comes until the server closes.
sub rest ($self, $socket) {
	local $SIG{ALRM} = sub { die "no answer to an upload or download\n" };
	local $SIG{PIPE} = 'IGNORE';
	alarm 60;
	$socket->flush;
	local $/;
	my $answer = <$socket> // '';
	alarm 0;
	return $answer;
}

# (status, the JSON in the body)
sub put_all ($self, $grant, $bytes) {
	my $answer = $self->rest($self->begin_put($grant, length $bytes, $bytes));
	my ($status, $body) = $answer =~ m{^HTTP/1\.1 (\d+).*?\r\n\r\n(.*)}s;
	return ($status // 0, $body ? decode_json $body : undef);
}

sub put ($self, $grant, $bytes) { return ($self->put_all($grant, $bytes))[0] }

sub upload ($self, $client, $name, $bytes, $room = $self->{room}) {
	my $grant = $client->call('file.upload', room => $room, name => $name, size => length $bytes);
	return ($grant, $self->put_all($grant, $bytes));
}

sub _get ($self, $grant) {
	my $socket = $self->_connect;
	print $socket "GET $grant->{url} HTTP/1.1\r\nHost: test\r\n\r\n";
	return $self->rest($socket) =~ m{^HTTP/1\.1 (\d+).*?\r\n\r\n(.*)}s;
}

sub get ($self, $grant) {
	my ($status, $body) = $self->_get($grant);
	return ($status // 0) == 200 ? $body : undef;
}

sub get_status ($self, $grant) { return ($self->_get($grant))[0] }

1;
