using Crosshead.Attention;
using Crosshead.Checkpoints;
using Crosshead.Checkpoints.HuggingFace;
using Crosshead.Model;
using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Training;

namespace Crosshead.Tests.TextModels;

/// <summary>
/// A model directory with all its parts, as small as can be: random weights, and a tokenizer of 280 tokens.
/// </summary>
internal static class SmallTextModel
{
    public static string Text { get; } =
        string.Concat(Enumerable.Range(0, 3000).Select(i => i % 7 == 0 ? "\n\n" : $"word{i % 31} and {i % 11}, "));

    private static readonly Lazy<Tokenizer> s_tokenizer = new(
        () => BpeTrainer.Train([Text], new BpeTrainerOptions { VocabularySize = 280 }));

    public static Tokenizer Tokenizer => s_tokenizer.Value;

    /// <summary>Writes the directory.</summary>
    public static void Save(string folder, TextTokens? tokens = null, int vocabulary = 280)
    {
        using var model = new LanguageModel(new ModelOptions
        {
            VocabularySize = vocabulary,
            HiddenSize = 16,
            Layers = 2,
            Context = 48,
            InitializerRange = 0.3,
            Attention = new AttentionOptions { Variant = AttentionVariant.Mea, Heads = 4, KeyValueHeads = 2 },
        });
        model.Initialize(3);
        ModelDirectory.Save(folder, model, tokens: tokens);
        Tokenizer.Save(folder);
    }
}
