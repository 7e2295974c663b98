using System.Runtime.InteropServices;
using System.Text;
using Crosshead.Data;

namespace Crosshead.Tests.Data;

public sealed class DataPreparationTests : IDisposable
{
    private static readonly Tokenizer Tokenizer = TinyTokenizer.Gpt2;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Shards_decode_to_the_documents_each_with_its_end(int tokenBytes)
    {
        var tokenizer = tokenBytes == 2 ? Tokenizer : WithManyTokens();
        var texts = Texts(300).Append("it says <|endoftext|> here\n").ToArray();
        var manifest = Run(Source("a.txt", texts), new() { HeldOutFraction = 0.2 }, tokenizer);
        Assert.Equal((tokenBytes == 2 ? "uint16" : "uint32", 0, tokenizer.VocabularySize), (manifest.Dtype, manifest.EndTokenId, manifest.VocabularySize));
        var (train, heldOut) = (Documents(manifest, DataSplit.Train, tokenizer), Documents(manifest, DataSplit.HeldOut, tokenizer));
        Assert.Equal(texts.Order(), train.Concat(heldOut).Order());
        Assert.Equal(texts.Where(train.Contains), train);
        Assert.Equal(((long)train.Count, (long)heldOut.Count), (manifest.Train.Documents, manifest.HeldOut.Documents));
        Assert.Equal(texts.Sum(t => (long)Encoding.UTF8.GetByteCount(t)), manifest.Train.Bytes + manifest.HeldOut.Bytes);
        Assert.InRange(heldOut.Count, 30, 100);
        Assert.Equal(tokenizer.Sha256, Tokenizer.Load(Out).Sha256);
        Assert.Equal(tokenizer.Sha256, manifest.Request.TokenizerSha256);
    }

    [Fact]
    public void A_document_is_held_out_wherever_it_stands()
    {
        var texts = Texts(300);
        var held = Documents(Run(Source("a.txt", texts), new() { HeldOutFraction = 0.1 }), DataSplit.HeldOut);
        Directory.Delete(Out, recursive: true);
        var shuffled = Documents(Run(Source("a.txt", [.. texts.Reverse()]), new() { HeldOutFraction = 0.1, Workers = 3 }), DataSplit.HeldOut);
        Assert.Equal(held.Order(), shuffled.Order());
        Directory.Delete(Out, recursive: true);
        Assert.NotEqual(held.Order(), Documents(Run(Source("a.txt", texts), new() { HeldOutFraction = 0.1, Seed = 1 }), DataSplit.HeldOut).Order());
    }

    [Theory]
    [InlineData(2, 0.001, 1, 1)]
    [InlineData(40, 0.0001, 39, 1)]
    [InlineData(1, 0.5, 1, 0)]
    [InlineData(40, 0, 40, 0)]
    public void Both_splits_have_a_document_where_there_are_two(int documents, double fraction, int train, int heldOut)
    {
        for (var seed = 0; seed < 5; seed++)
        {
            var manifest = Run(Source("a.txt", Texts(documents)), new() { HeldOutFraction = fraction, Seed = seed, Overwrite = true });
            Assert.Equal(((long)train, (long)heldOut), (manifest.Train.Documents, manifest.HeldOut.Documents));
            Assert.Equal(documents, Documents(manifest, DataSplit.Train).Count + Documents(manifest, DataSplit.HeldOut).Count);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(400)]
    public void An_interrupted_preparation_continues_to_the_same_bytes(int documents)
    {
        // Documents long enough that the work is done in several batches.
        var texts = Texts(documents).Select(t => string.Concat(Enumerable.Repeat(t.TrimEnd() + " ", 1_200_000 / documents / t.Length))).ToArray();
        var sources = new[] { Source("a.txt", texts[..(documents / 2)]), Source("b.txt", texts[(documents / 2)..]) };
        var options = new DataPreparationOptions { HeldOutFraction = documents == 3 ? 0 : 0.3, ShardTokens = 60_000, Workers = 2 };
        var straight = Files(Prepare(sources, _folder.File("straight"), options));
        var interruptions = 0;
        while (true)
        {
            using var stop = new CancellationTokenSource();
            try
            {
                DataPreparation.Run(sources, Tokenizer, Out, options, new StopAt(stop), stop.Token);
                break;
            }
            catch (OperationCanceledException)
            {
                Assert.Contains("is not finished", Assert.Throws<CrossheadException>(() => DatasetManifest.Load(Out)).Message);
                interruptions++;
            }
        }
        Assert.True(interruptions >= 1, "the preparation was never interrupted");
        Assert.Equal(straight, Files(DatasetManifest.Load(Out)));
        Assert.Equal(DatasetManifest.Load(_folder.File("straight")).Identity(), DatasetManifest.Load(Out).Identity());
        Assert.DoesNotContain(Directory.GetFiles(Out), f => f.EndsWith(".partial", StringComparison.Ordinal) || f.EndsWith(".tmp", StringComparison.Ordinal) || f.EndsWith(PreparationState.FileName, StringComparison.Ordinal));
    }

    [Fact]
    public void A_kill_after_the_last_kept_state_loses_no_bytes()
    {
        var source = Source("a.txt", [.. Texts(200).Select(t => string.Concat(Enumerable.Repeat(t, 50)))]);
        var options = new DataPreparationOptions { ShardTokens = 20_000, Workers = 1 };
        var straight = Files(Prepare([source], _folder.File("straight"), options));
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => DataPreparation.Run([source], Tokenizer, Out, options, new StopAt(stop), stop.Token));
        // What a killed process leaves: bytes written after the state was kept, or the shard already renamed.
        foreach (var partial in Directory.GetFiles(Out, "*.partial"))
        {
            File.AppendAllText(partial, "written after the state was kept");
            if (partial.Contains("train")) File.Move(partial, partial[..^".partial".Length]);
        }
        File.WriteAllText(Path.Combine(Out, "train-00090.bin"), "left over");
        Assert.Equal(straight, Files(Prepare([source], Out, options)));
        Assert.False(File.Exists(Path.Combine(Out, "train-00090.bin")));
    }

    [Fact]
    public void Shards_end_at_the_first_document_beyond_their_size()
    {
        var manifest = Run(Source("a.txt", Texts(200)), new() { ShardTokens = 100, HeldOutFraction = 0.1 });
        var longest = Documents(manifest, DataSplit.Train).Max(t => Tokenizer.Encode(t).Length + 1);
        Assert.True(manifest.Train.Shards.Count > 10);
        Assert.All(manifest.Train.Shards.SkipLast(1), shard => Assert.InRange(shard.Tokens, 100, 100 + longest));
        Assert.Equal(manifest.Train.Shards.Select((_, i) => $"train-{i:D5}.bin"), manifest.Train.Shards.Select(s => s.File));
    }

    [Fact]
    public void A_finished_folder_is_recognised_and_left_alone()
    {
        var source = Source("a.txt", Texts(50));
        Run(source, new());
        var before = File.GetLastWriteTimeUtc(Path.Combine(Out, "train-00000.bin"));
        var progress = new StopAt(new CancellationTokenSource());
        DataPreparation.Run([source], Tokenizer, Out, new(), progress);
        Assert.Equal(0, progress.Reports);
        Run(source, new() { Overwrite = true });
        Assert.Equal(before, File.GetLastWriteTimeUtc(Path.Combine(Out, "train-00000.bin")));
    }

    [Theory]
    [InlineData("heldOutFraction")]
    [InlineData("seed")]
    [InlineData("shardTokens")]
    [InlineData("splitOn")]
    [InlineData("field")]
    [InlineData("tokenizer")]
    [InlineData("number of input files")]
    [InlineData("length")]
    [InlineData("time")]
    [InlineData("an input")]
    public void A_folder_of_other_data_is_refused_with_the_difference(string difference)
    {
        foreach (var finished in (bool[])[true, false])
        {
            var source = Source("a.txt", [.. Texts(100).Select(t => string.Concat(Enumerable.Repeat(t, 100)))]);
            using var stop = new CancellationTokenSource();
            var options = new DataPreparationOptions { Workers = 1, Overwrite = true };
            if (finished) Run(source, options);
            else Assert.ThrowsAny<OperationCanceledException>(() => DataPreparation.Run([source], Tokenizer, Out, options, new StopAt(stop), stop.Token));
            options = options with { Overwrite = false };
            var (inputs, tokenizer) = (new List<string> { source }, Tokenizer);
            switch (difference)
            {
                case "heldOutFraction": options = options with { HeldOutFraction = 0.5 }; break;
                case "seed": options = options with { Seed = 3 }; break;
                case "shardTokens": options = options with { ShardTokens = 9 }; break;
                case "splitOn": options = options with { Source = new() { SplitOn = TextSplit.File } }; break;
                case "field": options = options with { Source = new() { Field = "body" } }; break;
                case "tokenizer": tokenizer = TinyTokenizer.Llama3; break;
                case "number of input files": inputs.Add(Source("more.txt", Texts(2))); break;
                case "length": File.AppendAllText(source, "more"); break;
                case "time": File.SetLastWriteTimeUtc(source, new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc)); break;
                default:
                    File.Move(source, source = _folder.File("moved.txt"), overwrite: true);
                    inputs = [source];
                    break;
            }
            var error = Refused(() => DataPreparation.Run(inputs, tokenizer, Out, options));
            Assert.Contains(difference, error);
            Assert.Contains("--overwrite", error);
            Assert.Equal(tokenizer.Sha256, DataPreparation.Run(inputs, tokenizer, Out, options with { Overwrite = true }).Request.TokenizerSha256);
        }
    }

    [Fact]
    public void Damage_of_the_folder_is_found_and_named()
    {
        var source = Source("a.txt", Texts(50));
        var manifest = Run(source, new());
        var shard = Path.Combine(Out, manifest.Train.Shards[0].File);
        using (var file = File.OpenWrite(shard)) file.SetLength(10);
        Assert.Contains("has 10 bytes, but the manifest says", Refused(() => Run(source, new())));
        File.Delete(shard);
        Assert.Contains("is missing", Refused(() => Run(source, new())));
        File.WriteAllText(Path.Combine(Out, DatasetManifest.FileName), "{ \"ver");
        Assert.Contains("cannot read", Refused(() => Run(source, new())));
        Assert.Equal(manifest.Identity(), Run(source, new() { Overwrite = true }).Identity());
        File.Delete(Path.Combine(Out, DatasetManifest.FileName));
        foreach (var state in (string[])["", "{}", "null", "\0\0"])
        {
            File.WriteAllText(Path.Combine(Out, PreparationState.FileName), state);
            Assert.Contains(PreparationState.FileName, Refused(() => Run(source, new())));
        }
        Assert.Equal(manifest.Identity(), Run(source, new() { Overwrite = true }).Identity());
    }

    [Fact]
    public void An_unfinished_shard_that_lost_bytes_is_refused()
    {
        var source = Source("a.txt", [.. Texts(100).Select(t => string.Concat(Enumerable.Repeat(t, 100)))]);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => DataPreparation.Run([source], Tokenizer, Out, new() { Workers = 1 }, new StopAt(stop), stop.Token));
        using (var file = File.OpenWrite(Path.Combine(Out, "train-00000.bin.partial"))) file.SetLength(100);
        Assert.Contains("train-00000.bin.partial does not hold the", Refused(() => Run(source, new())));
    }

    [Fact]
    public void Inputs_that_hold_nothing_or_damage_leave_no_data_behind()
    {
        var blank = _folder.File("blank.txt");
        File.WriteAllText(blank, " \n\n\t\n");
        Assert.Contains("hold no document with text", Refused(() => Run(blank, new())));
        Assert.False(File.Exists(Path.Combine(Out, DatasetManifest.FileName)));
        File.WriteAllText(_folder.File("bad.txt"), "text \0");
        Assert.Contains("is NUL", Refused(() => DataPreparation.Run([Source("a.txt", Texts(3)), _folder.File("bad.txt")], Tokenizer, Out, new() { Overwrite = true })));
        Assert.False(File.Exists(Path.Combine(Out, DatasetManifest.FileName)));
        Assert.Contains("does not exist", Refused(() => Run(_folder.File("absent.txt"), new())));
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_named()
    {
        File.WriteAllText(Out, "a file where the folder should be");
        Assert.Contains(Out, Refused(() => Run(Source("a.txt", Texts(3)), new())));
    }

    [Fact]
    public void A_tokenizer_without_an_end_token_is_refused()
    {
        var tokenizer = BpeTrainer.Train(["some text"], new() { VocabularySize = 256, SpecialTokens = [] });
        Assert.Contains("no end token", Refused(() => Run(Source("a.txt", Texts(3)), new(), tokenizer)));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(0.6)]
    [InlineData(double.NaN)]
    public void A_fraction_outside_its_range_is_refused(double fraction) =>
        Assert.Contains("heldOutFraction", Refused(() => new DataPreparationOptions { HeldOutFraction = fraction }.Validate()));

    [Fact]
    public void Other_options_outside_their_range_are_refused()
    {
        Assert.Contains("shardTokens (0)", Refused(() => new DataPreparationOptions { ShardTokens = 0 }.Validate()));
        Assert.Contains("workers (0)", Refused(() => new DataPreparationOptions { Workers = 0 }.Validate()));
        Assert.Contains("field (\"\")", Refused(() => new DataPreparationOptions { Source = new() { Field = "" } }.Validate()));
        Assert.Contains("splitOn (\"\")", Refused(() => TextSplit.Parse("")));
    }

    private string Out => _folder.File("out");

    private static string[] Texts(int count) => [.. TinyTokenizer.Documents(count, 11).Select((text, i) => $"{i} {text}\n")];

    // The texts, apart by form feeds.
    private string Source(string name, string[] texts)
    {
        File.WriteAllText(_folder.File(name), string.Join('\f', texts) + "\f");
        return _folder.File(name);
    }

    private DatasetManifest Run(string source, DataPreparationOptions options, Tokenizer? tokenizer = null) =>
        DataPreparation.Run([source], tokenizer ?? Tokenizer, Out, options with { Source = options.Source with { SplitOn = TextSplit.Auto } });

    private static DatasetManifest Prepare(string[] sources, string directory, DataPreparationOptions options) => DataPreparation.Run(sources, Tokenizer, directory, options);

    private List<string> Documents(DatasetManifest manifest, DataSplit split, Tokenizer? tokenizer = null)
    {
        var documents = new List<string>();
        foreach (var shard in manifest[split].Shards)
        {
            var bytes = File.ReadAllBytes(Path.Combine(Out, shard.File));
            int[] tokens = manifest.Dtype == "uint16" ? [.. MemoryMarshal.Cast<byte, ushort>(bytes).ToArray().Select(t => (int)t)] : MemoryMarshal.Cast<byte, int>(bytes).ToArray();
            Assert.Equal((shard.Tokens, manifest.EndTokenId), (tokens.Length, tokens[^1]));
            var start = 0;
            for (var i = 0; i < tokens.Length; i++)
            {
                if (tokens[i] != manifest.EndTokenId) continue;
                documents.Add((tokenizer ?? Tokenizer).Decode(tokens.AsSpan(start..i)));
                start = i + 1;
            }
        }
        return documents;
    }

    private static List<string> Files(DatasetManifest manifest) =>
        [.. manifest.Train.Shards.Concat(manifest.HeldOut.Shards).Select(s => $"{s.File} {s.Tokens} {s.Documents} {s.Bytes} {s.Xxh128}")];

    // The tiny tokenizer with a vocabulary beyond 65,536.
    private Tokenizer WithManyTokens()
    {
        Tokenizer.Save(_folder.File("many"));
        var json = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(_folder.File("many/tokenizer.json")))!;
        for (var id = Tokenizer.VocabularySize; id < 70_000; id++)
            json["model"]!["vocab"]![$"unused{id}"] = id;
        return new Tokenizer(Encoding.UTF8.GetBytes(json.ToJsonString()), new("<|endoftext|>", null), "many");
    }

    private static string Refused(Action action)
    {
        var error = Assert.Throws<CrossheadException>(action).Message;
        Assert.DoesNotContain('\n', error);
        return error;
    }

    // Stops the work at its first report.
    private sealed class StopAt(CancellationTokenSource source) : IProgress<PreparationProgress>
    {
        public int Reports { get; private set; }

        public void Report(PreparationProgress value)
        {
            Reports++;
            source.Cancel();
        }
    }
}
