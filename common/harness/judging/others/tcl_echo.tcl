# An echo of Tcl's socket and fcopy, one event loop for all clients. `tclsh tcl_echo.tcl PORT`
proc accept {client address port} {
    fconfigure $client -translation binary -blocking 0
    fcopy $client $client -command [list done $client]
}

proc done {client bytes {error ""}} {
    close $client
}

socket -server accept -myaddr 127.0.0.1 [lindex $argv 0]
vwait forever
