# An echo of Ruby's Socket: the example of its documentation for Socket.tcp_server_loop. `ruby ruby_echo.rb PORT`
require 'socket'

Socket.tcp_server_loop('127.0.0.1', ARGV[0].to_i) do |sock, _client_addrinfo|
  Thread.new do
    begin
      IO.copy_stream(sock, sock)
    ensure
      sock.close
    end
  end
end
