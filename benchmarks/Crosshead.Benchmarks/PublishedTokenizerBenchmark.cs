using BenchmarkDotNet.Attributes;
using Crosshead.Text.Tokenizers;

namespace Crosshead.Benchmarks;

/// <summary>
/// Loading published tokenizers, and encoding and decoding with them on one core. <c>CROSSHEAD_BENCH_TOKENIZERS</c>
/// names a folder with one folder for each, <c>CROSSHEAD_BENCH_TEXT</c> a text, best WikiText-2's training file.
/// </summary>
[MemoryDiagnoser]
public class PublishedTokenizerBenchmark
{
    private string _text = "";
    private Tokenizer _tokenizer = null!;
    private int[] _ids = [];

    /// <summary>The folders there are.</summary>
    public static IEnumerable<string> Folders =>
        Directory.GetDirectories(Environment.GetEnvironmentVariable("CROSSHEAD_BENCH_TOKENIZERS")
            ?? throw new CrossheadException(
                "CROSSHEAD_BENCH_TOKENIZERS is not set; name a folder that holds folders of tokenizers.")).Order();

    [ParamsSource(nameof(Folders))]
    public string Folder { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _text = File.ReadAllText(Environment.GetEnvironmentVariable("CROSSHEAD_BENCH_TEXT")
            ?? throw new CrossheadException("CROSSHEAD_BENCH_TEXT is not set; name a text file."));
        _tokenizer = Load();
        _ids = _tokenizer.Encode(_text);
    }

    [Benchmark]
    public Tokenizer Load() => Tokenizer.Load(Folder);

    [Benchmark]
    public int[] Encode() => _tokenizer.Encode(_text);

    [Benchmark]
    public string Decode() => _tokenizer.Decode(_ids);
}
