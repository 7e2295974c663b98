using Crosshead.Attention;
using Crosshead.Compression.Jobs;
using Crosshead.Model;
using Crosshead.TextModels;

namespace Crosshead.Tests.TextModels;

/// <summary>
/// The programs that the pages show, line by line, so that they compile; <see cref="Cli.DocumentationTests"/> compares.
/// </summary>
internal static class ShownPrograms
{
    public static void Generate()
    {
        using var model = TextModel.Load("models/llama");
        Console.WriteLine(model.Generate("Once upon a time").Text);
    }

    public static void Compress()
    {
        var job = CompressionJob.Open("models/llama", File.ReadAllText("book.txt"));
        var result = job.Run("models/half");
        Console.WriteLine($"loss {result.LossBefore:0.000} -> {result.LossAfter:0.000} nats per token");
    }

    public static void Describe()
    {
        var heads = new AttentionOptions { Variant = AttentionVariant.Mea, Heads = 8, KeyValueHeads = 4 };
        var options = new ModelOptions
        {
            HiddenSize = 256,
            Layers = 6,
            Context = 256,
            VocabularySize = 4096,
            Attention = heads with { KeyComponents = 2, ValueComponents = 2 },
        };
        using var model = new LanguageModel(options);
        model.Initialize(seed: 1);
        Console.WriteLine(ModelCost.Of(options));   // parameters, operations and cache per token
    }
}
