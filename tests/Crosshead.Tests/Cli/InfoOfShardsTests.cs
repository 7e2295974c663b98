using Crosshead.Checkpoints;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Cli;

public sealed class InfoOfShardsTests
{
    [Fact]
    public void Info_reads_the_precision_of_a_sharded_model()
    {
        using var folder = new Tests.TemporaryFolder();
        using (var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = 30,
            HiddenSize = 16,
            Layers = 2,
            Context = 12,
            Attention = new() { Heads = 4 },
        }))
        {
            model.Initialize(1);
            ModelDirectory.Save(folder.Path, model, type: ScalarType.BFloat16, shardBytes: 3000);
        }
        Assert.True(Directory.GetFiles(folder.Path, "model-*").Length > 1);
        Assert.Equal("bfloat16", (string?)CliRun.Of("info", folder.Path, "--json").Json["dtype"]);
        File.Delete(Directory.GetFiles(folder.Path, "model-*")[0]);
        Assert.Contains("shards that are missing", CliRun.Of("info", folder.Path).Refusal());
    }
}
