using Crosshead.Text.Tokenizers;
using Crosshead.Text.Tokenizers.Definition;
using Crosshead.Text.Tokenizers.Training;
using CsCheck;

namespace Crosshead.Tests.Text.Tokenizers;

/// <summary>
/// A small tokenizer and the text it was made from, shared by the tests of this folder; and the Unicode they try.
/// </summary>
internal static class TinyTokenizer
{
    public static readonly string[] Words = ["the", "The", "head", "heads", "attend", "attention", "to", "one",
        "another", "well", "42", "2026", "don't", "naïve", "日本", "😀"];

    public static readonly Tokenizer Gpt2 = Train(PreTokenizerPattern.Gpt2);

    public static readonly Tokenizer Llama3 = Train(PreTokenizerPattern.Llama3);

    /// <summary>Any character but half of a surrogate pair, common kinds often.</summary>
    public static readonly Gen<string> Unicode = Gen.Frequency(
        (6, Gen.Int[0x20, 0x7E]),
        (2, Gen.OneOf(' ', '\n', '\r', '\t', '\'', '\u00A0', '\u3000', '\u0085', '\u2028').Select(c => (int)c)),
        (2, Gen.Int[0, 0x1F]),
        (2, Gen.Int[0x1F300, 0x1FAFF]),   // emoji
        (2, Gen.Int[0x4E00, 0x9FFF]),     // CJK
        (1, Gen.Int[0x300, 0x36F]),       // combining marks
        (1, Gen.OneOf(0x200D, 0xFE0F, 0xFEFF, 0xFFFD, 0xFFFF, 0x10FFFF, 0x1D400, 0x1D7D8, 0x661, 0x2167)),
        (2, Gen.OneOf(Gen.Int[0, 0xD7FF], Gen.Int[0xE000, 0x10FFFF]))).Select(char.ConvertFromUtf32).Array[0, 60]
            .Select(string.Concat);

    /// <summary>Words of the training text and arbitrary characters, mixed.</summary>
    public static readonly Gen<string> Mixed = Gen.OneOf(Gen.OneOf<string>(Words).Select(w => " " + w),
        Unicode).Array[0, 8].Select(string.Concat);

    public static IEnumerable<string> Documents(int count, int seed)
    {
        var random = new Random(seed);
        for (var d = 0; d < count; d++)
            yield return string.Join(' ', Enumerable.Range(0, random.Next(5, 60)).Select(
                _ => Words[(int)(Words.Length * Math.Pow(random.NextDouble(), 2))])) + ".";
    }

    public static Tokenizer Train(PreTokenizerPattern pattern, int vocabulary = 320) =>
        BpeTrainer.Train(Documents(50, 1),
            new BpeTrainerOptions { VocabularySize = vocabulary, Pattern = pattern, Workers = 1 });
}
