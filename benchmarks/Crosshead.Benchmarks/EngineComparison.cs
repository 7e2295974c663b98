using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Crosshead.Generation;
using Crosshead.Serving;

namespace Crosshead.Benchmarks;

/// <summary>
/// What a step of the engine takes beside the pass, which sleeps; with one reader on the thread pool for each sequence,
/// and with no reader before the end. The processor time of the engine's thread depends little on what else runs.
/// </summary>
internal static partial class EngineComparison
{
    private const int Settling = 100; // steps that do not count
    private const int ThreadClock = 3;

    /// <summary>Measures and prints a row a case.</summary>
    /// <param name="pass">Milliseconds of a pass.</param>
    /// <param name="steps">Steps that count.</param>
    public static async Task RunAsync(int pass, int steps)
    {
        Console.WriteLine($"{Environment.ProcessorCount} processors, a pass of {pass} ms, {steps} steps; µs of a step");
        Console.WriteLine("| sequences | readers | processor | before the pass | drawing | telling |");
        Console.WriteLine("| ---: | --- | ---: | ---: | ---: | ---: |");
        foreach (var sequences in new[] { 1, 64, 256 })
            foreach (var reads in new[] { false, true })
                await CaseAsync(sequences, reads, pass, steps);
    }

    private static async Task CaseAsync(int sequences, bool reads, int pass, int steps)
    {
        var most = steps + Settling;
        using var decoder = new PacedDecoder(sequences, sequences * ((most / 64) + 2),
            TimeSpan.FromMilliseconds(pass), sleeps: true);
        using var engine = new Engine(decoder, new Words(), most + 2, new EngineOptions
        {
            MaxEvents = reads ? 256 : most,
            MaxQueued = sequences,
            PrefixCache = false,
        });
        var (before, drawing, telling) = (new List<double>(), new List<double>(), new List<double>());
        var (last, began, ended) = (0L, 0.0, 0.0);
        engine.Stepped += (tokens, _) =>
        {
            var now = Stopwatch.GetTimestamp();
            if (last != 0 && tokens == sequences)
            {
                before.Add(Microseconds(last, decoder.Began));
                drawing.Add(Microseconds(decoder.Ended, decoder.Drawn));
                telling.Add(Microseconds(decoder.Drawn, now));
                ended = Processor();
                if (before.Count == Settling) began = ended;
            }
            last = now;
        };
        var request = new EngineRequest { Prompt = [1], MaxTokens = most, Sampling = SamplingOptions.Greedy };
        var calls = Enumerable.Range(0, sequences).Select(_ => engine.Submit(request)).ToArray();
        if (reads) await Task.WhenAll(calls.Select(call => Task.Run(() => ReadAsync(call))));
        else await Task.WhenAll(calls.Select(call => EndAsync(call)));
        var row = new[] { before, drawing, telling }.Select(Median).ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {sequences} | {(reads ? "wait" : "none")} | "
            + $"{(ended - began) / (before.Count - Settling):0.0} | {row[0]:0} | {row[1]:0} | {row[2]:0} |"));
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

    // Processor time of this thread in µs.
    private static double Processor()
    {
        Span<long> time = stackalloc long[2]; // seconds and nanoseconds
        return ReadClock(ThreadClock, ref MemoryMarshal.GetReference(time)) == 0 ? (1e6 * time[0]) + (1e-3 * time[1])
            : throw new InvalidOperationException("there is no such clock.");
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ReadClock(int clock, ref long time);

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
