namespace Crosshead.Tests.Cli;

/// <summary>
/// The smallest run that uses everything: a text, a tokenizer and shards made by the commands, and a recipe.
/// </summary>
internal static class TinyRecipe
{
    public const int Vocabulary = 280;

    public static string Text { get; } = string.Concat(
        Enumerable.Range(0, 4000).Select(i => i % 7 == 0 ? "\n\n" : $"word{i % 31} and {i % 11}, "));

    /// <summary>Writes all of it and returns the recipe's path.</summary>
    public static string In(TemporaryFolder folder, int steps)
    {
        var text = folder.Write("text.txt", Text);
        Assert.Equal(0, CliRun.Of("tokenizer", "train", text, "--vocab", $"{Vocabulary}", "--out",
            folder.File("tokenizer.json")).ExitCode);
        Assert.Equal(0, CliRun.Of("data", "prepare", text, "--tokenizer", folder.File("tokenizer.json"), "--held-out",
            "0.2", "--out", folder.File("data")).ExitCode);
        return folder.Write("tiny.json", $$"""
            {
              "model": { "vocabularySize": {{Vocabulary}}, "hiddenSize": 16, "layers": 1, "context": 32, "attention": { "variant": "mea", "heads": 2 } },
              "data": { "folder": "{{folder.File("data")}}" },
              "training": { "batch": 2, "steps": {{steps}}, "learningRate": 1e-2, "device": "cpu", "evalBatches": 1, "schedule": { "warmupSteps": 0 } }
            }
            """);
    }
}
