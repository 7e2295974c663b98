using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Crosshead.Generation;
using Crosshead.Server;
using Crosshead.Server.Hosting;
using Crosshead.Serving;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Benchmarks;

/// <summary>
/// What a token of a stream costs a server, and a client that only reads: processor time, and how long a step takes
/// beside the pass, which sleeps.
/// </summary>
internal static class ServerComparison
{
    private const int Tokens = 1000;

    /// <summary>Measures and prints a row for some numbers of streams.</summary>
    /// <param name="tokenizer">A folder with a tokenizer of at least 500 tokens.</param>
    /// <param name="pass">Milliseconds of a pass.</param>
    public static async Task RunAsync(string tokenizer, int pass)
    {
        Console.WriteLine($"{Environment.ProcessorCount} processors, a pass of {pass} ms");
        Console.WriteLine("| streams | processor µs per token | µs of a step beside the pass |");
        Console.WriteLine("| ---: | ---: | ---: |");
        foreach (var streams in new[] { 1, 16, 64, 64 }) await CaseAsync(Tokenizer.Load(tokenizer), streams, pass);
    }

    private static async Task CaseAsync(Tokenizer tokenizer, int streams, int pass)
    {
        using var decoder = new PacedDecoder(streams, streams * ((Tokens / 64) + 2),
            TimeSpan.FromMilliseconds(pass), sleeps: true);
        using var engine = new Engine(decoder, new TokenizerCodec(tokenizer), Tokens + 2,
            new EngineOptions { MaxQueued = streams, PrefixCache = false });
        await using var server = await ModelServer.StartAsync(new ServerOptions { Port = 0 });
        server.Serve(new ServedModel
        {
            Engine = engine,
            Tokenizer = tokenizer,
            Names = ["paced"],
            VocabularySize = decoder.VocabularySize,
            EndTokens = [],
        });
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        await Task.WhenAll(Enumerable.Range(0, streams).Select(_ => ReadAsync(server.Address.Port)));
        process.Refresh();
        var done = engine.Statistics;
        var seconds = (process.TotalProcessorTime - before).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {streams} | "
            + $"{1e6 * seconds / done.GeneratedTokens:0.0} | "
            + $"{1e6 * (done.StepSeconds - done.ComputeSeconds) / done.Steps:0} |"));
    }

    private static async Task ReadAsync(int port)
    {
        const string Body = """{"prompt":[1],"max_tokens":1000,"temperature":0,"stream":true,"ignore_eos":true}""";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            + $"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"));
        var buffer = new byte[1 << 16];
        var read = 0L;
        while (await socket.ReceiveAsync(buffer) is > 0 and var count) read += count;
        if (read < 100 * Tokens) throw new InvalidOperationException(Encoding.ASCII.GetString(buffer));
    }
}
