using System.Net;
using System.Net.Sockets;
using System.Text;
using static Crosshead.Benchmarks.Survival.SurvivalTest;

namespace Crosshead.Benchmarks.Survival;

/// <summary>Clients that ask and then read nothing: others do not wait for them, and they are given up.</summary>
internal static class StalledReaders
{
    private const int Stalled = 4, Healthy = 8, Timeout = 5;

    /// <summary>Runs the case.</summary>
    public static async Task RunAsync(string model)
    {
        await using var server = await ServerProcess.StartAsync(model, "--max-sequences", "128", "--stall-timeout",
            $"{Timeout}");
        await GapsAsync(server.Client); // warms up
        var alone = await GapsAsync(server.Client);
        Tell($"gaps between the tokens of {Healthy} readers alone: {Spread(alone)}");
        var sockets = new List<Socket>();
        for (var i = 0; i < Stalled; i++) sockets.Add(await StallAsync(server.Client.Address));
        for (var waited = 0; (await server.Client.MetricsAsync())["num_requests_running"] < Stalled; waited++)
        {
            if (waited == 500) throw new InvalidOperationException("the requests of the stalled readers did not start");
            await Task.Delay(20);
        }
        await Task.Delay(3000); // all buffers on the way are full now
        var paused = (await server.Client.MetricsAsync())["num_requests_running"];
        var beside = await GapsAsync(server.Client);
        Tell($"beside {Stalled} that read nothing ({paused} answers paused): {Spread(beside)}");
        Check(beside.Max() < 1000, "others do not wait for them");
        var seconds = await server.IdleAsync();
        Check(server.Log.Count(l => l.Contains(" gone ", StringComparison.Ordinal)) == Stalled,
            $"{Stalled} are given up and hold nothing {seconds:0.0} s later (limit {Timeout} s without reading)");
        foreach (var socket in sockets) socket.Dispose();
    }

    private static async Task<List<double>> GapsAsync(Client client)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Healthy).Select(i => client.AskAsync(
            new { prompt = "Once upon a time", max_tokens = 400, ignore_eos = true, seed = i, stream = true })));
        Check(answers.All(a => a.End == AnswerEnd.Whole), $"{Healthy} readers get whole answers");
        return [.. answers.SelectMany(a => a.Gaps)];
    }

    // 16 answers with much text for each token are more than all buffers on the way hold.
    private static async Task<Socket> StallAsync(Uri address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(IPAddress.Loopback, address.Port);
        const string Body = """
            {"prompt":"Once","n":16,"max_tokens":500,"ignore_eos":true,"logprobs":20,"stream":true}
            """;
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/completions HTTP/1.1\r\nHost: {address.Authority}\r\n"
            + $"Content-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"));
        return socket;
    }
}
