using System.Text;
using Crosshead.Data.Batches;
using Crosshead.Data.Shards;
using Crosshead.Tests.Text.Tokenizers;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;
using static Crosshead.Tests.Data.Shards.PreparedData;

namespace Crosshead.Tests.Data.Shards;

public sealed class DataPreparationTests
{
    [Fact]
    public void Shards_hold_every_document_once_and_end_it()
    {
        using var folder = new TemporaryFolder();
        var texts = WriteCorpus(folder, 300);
        var manifest = DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"),
            new() { ShardTokens = 2000, HeldOutFraction = 0.1 });
        var (train, heldOut) = (Documents(folder.File("out"), manifest.Train),
            Documents(folder.File("out"), manifest.HeldOut));
        Assert.Equal(texts.Order(), train.Concat(heldOut).Order());
        Assert.Equal(texts.Where(train.ToHashSet().Contains), train); // in order
        Assert.InRange(heldOut.Count, 10, 60);
        Assert.Equal(((long)train.Count, (long)heldOut.Count), (manifest.Train.Documents, manifest.HeldOut.Documents));
        Assert.Equal((Bytes(train), Bytes(heldOut)), (manifest.Train.Bytes, manifest.HeldOut.Bytes));
        Assert.True(manifest.Train.Shards.Count > 3);
        Assert.All(manifest.Train.Shards.SkipLast(1), shard => Assert.InRange(shard.Tokens, 2000, 2200));
        Assert.Equal(("uint16", Small.VocabularySize, 0),
            (manifest.Dtype, manifest.VocabularySize, manifest.EndTokenId));
        Assert.Equal(Small.Sha256, manifest.Request.TokenizerSha256);
        Assert.Equal(Small.Sha256, Tokenizer.Load(folder.File("out")).Sha256);
        Assert.Equal([.. manifest.HeldOut.Shards.Select(s => s.File), "manifest.json", "tokenizer.json",
            "tokenizer_config.json", .. manifest.Train.Shards.Select(s => s.File)], Names(folder.File("out")));
        using var data = TokenDataset.Open(folder.File("out"));
        Assert.Equal(manifest.Train.Tokens, data.Train.Tokens);
        static long Bytes(List<string> documents) => documents.Sum(d => (long)Encoding.UTF8.GetByteCount(d));
    }

    [Fact]
    public void A_document_cannot_forge_an_end_of_document()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("in.jsonl"), "{\"text\":\"a<|endoftext|>b\"}\n{\"text\":\"c\"}\n");
        var manifest = DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"),
            new() { HeldOutFraction = 0 });
        Assert.Equal(2, Tokens(folder.File("out"), manifest.Train).Count(id => id == 0));
        Assert.Equal((2L, 0L), (manifest.Train.Documents, manifest.HeldOut.Documents));
    }

    [Fact]
    public void Wide_vocabularies_take_four_bytes()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TokenizerTests.Load(folder,
            TokenizerTests.Json(folder, json => json["model"]!["vocab"]!["Ġrare"] = 66_000));
        File.WriteAllText(folder.File("in.txt"), "a b c");
        var manifest = DataPreparation.Run([folder.File("in.txt")], tokenizer, folder.File("out"), new());
        Assert.Equal("uint32", manifest.Dtype);
        Assert.Equal(manifest.Train.Tokens * 4, new FileInfo(folder.File("out/train-00000.bin")).Length);
        Assert.Equal([.. tokenizer.Encode("a b c"), tokenizer.EosTokenId!.Value],
            Tokens(folder.File("out"), manifest.Train));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void The_bytes_do_not_depend_on_workers(int workers)
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 4000);
        var options = new DataPreparationOptions { ShardTokens = 20_000, Workers = 2 };
        DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("a"), options);
        DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("b"), options with { Workers = workers });
        Assert.Equal(Contents(folder.File("a")), Contents(folder.File("b")));
    }

    [Fact]
    public void A_finished_folder_is_recognised_and_another_request_refused()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 50);
        var first = DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"), new());
        File.WriteAllText(folder.File("out/notes.txt"), "mine");
        var written = File.GetLastWriteTimeUtc(folder.File("out/train-00000.bin"));
        Assert.Equal(first.Identity(),
            DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"), new()).Identity());
        Assert.Equal(written, File.GetLastWriteTimeUtc(folder.File("out/train-00000.bin")));

        Assert.Contains("heldOutFraction is 0.3 here and 0.02 there",
            Refused(folder, "out", new() { HeldOutFraction = 0.3 }));
        Assert.Contains("seed is 7 here and 0 there", Refused(folder, "out", new() { Seed = 7 }));
        Assert.Contains("`Overwrite`", Refused(folder, "out", new() { ShardTokens = 99 }));
        var other = BpeTrainer.Train(["other text other text"], new() { VocabularySize = 260 });
        var error = Assert.Throws<DataMismatchException>(
            () => DataPreparation.Run([folder.File("in.jsonl")], other, folder.File("out"), new())).Message;
        Assert.Contains(other.Sha256, error);
        Assert.Contains(Small.Sha256, error);

        var shards = first.Train.Shards.Count;
        var anew = DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"),
            new() { ShardTokens = 200, Overwrite = true });
        Assert.True(anew.Train.Shards.Count > shards);
        DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"), new() { Overwrite = true });
        Assert.Equal(["heldout-00000.bin", "manifest.json", "notes.txt", "tokenizer.json", "tokenizer_config.json",
            "train-00000.bin"], Names(folder.File("out")));
        Assert.NotEqual(first.Identity(), anew.Identity());
    }

    [Fact]
    public void A_changed_input_is_noticed()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 50);
        DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"), new());
        File.AppendAllText(folder.File("in.jsonl"), "{\"text\":\"more\"}\n");
        Assert.Contains("the length of", Refused(folder, "out", new()));
    }

    [Theory]
    [InlineData(1, 1, 0)]
    [InlineData(2, 1, 1)]
    [InlineData(3, 2, 1)]
    public void Few_documents_still_give_both_splits_one(int documents, int train, int heldOut)
    {
        using var folder = new TemporaryFolder();
        for (var seed = 0; seed < 5; seed++)
            foreach (var fraction in new[] { 1e-9, 0.5 })
            {
                File.WriteAllLines(folder.File("in.jsonl"),
                    Enumerable.Range(0, documents).Select(i => $"{{\"text\":\"document {i}\"}}"));
                var manifest = DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"),
                    new() { HeldOutFraction = fraction, Seed = seed, Overwrite = true });
                Assert.Equal(documents, manifest.Train.Documents + manifest.HeldOut.Documents);
                Assert.True(manifest.Train.Documents >= 1);
                Assert.Equal(documents > 1, manifest.HeldOut.Documents >= 1);
                if (fraction < 0.1)
                    Assert.Equal((train, heldOut), (manifest.Train.Documents, manifest.HeldOut.Documents));
            }
    }

    [Fact]
    public void A_document_goes_the_same_way_whatever_is_around_it()
    {
        using var folder = new TemporaryFolder();
        var texts = WriteCorpus(folder, 400);
        DatasetManifest Run(string name, IEnumerable<string> rows)
        {
            File.WriteAllLines(folder.File(name + ".jsonl"), rows.Select(text => $"{{\"text\":\"{text}\"}}"));
            return DataPreparation.Run([folder.File(name + ".jsonl")], Small, folder.File(name),
                new() { HeldOutFraction = 0.2, Seed = 3 });
        }
        var all = Documents(folder.File("all"), Run("all", texts).HeldOut);
        var half = Documents(folder.File("half"), Run("half", texts.Where((_, i) => i % 2 == 0).Reverse()).HeldOut);
        Assert.Equal(all.Intersect(texts.Where((_, i) => i % 2 == 0)).Order(), half.Order());
        // The empty text's XXH3, from its specification: another machine must choose alike.
        Assert.Equal(0x2D06800538D394C2UL, HoldOut.Hash([], 0));
    }

    [Fact]
    public void Progress_reaches_the_end()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 2000);
        var told = new List<PreparationProgress>();
        var manifest = DataPreparation.Run([folder.File("in.jsonl")], Small, folder.File("out"), new(),
            new ImmediateProgress(told.Add));
        var total = new FileInfo(folder.File("in.jsonl")).Length;
        Assert.Equal((total, total, 2000L, manifest.Train.Tokens + manifest.HeldOut.Tokens),
            (told[^1].BytesRead, told[^1].TotalBytes, told[^1].Documents, told[^1].Tokens));
        Assert.True(told.Zip(told.Skip(1))
            .All(pair => pair.First.BytesRead <= pair.Second.BytesRead && pair.First.Tokens < pair.Second.Tokens));
    }

    [Fact]
    public void Nothing_is_left_of_a_run_without_text()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("in.jsonl"), "{\"text\":\" \"}\n\n");
        Assert.Contains("hold no document with text", Refused(folder, "out", new()));
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void A_bad_row_stops_the_run_without_a_manifest()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 20);
        File.AppendAllText(folder.File("in.jsonl"), "{\"txt\":1}\n");
        Assert.Contains("line 21: there is no field \"text\"", Refused(folder, "out", new()));
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void Options_out_of_range_and_a_tokenizer_without_an_end_are_refused()
    {
        using var folder = new TemporaryFolder();
        WriteCorpus(folder, 2);
        Assert.Contains("heldOutFraction (0.6)", Refused(folder, "out", new() { HeldOutFraction = 0.6 }));
        Assert.Contains("heldOutFraction (NaN)", Refused(folder, "out", new() { HeldOutFraction = double.NaN }));
        Assert.Contains("shardTokens (0)", Refused(folder, "out", new() { ShardTokens = 0 }));
        Assert.Contains("workers (0)", Refused(folder, "out", new() { Workers = 0 }));
        var endless = BpeTrainer.Train(["some text some text"], new() { VocabularySize = 260, SpecialTokens = [] });
        Assert.Contains("no end token", Assert.Throws<CrossheadException>(
            () => DataPreparation.Run([folder.File("in.jsonl")], endless, folder.File("out"), new())).Message);
        File.WriteAllText(folder.File("file"), "");
        Assert.Contains("cannot be made", Refused(folder, "file", new()));
    }
}
