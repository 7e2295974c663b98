using System.Text;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using Crosshead.Data.Sources;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Benchmarks;

/// <summary>
/// Encoding and decoding on one core, and training 8,192 tokens on all. The text is the file that
/// <c>CROSSHEAD_BENCH_TEXT</c> names, best WikiText-2's training file, else ten megabytes made of a Zipf-like
/// vocabulary.
/// </summary>
[MemoryDiagnoser]
[Config(typeof(WithRate))]
public class TokenizerBenchmark
{
    private string[] _documents = [];
    private string _text = "";
    private Tokenizer _tokenizer = null!;
    private int[] _ids = [];

    [GlobalSetup]
    public void Setup()
    {
        _documents = [.. Documents()];
        _text = string.Concat(_documents);
        _tokenizer = Train();
        _ids = _tokenizer.Encode(_text);
    }

    [Benchmark]
    public int[] Encode() => _tokenizer.Encode(_text);

    [Benchmark]
    public string Decode() => _tokenizer.Decode(_ids);

    [Benchmark]
    public Tokenizer Train() => BpeTrainer.Train(_documents, new BpeTrainerOptions { VocabularySize = 8192 });

    private static IEnumerable<string> Documents()
    {
        var path = Environment.GetEnvironmentVariable("CROSSHEAD_BENCH_TEXT");
        if (path is not null)
            return new DocumentReader([path], new SourceOptions()).Read().Select(document => document.Text);
        var random = new Random(1);
        return Enumerable.Range(0, 2500).Select(_ => string.Join(' ',
            Enumerable.Range(0, 650).Select(_ => Word((int)Math.Pow(40_000, random.NextDouble())))));
    }

    // The word of a rank: frequent words are short.
    private static string Word(int rank)
    {
        var word = new StringBuilder();
        for (var left = rank; left > 0; left /= 20)
            word.Append("etaoinshrdlucmfwypvb"[left % 20]);
        return word.ToString();
    }

    private sealed class WithRate : ManualConfig
    {
        public WithRate() => AddColumn(new RateColumn());
    }

    private sealed class RateColumn : IColumn
    {
        private static readonly Lazy<double> Megabytes = new(
            () => Documents().Sum(text => (long)Encoding.UTF8.GetByteCount(text)) / 1e6);

        public string Id => nameof(RateColumn);
        public string ColumnName => "MB/s";
        public string Legend => "Megabytes of UTF-8 text a second, by the mean time";
        public UnitType UnitType => UnitType.Dimensionless;
        public ColumnCategory Category => ColumnCategory.Custom;
        public int PriorityInCategory => 0;
        public bool AlwaysShow => true;
        public bool IsNumeric => true;
        public bool IsAvailable(Summary summary) => true;
        public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;
        public string GetValue(Summary summary, BenchmarkCase benchmarkCase) =>
            summary[benchmarkCase]?.ResultStatistics is { } statistics
            ? $"{Megabytes.Value / (statistics.Mean / 1e9):F1}" : "-";
        public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
            GetValue(summary, benchmarkCase);
    }
}
