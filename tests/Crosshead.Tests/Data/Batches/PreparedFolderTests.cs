using Crosshead.Data.Batches;
using Crosshead.Data.Shards;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Tests.Data.Batches;

/// <summary>From text to batches: what preparation writes is what training reads.</summary>
public sealed class PreparedFolderTests
{
    private static readonly Lazy<Tokenizer> s_tokenizer = new(
        () => BpeTrainer.Train([Rows(40)], new BpeTrainerOptions { VocabularySize = 300 }));

    private static readonly DataPreparationOptions s_options =
        new() { HeldOutFraction = 0.2, ShardTokens = 500, Workers = 2 };

    [Fact]
    public void Both_splits_read_back_as_the_documents_in_order_across_shards()
    {
        using var folder = new TemporaryFolder();
        using var data = Prepare(folder);
        Assert.True(data.Manifest!.Train.Shards.Count > 2, "the data should span shards");
        string[] documents = [.. Documents(data.Train), .. Documents(data.HeldOut)];
        Assert.Equal(Rows(200).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(r => r[9..^2]).Order(
            StringComparer.Ordinal), documents.Order(StringComparer.Ordinal));
        var numbers = Documents(data.Train).Select(d => int.Parse(d.Split(' ')[1])).ToArray();
        Assert.Equal(numbers.Order(), numbers);
        Assert.Empty(Documents(data.Train).Intersect(Documents(data.HeldOut)));
    }

    [Fact]
    public void An_epoch_of_batches_predicts_every_token_of_the_shards_once()
    {
        const int Context = 16;
        using var folder = new TemporaryFolder();
        using var data = Prepare(folder);
        var tokens = All(data.Train);
        var sampler = new BatchSampler(data.Train, batch: 1, Context, seed: 3);
        var (inputs, targets) = (new long[Context], new long[Context]);
        var seen = new List<string>();
        for (var i = 0L; i < sampler.Windows; i++)
        {
            sampler.Next(inputs, targets);
            seen.Add(string.Join(' ', inputs.Append(targets[^1])));
        }
        var expected = Enumerable.Range(0, (tokens.Length - 1) / Context)
            .Select(w => string.Join(' ', tokens[(w * Context)..((w + 1) * Context + 1)]));
        Assert.Equal(expected.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
        Assert.Equal(new BatchPosition(1, 0), sampler.Position);
    }

    [Fact]
    public void The_folder_takes_its_own_tokenizer_and_refuses_another()
    {
        using var folder = new TemporaryFolder();
        using var data = Prepare(folder);
        data.EnsureTokenizer(Tokenizer.Load(folder.File("out")).Sha256);
        data.EnsureCompatible(s_tokenizer.Value.VocabularySize);
        var other = BpeTrainer.Train([Rows(40)], new BpeTrainerOptions { VocabularySize = 290 });
        var error = Assert.Throws<DataMismatchException>(() => data.EnsureTokenizer(other.Sha256)).Message;
        Assert.Contains(other.Sha256, error);
        Assert.Contains(s_tokenizer.Value.Sha256, error);
    }

    [Fact]
    public void A_shard_cut_after_preparation_is_refused_when_opened()
    {
        using var folder = new TemporaryFolder();
        string last;
        using (var data = Prepare(folder)) last = data.Manifest!.Train.Shards[^1].File;
        using (var file = File.OpenWrite(Path.Combine(folder.File("out"), last))) file.SetLength(file.Length - 1);
        var error = Assert.Throws<CrossheadException>(() => TokenDataset.Open(folder.File("out"))).Message;
        Assert.Contains(last, error);
        Assert.Contains("truncated", error);
    }

    [Fact]
    public void An_unfinished_folder_is_not_opened()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        File.WriteAllText(folder.File("rows.jsonl"), Rows(200));
        Assert.Throws<OperationCanceledException>(() => DataPreparation.Run([folder.File("rows.jsonl")],
            s_tokenizer.Value, folder.File("out"), s_options, cancellation: stop.Token));
        Assert.Contains("not finished",
            Assert.Throws<CrossheadException>(() => TokenDataset.Open(folder.File("out"))).Message);
    }

    private static TokenDataset Prepare(TemporaryFolder folder)
    {
        File.WriteAllText(folder.File("rows.jsonl"), Rows(200));
        DataPreparation.Run([folder.File("rows.jsonl")], s_tokenizer.Value, folder.File("out"), s_options);
        return TokenDataset.Open(folder.File("out"));
    }

    private static string Rows(int count) => string.Concat(Enumerable.Range(0, count).Select(i =>
        $"{{\"text\":\"document {i} says that head {i % 7} reads key {i % 11}{new string('!', i % 13)}\"}}\n"));

    private static long[] All(TokenSplit split)
    {
        var tokens = new long[split.Tokens];
        split.Read(0, tokens);
        return tokens;
    }

    private static IEnumerable<string> Documents(TokenSplit split)
    {
        var ids = All(split).Select(t => (int)t).ToArray();
        Assert.Equal(s_tokenizer.Value.EosTokenId, ids[^1]);
        for (int start = 0, end; start < ids.Length; start = end + 1)
        {
            end = Array.IndexOf(ids, s_tokenizer.Value.EosTokenId!.Value, start);
            yield return s_tokenizer.Value.Decode(ids.AsSpan(start..end));
        }
    }
}
