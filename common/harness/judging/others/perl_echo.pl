# An echo of Perl's IO::Socket with a child for each client, as perlipc teaches it. `perl perl_echo.pl PORT`
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ":sys_wait_h";

$SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };

my $server = IO::Socket::INET->new(
    Proto     => "tcp",
    LocalAddr => "127.0.0.1",
    LocalPort => $ARGV[0],
    Listen    => SOMAXCONN,
    ReuseAddr => 1,
) or die "can't setup server: $@";

while (1) {
    my $client = $server->accept() or next;    # a child's end interrupts it
    my $child = fork();
    die "can't fork: $!" unless defined $child;
    next if $child;
    while (sysread($client, my $data, 65536)) {
        print $client $data;
    }
    exit 0;
}
