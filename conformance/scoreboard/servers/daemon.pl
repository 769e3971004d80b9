# A file server on HTTP::Daemon, as in its manual: daemon.pl PORT ROOT.
use strict;
use HTTP::Daemon;
use HTTP::Status;

# A client that has left ends a write, and not the program.
$SIG{PIPE} = 'IGNORE';

my ($port, $root) = @ARGV;
my $daemon = HTTP::Daemon->new(LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1) or die $!;
while (my $client = $daemon->accept) {
    while (my $request = $client->get_request) {
        my $path = $request->uri->path;
        if ($request->method ne 'GET' and $request->method ne 'HEAD') {
            $client->send_error(RC_METHOD_NOT_ALLOWED);
        } elsif ($path =~ m{/\.\.(?:/|$)} or not -f "$root$path") {
            $client->send_error(RC_NOT_FOUND);
        } else {
            $client->send_file_response("$root$path");
        }
    }
    $client->close;
}
