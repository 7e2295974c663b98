using System.Diagnostics;
using System.Globalization;
using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Benchmarks;

/// <summary>
/// What a step of the engine takes beside the decoder, with one reader on the thread pool for each sequence, and with
/// no reader before the end.
/// </summary>
internal static class EngineComparison
{
    private const int Settling = 100; // steps that do not count

    /// <summary>Measures and prints a row a case.</summary>
    /// <param name="pass">Microseconds of a pass.</param>
    /// <param name="steps">Steps that count.</param>
    public static async Task RunAsync(int pass, int steps)
    {
        Console.WriteLine($"{Environment.ProcessorCount} processors, a pass of {pass} µs; median µs of {steps} steps");
        Console.WriteLine("| sequences | readers | before the pass | drawing | telling | beside the pass | step |");
        Console.WriteLine("| ---: | --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (var sequences in new[] { 1, 64, 256 })
            foreach (var reads in new[] { false, true })
                await CaseAsync(sequences, reads, pass, steps);
    }

    private static async Task CaseAsync(int sequences, bool reads, int pass, int steps)
    {
        var most = steps + Settling;
        using var decoder = new PacedDecoder(sequences, sequences * ((most / 64) + 2),
            TimeSpan.FromMicroseconds(pass));
        using var engine = new Engine(decoder, new Words(), most + 2, new EngineOptions
        {
            MaxEvents = reads ? 256 : most,
            MaxQueued = sequences,
            PrefixCache = false,
        });
        var (before, drawing, telling, whole) = (new List<double>(), new List<double>(), new List<double>(),
            new List<double>());
        var last = 0L;
        engine.Stepped += (tokens, _) =>
        {
            var now = Stopwatch.GetTimestamp();
            if (last != 0 && tokens == sequences)
            {
                before.Add(Microseconds(last, decoder.Began));
                drawing.Add(Microseconds(decoder.Ended, decoder.Drawn));
                telling.Add(Microseconds(decoder.Drawn, now));
                whole.Add(Microseconds(last, now));
            }
            last = now;
        };
        var request = new EngineRequest { Prompt = [1], MaxTokens = most, Sampling = SamplingOptions.Greedy };
        var calls = Enumerable.Range(0, sequences).Select(_ => engine.Submit(request)).ToArray();
        if (reads) await Task.WhenAll(calls.Select(call => Task.Run(() => ReadAsync(call))));
        else await Task.WhenAll(calls.Select(call => EndAsync(call)));
        var row = new[] { before, drawing, telling }.Select(Median).ToArray();
        var step = Median(whole);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {sequences} | {(reads ? "wait" : "none")} | "
            + $"{row[0]:0} | {row[1]:0} | {row[2]:0} | {step - pass:0} | {step:0} |"));
    }

    private static async Task ReadAsync(EngineCall call)
    {
        await foreach (var step in call.Events.ReadAllAsync())
            if (step.Stop is not null and not StopReason.Length) throw new InvalidOperationException($"{step.Stop}");
    }

    // Reads nothing before everything is there.
    private static async Task EndAsync(EngineCall call)
    {
        while (call.Times.Ended == 0) await Task.Delay(20);
        await ReadAsync(call);
    }

    private static double Microseconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalMicroseconds;

    private static double Median(List<double> values) =>
        values.Skip(Settling).Order().ElementAt(Math.Max(0, (values.Count - Settling) / 2));

    private sealed class Words : ITextCodec, ITextStream
    {
        public IReadOnlyList<int> Encode(string text) => [];

        public bool IsToken(int id) => true;

        public ITextStream CreateStream(bool skipsSpecialTokens = true) => this;

        public string Push(int id) => string.Create(CultureInfo.InvariantCulture, $" {id}"); // allocated, as real ones

        public string Finish() => "";
    }
}
