using System.Globalization;
using System.Text;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.Gguf;
using Crosshead.Decoding.Cpu;
using Crosshead.Runtime;
using Crosshead.Text.Tokenizers;
using Crosshead.TextModels;
using LLama;
using LLama.Common;
using static TorchSharp.torch;

namespace Crosshead.Benchmarks.Llama;

/// <summary>
/// A batch of sequences, step by step: Crosshead's decoder for processors and llama.cpp in turn, with the same weights.
/// </summary>
internal static class LlamaComparison
{
    private const int Steps = 24;

    private const double SecondsPerTurn = 0.7; // at least

    // Before a turn, so that no thread of the other waits awake any more and takes a core.
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(0.3);

    private static readonly string[] s_texts =
    [
        "Once upon a time, there was a little girl.", "  two  spaces, and a tab\t", "äöü 12 345 🙂 中文字 ▁",
        "def f(x):\n    return x + 1\n\n\n# it isn't much", "I'LL don't WE'VE 1234567", " ", "<s> is text here",
        $"if x:{new string('\n', 33)}{new string(' ', 37)}y{new string('\t', 9)} = {new string(' ', 4)}z ▁▁▁",
    ];

    public const string Usage =
        "llama MODEL [--sequences 16] [--cached 16] [--threads N] [--type f32|bf16] [--rounds 5] [--flash on|off] "
        + "[--library FOLDER]; MODEL is a folder, or a .gguf file, which has a type of its own; without rounds only "
        + "logits are compared; flash attention is llama.cpp's choice unless given; FOLDER has another build of it";

    /// <summary>Compares, and prints a table. Returns the exit code: 1 if the two compute different logits.</summary>
    public static int Run(string folder, string[] options)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        var given = Parse(options);
        var place = given.GetValueOrDefault("--library");
        if (place is null) LlamaEngine.Load();
        var (sequences, cached) = (Number(given, "--sequences", 16, 1), Number(given, "--cached", 16, 2));
        var threads = Number(given, "--threads", ComputeThreads.Count, 1);
        var rounds = Number(given, "--rounds", 5, 0);
        var type = given.GetValueOrDefault("--type", "f32") switch
        {
            "f32" => ScalarType.Float32,
            "bf16" => ScalarType.BFloat16,
            var other => throw new CrossheadException($"--type is f32 or bf16, not {other}."),
        };
        bool? flash = given.GetValueOrDefault("--flash") switch
        {
            null => null,
            "on" => true,
            "off" => false,
            var other => throw new CrossheadException($"--flash is on or off, not {other}."),
        };
        var isFile = folder.EndsWith(".gguf", StringComparison.Ordinal);
        var file = isFile ? folder : Path.Combine(Path.GetTempPath(), $"crosshead-{Environment.ProcessId}.gguf");
        try
        {
            if (!isFile)
            {
                using var whole = ModelDirectory.Load(folder);
                GgufModel.Write(file, whole, GgufModel.NearestTo(type), folder, "comparison");
            }
            using var model = ModelDirectory.LoadFrozen(folder, isFile ? ScalarType.BFloat16 : type);
            using var weights = new CpuWeights(model);
            using var library = place is null ? null : new LlamaLibrary(place, file);
            using var peer = place is null ? LLamaWeights.LoadFromFile(new ModelParams(file)) : null;
            var capacity = cached + Steps;
            if (capacity > model.Options.Context)
                throw new CrossheadException($"--cached {cached} and {Steps} steps are {capacity} tokens; the model "
                    + $"has {model.Options.Context}.");
            var random = new Random(5);
            int[][] prompts = [.. Enumerable.Range(0, sequences).Select(_ => Enumerable.Range(0, cached)
                .Select(_ => random.Next(model.Options.VocabularySize)).ToArray())];

            using var ours = new CrossheadEngine(weights, sequences, capacity, threads);
            ours.Begin(prompts);
            double exact, difference;
            using (var theirs = Theirs(exact: true))
            {
                theirs.Begin(prompts);
                exact = Difference(ours, theirs, sequences);
            }
            using var timed = Theirs(exact: false);
            timed.Begin(prompts);
            difference = Difference(ours, timed, sequences);
            Print($"{sequences} sequences of {cached} tokens, {model.Options.Layers} layers of width "
                + $"{model.Options.HiddenSize}, {given.GetValueOrDefault("--type", "f32")}, {threads} threads, "
                + $"{CpuVectors.Description}, load {Load()}");
            Print($"largest difference of logits ÷ largest logit: {exact:0.0e+0}; with llama.cpp's cache in half "
                + $"precision, as timed: {difference:0.0e+0}");
            if (peer is not null) CompareTokens(folder, peer);
            // Rounding alone stays far below; a wrong model is far above.
            if (exact > (isFile ? 0.2 : type == ScalarType.Float32 ? 1e-3 : 5e-2))
            {
                Print("the two do not compute the same model: nothing was timed.");
                return 1;
            }
            if (rounds == 0) return 0;
            var before = WeightSpeeds.ReadSpeed(512, threads);
            Time(ours, timed, prompts, rounds);
            Print($"Crosshead reads {weights.BytesPerToken >> 20} MiB of weights for a step; memory is read at "
                + $"{before / 1e9:0.0} GB/s before, and at {WeightSpeeds.ReadSpeed(512, threads) / 1e9:0.0} after");
            return 0;

            BatchEngine Theirs(bool exact) => library is null
                ? new LlamaEngine(peer!, file, sequences, capacity, threads, exact, flash)
                : new LlamaLibraryEngine(library, sequences, capacity, threads, exact, flash);
        }
        finally
        {
            if (!isFile) File.Delete(file);
        }
    }

    private static void Time(BatchEngine ours, BatchEngine theirs, int[][] prompts, int rounds)
    {
        Compare("steps", rounds, () => prompts.Length / Step(ours), () => prompts.Length / Step(theirs));
        var tokens = (double)prompts.Sum(prompt => prompt.Length - 1);
        Compare("prompts", rounds, () => tokens / ours.Again(prompts), () => tokens / theirs.Again(prompts));
    }

    // Tokens per second of the two, in turn.
    private static void Compare(string what, int rounds, Func<double> ours, Func<double> theirs)
    {
        _ = (ours(), theirs()); // warm
        var (a, b) = (new double[rounds], new double[rounds]);
        for (var round = 0; round < rounds; round++)
        {
            (a[round], b[round]) = (Rested(ours), Rested(theirs));
        }
        Print($"| {what} | tokens/s, median (least to most) |");
        Print("| --- | ---: |");
        Print($"| Crosshead | {Spread(a, "0.0")} |");
        Print($"| llama.cpp | {Spread(b, "0.0")} |");
        Print($"| Crosshead ÷ llama.cpp, within a round | {Spread([.. a.Zip(b, (x, y) => x / y)], "0.00")} |");
    }

    // A turn after a rest, and after another one: a processor that comes from a rest is slower at first.
    private static double Rested(Func<double> turn)
    {
        Thread.Sleep(s_rest);
        _ = turn();
        return turn();
    }

    // Seconds of a step, the median of a turn.
    private static double Step(BatchEngine engine)
    {
        var times = new List<double>();
        do times.AddRange(engine.Turn(Steps));
        while (times.Sum() < SecondsPerTurn);
        return CacheComparison.Median(times);
    }

    private static void CompareTokens(string folder, LLamaWeights peer)
    {
        if (Directory.Exists(folder) && TokenizerFiles.Find(folder) is null) return;
        if (!Directory.Exists(folder) && !HasTokenizer(folder)) return;
        var tokenizer = ModelSource.Open(folder).Tokenizer;
        var different = s_texts.Where(text => !tokenizer.Encode(text, parseSpecialTokens: false)
            .SequenceEqual(peer.Tokenize(text, add_bos: true, special: false, Encoding.UTF8).Select(id => (int)id)));
        Print($"token ids: {s_texts.Length - different.Count()} of {s_texts.Length} texts are equal");
    }

    private static bool HasTokenizer(string file)
    {
        using var reader = GgufReader.Open(file);
        return reader.Metadata.CountOf("tokenizer.ggml.tokens") > 0;
    }

    private static double Difference(BatchEngine ours, BatchEngine theirs, int sequences)
    {
        double most = 0, largest = 0;
        for (var s = 0; s < sequences; s++)
        {
            var (a, b) = (ours.Logits(s).ToArray(), theirs.Logits(s).ToArray());
            largest = Math.Max(largest, a.Max(x => Math.Abs((double)x)));
            most = Math.Max(most, a.Zip(b, (x, y) => Math.Abs((double)x - y)).Max());
        }
        return most / largest;
    }

    private static Dictionary<string, string> Parse(string[] options)
    {
        string[] known = ["--sequences", "--cached", "--threads", "--type", "--rounds", "--flash", "--library"];
        var pairs = options.Chunk(2).ToArray();
        if (pairs.FirstOrDefault(pair => pair.Length < 2 || !known.Contains(pair[0])) is { } wrong)
            throw new CrossheadException($"{string.Join(' ', wrong)} is not understood; usage: {Usage}.");
        return pairs.ToDictionary(pair => pair[0], pair => pair[1]);
    }

    private static int Number(Dictionary<string, string> given, string name, int otherwise, int least) =>
        !given.TryGetValue(name, out var text) ? otherwise
        : int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= least ? number
        : throw new CrossheadException($"{name} must be a whole number from {least} on; got {text}.");

    private static string Spread(double[] values, string format) =>
        $"{CacheComparison.Median(values).ToString(format)} ({values.Min().ToString(format)} to "
        + $"{values.Max().ToString(format)})";

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0]
        : "unknown";

    private static void Print(string line) => Console.WriteLine(line);
}
