#!/usr/bin/env escript
%%! -env ERL_CRASH_DUMP_BYTES 0
%% An echo of Erlang's gen_tcp, an Erlang process for each client. `escript erlang_echo.escript PORT`
main([Port]) ->
    {ok, Listen} = gen_tcp:listen(list_to_integer(Port),
                                  [binary, {active, false}, {ip, {127, 0, 0, 1}}, {reuseaddr, true}]),
    accept(Listen).

accept(Listen) ->
    {ok, Socket} = gen_tcp:accept(Listen),
    Client = spawn(fun() -> receive go -> echo(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Client),
    Client ! go,
    accept(Listen).

echo(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Data} ->
            ok = gen_tcp:send(Socket, Data),
            echo(Socket);
        {error, _} ->
            gen_tcp:close(Socket)
    end.
